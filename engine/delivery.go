package engine

import (
	"cmp"
	"context"
	"errors"
	"time"

	"hookline/engine/flavor"
	"hookline/engine/registry"
	"hookline/engine/webhook"
	"hookline/queue"
)

// Errors about one delivery.
var (
	// ErrUnknownDelivery is about an identifier that leads to nothing of the tenant's, or to nothing that is known any
	// more.
	ErrUnknownDelivery = errors.New("unknown delivery")
	// ErrUnderWay is about a delivery that is waiting to be attempted, so that it cannot be sent again.
	ErrUnderWay = errors.New("the delivery is under way")
	// ErrNotKept is about a delivery whose event's body is not kept any more.
	ErrNotKept = errors.New("the event's body is not kept any more")
	// ErrStopped is about deliveries to an endpoint that is disabled (webhook.Endpoint.Stopped): they would be given up at
	// once. They can be sent again after Engine.Enable.
	ErrStopped = errors.New("the endpoint is disabled")
	// ErrNotDead is about a delivery that cannot be discarded, as it was not given up.
	ErrNotDead = errors.New("the delivery is not a dead letter")
)

// place is where to look for one delivery.
type place struct {
	event queue.EventID
	id    queue.EndpointID
	scope scope
	since time.Time // it was accepted then or later; zero where that is not known
}

// place leads from the identifier of a tenant's delivery to its place.
func (e *Engine) place(tenant, id string) (place, error) {
	ev, ep, ok := e.names.parse(id)
	if !ok {
		return place{}, ErrUnknownDelivery
	}
	endpoint, ok := e.registry.Endpoint(uint64(ep))
	if !ok || endpoint.Owner.Tenant != tenant {
		return place{}, ErrUnknownDelivery
	}
	p := place{event: ev, id: ep, scope: scope{endpoints: map[queue.EndpointID]*webhook.Endpoint{ep: endpoint}}}
	if since, ok := e.queue.Accepted(ev); ok {
		p.since = since.Add(-time.Second) // the place of an ordered delivery may be some microseconds before its accept
	}
	return p, nil
}

// all selects what is at the endpoint from the time on at which the delivery may be there.
func (p *place) all() queue.Select {
	return queue.Select{Endpoints: []queue.EndpointID{p.id}, From: p.since, Oldest: true}
}

// standing is all that there is of one delivery.
type standing struct {
	waiting *queue.WaitingDelivery
	letter  *queue.DeadLetter

	// The log is read only where it is asked for, or where nothing else tells how the delivery stands.
	read     bool
	attempts []Attempt            // oldest first
	last     *queue.LoggedAttempt // that delivered it, nil if none did
}

// looks is how often a delivery is looked for.
const looks = 3

// stand finds out how a delivery stands. It goes from where deliveries come from to where they go, so that one that
// moves on meanwhile is met. One that is sent again moves the other way, so where nothing is found it begins anew.
func (e *Engine) stand(ctx context.Context, p *place) (s standing, err error) {
	for range looks {
		s = standing{}
		if err := e.look(ctx, p, &s); err != nil || s.waiting != nil || s.letter != nil || s.last != nil {
			return s, err
		}
	}
	return s, nil
}

// look looks for a delivery once.
func (e *Engine) look(ctx context.Context, p *place, s *standing) error {
	if err := e.flush(ctx); err != nil {
		return err
	}
	err := e.queue.Waiting(p.all(), func(w queue.WaitingDelivery) bool {
		if w.Event == p.event {
			s.waiting = &w
		}
		return s.waiting == nil && ctx.Err() == nil
	})
	if err = cmp.Or(err, ctx.Err()); err != nil || s.waiting != nil {
		return closed(err)
	}
	err = e.queue.DeadLetters(p.all(), func(l queue.DeadLetter) bool {
		if l.Event == p.event {
			s.letter = &l
		}
		return s.letter == nil && ctx.Err() == nil
	})
	if err = cmp.Or(err, ctx.Err()); err != nil || s.letter != nil {
		return closed(err)
	}
	return e.readLog(ctx, p, s)
}

// readLog adds what the attempt log has of a delivery, unless that was read. It goes through all attempts at the endpoint
// since the event was accepted.
func (e *Engine) readLog(ctx context.Context, p *place, s *standing) error {
	if s.read {
		return nil
	}
	s.read = true
	err := e.queue.Attempts(p.all(), func(l queue.LoggedAttempt) bool {
		if l.Event != p.event {
			return ctx.Err() == nil
		}
		if a, ok := e.attempt(&l, &p.scope); ok {
			s.attempts = append(s.attempts, a)
			if a.Settled && a.Outcome == webhook.Delivered {
				s.last = &l
			}
		}
		return ctx.Err() == nil
	})
	return closed(cmp.Or(err, ctx.Err()))
}

// known returns the delivery, and false where nothing is known of it but attempts that led to nothing.
func (e *Engine) known(p *place, s *standing) (d Delivery, note []byte, ok bool) {
	switch {
	case s.waiting != nil:
		d, note = e.waiting(s.waiting), s.waiting.Note
	case s.letter != nil:
		d, note = e.dead(s.letter), s.letter.Note
	case s.last != nil:
		r, _ := e.record(s.last)
		d, note = e.delivered(s.last, &r), r.note
	default:
		return Delivery{}, nil, false
	}
	d.Endpoint = p.scope.endpoints[p.id]
	d.Webhooks, _ = e.owedTo(note, 0)
	return d, note, true
}

