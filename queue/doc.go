// Package queue keeps deliveries on disk until they are settled. It knows bytes, endpoints and times;
// what a payload means and where an endpoint is, it does not know.
//
//	r, err := q.Accept(ctx, queue.Message{Payload: body, Deliveries: []queue.Target{{Endpoint: 7}}})
//	// err == nil: the message survives kill -9 and power loss
//
//	d, ok := q.Take(7)                                // the next delivery of endpoint 7 that is due
//	q.Settle(&d, queue.Outcome{Verdict: queue.Done})  // or Again at a time, or Dead with a reason
//
// # What is promised
//
//   - Accept returns nil only after payload, deliveries and idempotency key are on disk, in one atomic
//     synced batch, which refers to a large payload in a file that was synced before. Before that nothing of them is ever
//     handed out. It waits for the disk alone: what is more than Options let in at a time, or comes while the disk takes
//     nothing, is refused at once with an OverloadedError.
//   - A delivery is handed out until it is settled as Done or Dead: at least once. At any time it is in
//     at most one pair of hands.
//   - Settle waits for no disk. After a crash a delivery settled within about the last SyncInterval, or
//     taken and not settled, is due again. It never vanishes.
//   - Deliveries of one endpoint and lane come out in order of their due times; retries rejoin at
//     their new due time. Those of a large fan-out are due when it is expanded.
//   - Of the deliveries of one endpoint with the same order key, one is handed out only after all
//     that were accepted before it are settled as Done or Dead, or purged.
//   - A record of an attempt is in the log if and only if the settlement it came with is on disk, until it expires or its room
//     is needed: see Options.KeepAttempts, Options.KeepAttemptsBytes and Reclaim.
//   - Park and Unpark move all that waits for an endpoint, or all that is parked of it, in one step that is on disk when
//     they return, however much it is.
//   - Resend and Discard return only after what they did is on disk. A dead letter that is sent again is
//     a letter or a delivery, never both and never neither; and it is sent once, however often that is
//     asked for at the same time.
//
// # States of a delivery
//
//	           Accept                 Take                 Settle Done
//	(nothing) --------> waiting  ------------->  in hand  ------------->  (gone)
//	                    ^  ^  ^                  |  |  |
//	                    |  |  |      Release     |  |  |   Settle Dead                  Discard
//	                    |  |  +------------------+  |  +--------------->  dead letter  --------->  (gone)
//	                    |  |       Settle Again     |                          |      or expiry
//	                    |  +------------------------+                          |
//	                    |                         Resend                       |
//	                    +------------------------------------------------------+
//
// Resend also leads from (gone) after Done to waiting, as long as the payload is there. What was sent again
// waits in lane Replay and has no history. A Purge takes what waits or is in hand to (gone). A Park makes dead letters of
// all that waits for an endpoint, and an Unpark makes of those that are still there what they were.
//
// Waiting and due later are one state on disk, told apart by the due time alone; in hand exists in
// memory only, so no lease is ever written.
//
// # Order
//
// Target.Order makes deliveries of one endpoint wait in line for each other. One that is in hand, delayed or
// due again holds up those behind it with the same key, and no others. When its turn comes, a delivery has the
// place of its accept: it comes before all without a key that became due later than it was accepted.
//
// Accepts in progress at the same time have no order; the messages of one AcceptAll have that of the call.
// A crash breaks no line: what was settled shortly before it may be repeated, and with it what was
// delivered after that, again in order. What is sent again by hand, in lane Replay, is in no line, and what has
// become a dead letter holds up nothing. What an Unpark brings back stands in its line at its old place, but what is in hand
// by then keeps its turn.
//
// Deliveries that have to wait in line are kept in memory, up to sixteen windows full of them per endpoint and
// those that are due again after an attempt. When there are so many, the endpoint's others in lane Fresh wait
// too, until one of the lines has moved on.
//
// # On disk
//
// One byte of prefix per kind of key (keys.go), big-endian numbers. A payload is stored once per
// message and a small key per delivery, ordered by endpoint, lane and due time or, with an order key, the
// time of the accept. Every delivery key is written once and deleted once, so single deletes annihilate
// with their sets before they reach a table. A cursor per endpoint keeps reads away from the tombstones
// of what was delivered; a watermark keeps the cursor from passing an accept that is not visible yet. Behind a
// low-water mark, which follows the cursor, tombstones go by range deletion, and Open looks for work from there.
//
// A message with hundreds of deliveries and more is written as parts of a thousand destinations each. An expander makes
// deliveries of them in the background, all of a part in the batch that removes it.
//
// The deliveries of an endpoint are in segments, whose number is in their keys. There is one as long as nothing was parked.
// Park notes, in one key, that the present segment is parked since when and why, and begins another; Unpark
// notes that it is read again, beside the present one. Dead letters of the two kinds are listed as one. When nothing is parked
// any more and what was has ended, a sweep begins segment 0 again, and the key goes.
//
// Attempts are logged in buckets of an hour and dead letters kept in buckets of a day, which go whole. Both,
// and what waits, are listed by time over any number of endpoints: a seek finds the first entry of each
// endpoint in a bucket, and a heap merges them.
//
// A payload of Options.SideBytes and more is in a file of its own, if there is an Options.Dir, and the database has its size and checksum. The file is
// durable before the accept is begun, and is removed after the deletion of what refers to it is durable, so
// a crash leaves a file too many at most, which goes after the next Open. A file that is missing or was changed is a payload
// that is lost, of that message alone. A copy of the database needs the files that it refers to: see SideFiles.
//
// What refers to a payload is a delivery, a part of a large fan-out or a dead letter. A sweep marks what is referred to and frees the
// rest, so there are no counters on disk; Resend, which alone makes a reference out of nothing, tells it.
//
// # After a crash
//
// What is there after a kill -9, or a loss of power, goes by what had returned before it:
//
//	Accept, AcceptAll, Purge, Park, Unpark,   all of what they did
//	Resend, Discard, Flush, Close
//	Settle                                    all of it, if that was longer ago than SyncInterval and a sync take; else all
//	                                          of it or nothing: the delivery is due as it was before
//	Take, Release                             nothing: what was in hand is due
//
// A call that had not returned has done all of it or nothing. What the queue does by itself it does again: the rest of a large
// fan-out is expanded, a sweep finds what the last one would have freed, and so does Open what was only counted in
// memory: see Stats.Recovered and Stats.Counted. The totals of Stats begin at 0.
//
// # What fails
//
// A database that cannot write its log ends the process, by its logger's Fatalf, before anybody is told that something was written.
// A disk without room is Options.ReadOnly's matter, whose owner watches it. A disk that cannot be read has its deliveries wait.
//
// # What is corrupt
//
// A block of a table that is not what was written is left out, and what else there is goes on: see Stats.Unreadable. A
// payload in it is lost, and its deliveries become dead letters, which Options.Lost tells. A delivery, dead letter or attempt in it is missing, and is there
// again when the block can be read at a later Open. An idempotency key in it is not known. That something was deleted may be in it,
// too: then a delivery that was settled is made again.
//
// # Concurrency
//
// All methods are safe for any number of goroutines, and one endpoint may be taken from by many. A Delivery is that of
// whoever took it, to be settled or released once, by any goroutine.
//
// The functions in Options are called from several goroutines at once, and those of the queue wait for them: they must return
// soon and not call the queue. Those that walk through a list, such as that of DeadLetters, may call it, and take as long as they like.
//
// Close waits for calls in progress, and for the release of files that are held, and makes every settlement durable. Calls that come
// later return ErrClosed, or find nothing. One queue may be open on a database at a time, and nobody else may write keys that begin
// as Prefixes says.
package queue
