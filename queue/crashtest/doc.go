// Package crashtest takes the power from a queue again and again, and compares what is there afterwards with what was promised.
//
// A round is one disk and several lives of a queue on it. In a life, hands do one random operation after the other
// (operations): accepts of every shape, settlements, resends, purges, parks, backups, with sweeps, flushes and compactions going on beside
// them. Then the life is cut, at a moment of the workload (between two steps of the queue, before an operation on a file) or at
// any time, and the next one begins on a copy of the disk, which has what was synced and a random share of the rest. The last
// life ends well: what is left is handed out by the queue as it is, and nothing is left behind.
//
// # What is checked
//
// The model notes each call before it begins and when it has returned. So at the moment of the cut it says of every delivery
// which states it may be in on the disk, and everything is compared: the place of a delivery, its lane and attempts, the
// log of attempts, the payload, and what the queue counts. While a life goes on the hands check what they are handed: nothing twice, nothing that is over,
// and deliveries with an order key in their order.
//
// # Why to believe it
//
// A test that finds nothing may be unable to find anything. So the queue can be given mistakes ([Mutants]), each of which has to
// be noticed. Rare orders are made likely by pauses, at random, at the steps of the queue and the operations on its files.
//
// One order is too rare even so: a snapshot taken while a batch is applied and not visible, and a flush of
// it ended. There, that the snapshot is taken beside a commit is noticed, and not what comes of it.
package crashtest
