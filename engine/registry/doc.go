// Package registry knows who wants what: the tenants, their apps, the webhooks registered, and for
// each tenant an index that finds the webhooks an event matches.
//
// # What is promised
//
// A change is durable when the call that made it returns, and every event matched after that sees it. A call that
// returns an error changed nothing. Numbers of webhooks (per tenant) and endpoints are given out in
// ascending order and never again.
//
// A webhook that has expired stops to match at that moment; it is listed for [Rules].Keep longer, so
// that its owner can refresh it, and then removed by Sweep.
//
// # Rules
//
// What a registration may ask for differs by flavour and is data: see [Rules]. The registry checks it
// and answers with typed errors; the words a client reads are the flavour's.
//
// # What is in memory
//
// Tenants, apps and endpoints always are. Of webhooks there may be millions, so they are not: Open reads none of them. When the first event
// of a tenant comes, what matching has to know of its webhooks (store.Subscriber) is read from the store, all at once, and its index is built.
// The webhooks themselves are read, all at once too, when the first call lists or changes some, and single ones when a dispatcher asks for them.
// All of that is one [stock]. When all together take more than [Registry.Budget] allows, the stock that was not used for longest goes, and
// is read again when it is needed. Whoever has one in hand goes on with it: it does not change any more. What events told of its filters
// goes with it: [Registry.Health] begins anew.
//
// What has to be known of webhooks that are not in memory is in the groups of their endpoints (store.Group): how many there
// are, when they expire, whether they are extended, and whether one has a secret. Groups are always in memory, and are written in one batch with
// the webhooks. So Sweep, Extend, Expiring and Counts visit groups, and read the webhooks of those tenants alone in which something is to
// be done. A dispatcher that asks for single webhooks, of a tenant that has none in memory, gets these alone read.
//
// To build an index parses no filter: beside each subscriber the store keeps its condition as it was compiled, with a stamp of all that
// it was compiled from. Where the stamp is another by now - the tenant's site was changed, this program compiles otherwise, or there
// is no such row - the text is compiled, and Sweep has the store keep what came of it. So it is never wrong, and never needed. Subscribers say
// nothing that webhooks do not: where they are corrupt, the webhooks are read in their place.
//
// A webhook that is corrupt itself takes no other with it. It matches as before as long as the store keeps its condition, is missing where
// webhooks are listed and changed, and goes with all that removes webhooks by their number, owner or expiry.
//
// # Concurrency
//
// All methods are safe for any number of goroutines. Changes are serialised, and each holds, from its first look to its end, the lock
// under which the webhooks of its tenant are read. So none are read while they change: what is read is the whole of every
// change or nothing of it. Match takes no lock that a change holds while it waits for the disk, as long as the tenant's index
// is in memory; one that is let go during a change is read when that is over.
//
// Locks are taken in this order: changes, reading of a tenant, registry, tenant, budget.
package registry
