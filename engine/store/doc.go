// Package store opens the one Pebble database of an installation and keeps in it what is registered:
// tenants, apps, endpoints and webhooks, the replays that were asked for, and which endpoints fail. The queue keeps its
// deliveries in the same database, under prefixes of its own, so that there is one log to sync, one
// directory to back up and one place for options.
//
// Every change is one atomic, synced batch, but for the end of a failure. The rows are read once, at Open: the last three
// by the engine, the others by the registry. Nothing is read from here while events are matched.
//
// # Keys
//
//	s                         what the store says of itself: format version, identifier key
//	t tenant                  webhook.Tenant
//	b tenant 0 app            webhook.App
//	e endpoint                webhook.Endpoint, by its number
//	r tenant 0 webhook        webhook.Webhook, by its number
//	n tenant                  the last webhook number given out in the tenant
//	g tenant                  the generation of the last tenant with this id
//	o                         the last endpoint number given out
//	y tenant 0 replay         webhook.Replay, by its id
//	u                         when the rows below were written last
//	u endpoint                Failing: an endpoint to which nothing could be delivered
//
// Numbers in keys are 8 bytes, big-endian; values are JSON. The other prefixes are the queue's (see
// package queue).
package store
