// Package store opens the one Pebble database of an installation and keeps in it what is registered:
// tenants, apps, endpoints and webhooks, the replays that were asked for, and which endpoints fail. The queue keeps its
// deliveries in the same database, under prefixes of its own, so that there is one log to sync, one
// directory to back up and one place for options.
//
// Every change is one atomic, synced batch, but for the end of a failure. Most rows are read once, at Open: the last three
// by the engine, the others by the registry. Webhooks are read when their tenant is needed, and are not in memory: as subscribers where events are
// matched, and whole where somebody asks for them. What has to be
// known of them all the same is in the groups, which are written in one batch with the webhooks.
//
// # Keys
//
//	s                         what the store says of itself: format version, identifier key
//	t tenant                  webhook.Tenant
//	b tenant 0 app            webhook.App
//	e endpoint                webhook.Endpoint, by its number
//	r tenant 0 webhook        webhook.Webhook, by its number
//	j tenant 0 webhook        Subscriber: what has to be known of the webhook to match events
//	j tenant 0 webhook 0      what the webhook asks of an event, compiled: bytes of the registry
//	z endpoint                Groups: how many webhooks lead to the endpoint, and when they expire
//	n tenant                  the last webhook number given out in the tenant
//	g tenant                  the generation of the last tenant with this id
//	o                         the last endpoint number given out
//	y tenant 0 replay         webhook.Replay, by its id
//	u                         when the rows below were written last
//	u endpoint                Failing: an endpoint to which nothing could be delivered
//
// Numbers in keys are 8 bytes, big-endian; values are JSON, but for those of j. The other prefixes are the queue's (see
// package queue).
//
// # Versions of the layout
//
// Version 2 has the rows z, and rows c, which no other version has: conditions without subscribers. Version 3 has the rows j. Load brings older
// versions up to date: it reads all webhooks once, and writes the rows z and j and after them the version. The second rows j are never
// needed, and the first can be made of the webhooks.
package store
