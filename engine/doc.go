// Package engine is Hookline as a library: events in, webhooks out, durably.
//
//	e, err := engine.Open(engine.Options{Dir: "data", Flavors: []flavor.Flavor{jira.NewDynamic(jira.DynamicOptions{})}})
//	err = e.PutTenant(ctx, webhook.Tenant{ID: "acme"})
//	err = e.PutApp(ctx, webhook.App{Tenant: "acme", Key: "ci"})
//	results, err := e.Register(ctx, engine.Registration{...})   // who wants what, by JQL
//	receipt, err := e.Publish(ctx, webhook.Event{Tenant: "acme", Body: body})
//	err = e.Close(ctx)
//
// # What is promised
//
//   - When Publish returns nil, the event and all deliveries it caused are on disk, synced: they survive
//     kill -9 and power loss, and each is attempted until its policy ends it.
//   - Publish matches against every registration that had returned before it was called.
//   - A delivery is attempted at least once and carries the same identifier every time. After a crash, what
//     was in flight, or was settled within about the last 50 ms, is sent again.
//   - What one receiver does has no effect on another: see package dispatch.
//
// An event that no webhook matches is acknowledged and leaves nothing on disk, except for its idempotency
// key if it has one.
//
// # What is kept
//
// Every attempt is kept for Options.KeepAttempts and every dead letter for Options.KeepDead, each with the event's
// body for as long as a delivery of it waits or is dead, or Options.KeepDelivered says. Deliveries, Attempts and
// Delivery tell of them; Resend sends one again, StartReplay a selection of them, in a lane that gives way to fresh
// deliveries. A replay is durable, as what it sends again is.
//
// # Life cycle
//
// Open, then any of the methods from any number of goroutines, then Close. Deliveries that were left over
// from the last run are taken up by Open. Close ends attempts in flight and makes every settlement durable;
// a process that is killed instead loses nothing, and repeats what had not been settled.
package engine
