package engine

import (
	"sync"

	"github.com/valyala/fasthttp"

	"hookline/engine/dispatch"
	"hookline/engine/flavor"
	"hookline/engine/webhook"
	"hookline/queue"
)

// targets holds what dispatch needs to know of endpoints that had deliveries lately.
type targets struct{ byID sync.Map } // queue.EndpointID -> *dispatch.Target

func (t *targets) drop(id uint64) { t.byID.Delete(queue.EndpointID(id)) }

// target tells the dispatcher how to reach an endpoint.
func (e *Engine) target(id queue.EndpointID) (*dispatch.Target, bool) {
	if t, ok := e.targets.byID.Load(id); ok {
		return t.(*dispatch.Target), true
	}
	ep, ok := e.registry.Endpoint(uint64(id))
	if !ok {
		return nil, false
	}
	f := e.flavors[ep.Flavor]
	u, err := webhook.ParseURL(ep.URL, true)
	if f == nil || err != nil {
		e.options.Logger.Error("an endpoint cannot be reached; what is queued for it is given up", "endpoint", id, "flavor", ep.Flavor, "err", err)
		return nil, false
	}
	t := &dispatch.Target{Host: dispatch.Host{Tenant: ep.Owner.Tenant}, Policy: f.Policy(), Render: e.renderer(ep, f)}
	t.Host.Scheme, t.Host.Address = webhook.HostOf(u)
	kept, _ := e.targets.byID.LoadOrStore(id, t)
	return kept.(*dispatch.Target), true
}

// renderer makes the function that writes requests to an endpoint.
func (e *Engine) renderer(ep *webhook.Endpoint, f flavor.Flavor) func(*fasthttp.Request, *queue.Delivery, int) error {
	return func(req *fasthttp.Request, d *queue.Delivery, attempt int) error {
		flow, trace, body, err := splitPayload(d.Payload)
		if err != nil {
			return err
		}
		var few [8]int64
		ids, err := appendIDs(few[:0], d.Note)
		if err != nil {
			return err
		}
		return f.Render(req, &flavor.Delivery{
			Identifier: e.names.delivery(d.Event, d.Endpoint),
			Attempt:    attempt,
			Endpoint:   ep,
			Webhooks:   ids,
			Flow:       flow,
			Trace:      string(trace),
			Body:       body,
		})
	}
}
