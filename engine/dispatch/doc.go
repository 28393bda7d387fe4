// Package dispatch sends what the queue holds: it decides which delivery goes out next, makes the HTTP
// attempt with fasthttp, and settles the delivery by the outcome.
//
// # The unit of scheduling is the host
//
// A host is one scheme, name and port within one tenant. It has a limit of requests in flight, and
// everything that can go wrong with a receiver is held against that limit alone: a host that accepts
// connections and never answers occupies its own slots and nobody else's. Hosts are state, not
// goroutines: one without work costs memory only.
//
// Endpoints of one host share its slots fairly by the time for which they hold them, so that one whose path answers slowly
// takes nothing from the others but its share. A single endpoint with work has the whole host. A slot that is taken stays
// taken until its request has ended. Replays have a part of the slots only, so that there is always room for what is fresh.
// Where [Options.MaxInFlight] is reached, tenants take turns, and the hosts of each tenant.
//
// # The breaker
//
// A host at which [Breaker.Failures] attempts have failed in a row is open: nothing is taken for it, so that no attempt
// is used up and nothing is written; its endpoints stay as they are. When a timer ends that, the host is half open: one
// delivery at a time is taken, the probe. A success closes the breaker, and the host's limit rises from one request to where it was
// as fast as the host answers; a failure opens it for twice as long. The state is the dispatcher's alone, and learned anew after a
// restart.
//
//	closed    -- failures in a row -->             open
//	open      -- time is over -->                  half open
//	half open -- probe fails -->                   open
//	any       -- a success, or [Dispatcher.Reset] --> closed
//
// # Limit
//
// A host's limit of requests in flight moves between one and [Options.HostLimit]: it is halved when the host answers
// 503 or not in time, and grows with its successes. A 429 gives its endpoint a limit of its own that moves likewise, and lowers that of
// the host where it is not one endpoint's affair. A 503 with Retry-After holds back the whole host, a 429 the endpoint, for a minute at
// most.
//
// # Budget and rates
//
// A retry that is over the [RetryBudget] of its host while first attempts wait is due again later. An endpoint that is over its
// [Rate] rests until a timer brings it back; a host that is over its own has workers again when a
// timer says so. None of these uses up an attempt.
//
// # One attempt
//
// Take from the queue, render the request, send it within the policy's time limits, classify the answer
// as one [webhook.Outcome], settle. An attempt ends as done, as due again after the policy's
// backoff, or as dead. The connection pool never holds a delivery back and never fails one: its limit
// follows the host's. A kept connection that turns out to be closed costs no attempt: the request goes
// out again at once on a new one. Redirects are not followed, and of an answer no more than
// [Options.MaxResponse] bytes are read.
//
// # Start and stop
//
// New makes a dispatcher, Start gives it the queue, Ready (called by the queue) tells it where work
// is. Close takes nothing new, waits for the attempts in flight, and gives back what was taken
// and not attempted. What was not sent is still in the queue.
package dispatch
