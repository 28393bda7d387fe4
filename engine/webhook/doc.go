// Package webhook holds the nouns of Hookline and nothing that does I/O, but for looking up a time zone: who
// registers (Tenant with its Site, App), what is registered (Webhook), what happens (Event), what is owed
// (Endpoint) and how an attempt to pay it ends (Attempt, Outcome, Policy). Every other package of the engine may
// import it; it imports none of them.
package webhook