// Delivery returns one delivery of a tenant and the attempts at it that are kept, oldest first.
//
// It looks through what its endpoint has had since the event was accepted, so it may take a while where that is
// much.
//
// Errors: [ErrUnknownDelivery], registry.ErrClosed, ctx.Err().
func (e *Engine) Delivery(ctx context.Context, tenant, id string) (Delivery, []Attempt, error) {
	p, err := e.place(tenant, id)
	if err != nil {
		return Delivery{}, nil, err
	}
	s, err := e.stand(ctx, &p)
	if err != nil {
		return Delivery{}, nil, err
	}
	d, _, ok := e.known(&p, &s)
	if !ok {
		return Delivery{}, nil, ErrUnknownDelivery
	}
	if err := e.readLog(ctx, &p, &s); err != nil {
		return Delivery{}, nil, err
	}
	switch body, err := e.body(p.event); {
	case err == nil:
		d.Type = e.typeOf(body, d.Endpoint)
	case !errors.Is(err, ErrNotKept):
		return Delivery{}, nil, err
	}
	return d, s.attempts, nil
}

// Body returns the body of a delivery's event as it is stored, which is what was sent but for what the flavour adds
// for the receiver. It is kept until all deliveries of the event have been made, and with dead ones and, by
// Options.KeepDelivered, after that.
//
// Errors: [ErrUnknownDelivery], [ErrNotKept], registry.ErrClosed.
func (e *Engine) Body(_ context.Context, tenant, id string) ([]byte, error) {
	p, err := e.place(tenant, id)
	if err != nil {
		return nil, err
	}
	return e.body(p.event)
}

func (e *Engine) body(id queue.EventID) ([]byte, error) {
	payload, ok, err := e.queue.Payload(id)
	if err != nil {
		return nil, closed(err)
	}
	if !ok {
		return nil, ErrNotKept
	}
	_, _, body, err := splitPayload(payload)
	return body, err
}

// typeOf names the type of an event, "" where the stored body does not tell.
func (e *Engine) typeOf(body []byte, ep *webhook.Endpoint) string {
	if reader, ok := e.flavors[ep.Flavor].(flavor.Reader); ok {
		tenant, ok := e.registry.Tenant(ep.Owner.Tenant)
		if !ok {
			return ""
		}
		reading, err := reader.Read(body, tenant, e.registry, time.Now())
		if err != nil {
			return ""
		}
		return reading.Type
	}
	return registry.TypeOf(body)
}

// Resend queues a delivery of a tenant once more that was given up, or delivered: at once, in the lane for what is sent
// by hand, with the same identifier and attempts counted from 1. When it returns nil that is durable. A dead letter is
// none any more after that. The delivery is returned as it stands then.
//
// Errors: [ErrUnknownDelivery]; [ErrStopped]; [ErrUnderWay], also for the second of two calls; [ErrNotKept];
// registry.ErrClosed; ctx.Err().
func (e *Engine) Resend(ctx context.Context, tenant, id string) (Delivery, error) {
	p, err := e.place(tenant, id)
	if err != nil {
		return Delivery{}, err
	}
	s, err := e.stand(ctx, &p)
	if err != nil {
		return Delivery{}, err
	}
	d, note, ok := e.known(&p, &s)
	switch {
	case !ok:
		return Delivery{}, ErrUnknownDelivery
	case e.disabled(uint64(p.id)):
		return Delivery{}, ErrStopped
	case s.waiting != nil:
		return Delivery{}, ErrUnderWay
	}
	made, err := e.queue.Resend(ctx, []queue.Resend{{Event: p.event, Endpoint: p.id, Note: note, Letter: s.letter}})
	if err != nil {
		return Delivery{}, closed(err)
	}
	if !made[0] {
		_, err := e.body(p.event)
		return Delivery{}, cmp.Or(err, ErrUnderWay)
	}
	e.metrics.resent(byHand, 1)
	now := e.queue.Now()
	return Delivery{
		ID: d.ID, Event: d.Event, Endpoint: d.Endpoint, Webhooks: d.Webhooks, Status: webhook.StatusWaiting, Lane: queue.Replay,
		Accepted: now, Due: now,
	}, nil
}

// Discard removes a delivery of a tenant that was given up. When it returns nil that is durable. The body goes with the
// last delivery of its event that is kept.
//
// Errors: [ErrUnknownDelivery], [ErrNotDead], registry.ErrClosed, ctx.Err().
func (e *Engine) Discard(ctx context.Context, tenant, id string) error {
	p, err := e.place(tenant, id)
	if err != nil {
		return err
	}
	s, err := e.stand(ctx, &p)
	if err != nil {
		return err
	}
	if s.letter == nil {
		if _, _, ok := e.known(&p, &s); ok {
			return ErrNotDead
		}
		return ErrUnknownDelivery
	}
	n, err := e.queue.Discard([]queue.DeadLetter{*s.letter})
	if err != nil {
		return closed(err)
	}
	if n == 0 {
		return ErrUnknownDelivery // someone else was faster
	}
	return nil
}
