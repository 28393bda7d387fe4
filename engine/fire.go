package engine

import (
	"context"
	"fmt"
	"time"

	"hookline/engine/event"
	"hookline/engine/registry"
	"hookline/engine/webhook"
	"hookline/queue"
)

// firing is what post-functions fire at the transition of an event.
type firing struct {
	possible bool   // whether or not anything is fired
	targets  int    // how many, at the end of the publication's
	payload  []byte // the event with its transition
}

// fire finds the webhooks that the post-functions of an event's transition name. Their filters and events do not count.
func (e *Engine) fire(p *publication, ev *webhook.Event, h *event.Header, now time.Time) error {
	p.firing.possible = true
	t, ok := e.registry.Tenant(ev.Tenant)
	if !ok || len(t.PostFunctions) == 0 {
		return nil
	}
	fired, err := e.registry.Fired(nil, ev.Tenant, event.TransitionOf(ev.Body))
	if err != nil || len(fired) == 0 {
		return err
	}
	before := len(p.targets)
	e.fanOut(p, fired)
	p.firing.targets = len(p.targets) - before
	p.firing.payload = h.AppendTransition(appendPayloadHead(nil, ev), ev.Body, now)
	return nil
}

// addFiring adds the message of the post-functions to that of the event. The idempotency key is taken for both whether
// or not anything is fired: when the event is repeated, a post-function that was added since then is not to fire.
func (p *publication) addFiring(m queue.Message) {
	f := &p.firing
	if f.targets == 0 && (!f.possible || m.Key == "") {
		return
	}
	m.Scope = ^m.Scope // the event has the key in the other scope
	m.Payload, m.Deliveries = f.payload, p.targets[len(p.targets)-f.targets:]
	p.messages = append(p.messages, m)
}

// SetPostFunctions replaces the post-functions of a tenant; see registry.Registry.SetPostFunctions. Where no flavour of
// the engine has webhooks that they can fire the error is a *webhook.InvalidError.
func (e *Engine) SetPostFunctions(ctx context.Context, tenant string, list []webhook.PostFunction) error {
	rules := e.firedRules()
	if rules == nil {
		return &webhook.InvalidError{Problem: fmt.Sprintf("no flavour of the engine has webhooks that %d post-functions could fire", len(list))}
	}
	return e.registry.SetPostFunctions(ctx, rules, tenant, list)
}

func (e *Engine) firedRules() *registry.Rules {
	for _, f := range e.options.Flavors {
		if f.Rules().PostFunctions {
			return f.Rules()
		}
	}
	return nil
}
