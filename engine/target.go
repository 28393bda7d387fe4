package engine

import (
	"errors"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"hookline/engine/dispatch"
	"hookline/engine/flavor"
	"hookline/engine/registry"
	"hookline/engine/webhook"
	"hookline/queue"
)

// targets holds what dispatch needs to know of endpoints that had deliveries.
type targets struct{ byID sync.Map } // queue.EndpointID -> *target

// target is how to reach an endpoint as long as that is not replaced, and its webhook not switched on or off.
type target struct {
	dispatch.Target
	endpoint *webhook.Endpoint
	holder   flavor.Holder // nil where the flavour is none
}

func (t *targets) drop(id uint64) { t.byID.Delete(queue.EndpointID(id)) }

// prune lets go of endpoints that are gone.
func (t *targets) prune(r *registry.Registry) {
	t.byID.Range(func(id, _ any) bool {
		if _, ok := r.Endpoint(uint64(id.(queue.EndpointID))); !ok {
			t.byID.Delete(id)
		}
		return true
	})
}

// target tells the dispatcher how to reach an endpoint. The registry is asked every time, so that nothing is sent
// to an endpoint that is gone.
func (e *Engine) target(id queue.EndpointID) (*dispatch.Target, bool) {
	ep, ok := e.registry.Endpoint(uint64(id))
	if !ok {
		return nil, false
	}
	if v, ok := e.targets.byID.Load(id); ok {
		kept := v.(*target)
		if paused, stopped := e.standing(ep, kept.holder); kept.endpoint == ep && kept.Paused == paused && kept.Stopped == stopped {
			return &kept.Target, true
		}
	}
	f := e.flavors[ep.Flavor]
	u, err := webhook.ParseURL(ep.URL, true)
	if f == nil || err != nil {
		e.options.Logger.Error("an endpoint cannot be reached; what is queued for it is given up", "endpoint", id, "flavor", ep.Flavor, "err", err)
		return nil, false
	}
	t := &target{endpoint: ep}
	t.holder, _ = f.(flavor.Holder)
	t.Target = dispatch.Target{
		Host: dispatch.Host{Tenant: ep.Owner.Tenant}, Policy: e.policyOf(ep), Rate: ep.Rate, Epoch: ep.Epoch,
		Render: e.renderer(ep, f), Gone: func() { e.disable(ep, webhook.StoppedGone) },
	}
	t.Paused, t.Stopped = e.standing(ep, t.holder)
	t.Host.Scheme, t.Host.Address = webhook.HostOf(u)
	e.targets.byID.Store(id, t)
	return &t.Target, true
}

// standing says whether what is queued for an endpoint waits, or is given up one by one.
func (e *Engine) standing(ep *webhook.Endpoint, holder flavor.Holder) (paused, stopped bool) {
	if ep.Stopped == "" {
		return e.rests(ep, holder), false
	}
	_, parking := e.stops.parking.Load(ep.ID)
	return parking, !parking
}

// rests says whether what is queued for an endpoint waits: an operator has paused it, or its webhook is switched off and the
// flavour keeps what is queued then, or it cannot be read.
func (e *Engine) rests(ep *webhook.Endpoint, holder flavor.Holder) bool {
	w, err := e.registry.Only(ep)
	if err != nil {
		e.options.Logger.Error("the webhook of an endpoint cannot be read; what is queued for it waits", "endpoint", ep.ID, "err", err)
		return true
	}
	return ep.Paused || holder != nil && w != nil && holder.Holds(w)
}

// attempted sees every attempt. What it returns is kept of it.
func (e *Engine) attempted(a *webhook.Attempt, d *queue.Delivery) []byte {
	e.metrics.attempted(a)
	e.judge(a)
	return newRecord(a, d.Note)
}

// settling is the queue as the dispatcher uses it, with a count of what it gives up and a note of what
// succeeded.
type settling struct {
	*queue.Queue
	metrics   *metrics
	successes *successes
}

func (s *settling) Settle(d *queue.Delivery, o queue.Outcome) error {
	err := s.Queue.Settle(d, o)
	if err != nil || o.Verdict == queue.Again {
		return err
	}
	now := time.Now()
	s.metrics.objective[d.Lane].ended(o.Verdict, now.Sub(d.Accepted))
	if o.Verdict == queue.Dead {
		s.metrics.dead[o.Reason].Inc()
	} else {
		s.successes.note(d.Endpoint, now)
	}
	return nil
}

// lost counts what the queue gives up by itself.
func (m *metrics) lost(l queue.Lane, why queue.Reason) {
	m.objective[l].ended(queue.Dead, 0)
	m.dead[why].Inc()
}

// parked counts what the queue gives up at once.
func (m *metrics) parked(l queue.Lane, why queue.Reason, n int64) {
	m.objective[l].late.Add(float64(n))
	m.dead[why].Add(float64(n))
}

// renderer makes the function that writes requests to an endpoint.
func (e *Engine) renderer(ep *webhook.Endpoint, f flavor.Flavor) func(*fasthttp.Request, *queue.Delivery, int) error {
	signer, sealed := e.signer(ep)
	lead := e.lead(ep.Flavor)
	return func(req *fasthttp.Request, d *queue.Delivery, attempt int) error {
		flow, trace, body, err := splitPayload(d.Payload)
		if err = errors.Join(err, sealed); err != nil {
			return err
		}
		var few [8]int64
		ids, err := appendIDs(few[:0], d.Note)
		if err != nil {
			return err
		}
		only, err := e.registry.Only(ep)
		if err != nil {
			return err
		}
		identifier := e.names.delivery(d.Event, d.Endpoint)
		err = f.Render(req, &flavor.Delivery{
			Identifier: identifier,
			Attempt:    attempt,
			Endpoint:   ep,
			Webhooks:   ids,
			Webhook:    only,
			App:        e.registry.AppOf(ep.Owner),
			Keys:       e.keys,
			Flow:       flow,
			Trace:      string(trace),
			Body:       body,
		})
		if err != nil {
			return err
		}
		if d.Lane == queue.Replay {
			req.Header.Set("X-Hookline-Replay", "true")
		}
		if expires, soon := e.expiring(ep, ids, lead); soon {
			req.Header.Set(expiresHeader, expires.UTC().Format(time.RFC3339))
		}
		return signer.sign(req, identifier, time.Now())
	}
}
