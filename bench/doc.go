// Package bench measures the engine, and proves by counting what the engine promises.
//
//	result, err := bench.Dispatch(ctx, bench.DispatchConfig{Fanout: 10})
//
// [Dispatch] is the rate of durable deliveries from Publish to the receiver's answer, beside the rate that a
// bare HTTP client reaches with the same bodies at the same receivers in the same run, and beside that of the engine
// on a store in memory; and the time that a delivery takes below saturation. [Isolation] is
// what hosts that are bad, in each of eight ways, cost the others, and [Hosts] is that with very many of them. [Breaker] is
// what a host costs that is down while very many deliveries wait for it, and [Restart] how one comes back. [Queue] is package queue
// by itself, beside a bare log on the same disk. [Scale] is
// what many registrations cost at start-up and in memory. [Crash] measures nothing: it takes the power from a queue and counts
// what was promised and is not there. [Parse] is the time to parse a filter, beside that of a textbook
// grammar, and [Match] that to match an event with very many filters, beside a loop over them and a floor; [MatchUpdates] is what changes
// of the filters cost while events are matched, and [MatchBody] the time for one given body.
//
// # How the counting works
//
// Every body carries a sequence number of its own ([Workload]). A [Receiver] takes it out of each
// request and enters it in a [Ledger], together with the identifier of the delivery; the publisher has
// entered there what it sent. So what was lost, and what came twice, is counted and not sampled. Where an event is owed to
// several endpoints, the path of each carries its number, and the counting is by event and endpoint.
//
// # How to read the figures
//
// Publishers, engine, client and receivers share one machine, so the rates are those of the whole
// round on half of it. Only figures of one run compare: the sides of a ratio are measured in
// slices that alternate, so that a noisy neighbour disturbs both.
package bench
