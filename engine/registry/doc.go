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
// # Concurrency
//
// All methods are safe for any number of goroutines. Match takes no lock that a change holds while it
// waits for the disk. Changes are serialised.
package registry
