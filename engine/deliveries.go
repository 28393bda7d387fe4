package engine

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"hookline/engine/webhook"
	"hookline/queue"
)

// Delivery is one event owed to one endpoint, as it stands.
type Delivery struct {
	ID    string // as receivers see it; leads back to the delivery
	Event string // as in the Receipt
	// Type is that of the event. It is known of a single delivery only, and as long as the event's body is kept.
	Type     string
	Endpoint *webhook.Endpoint // shared; must not be changed
	Webhooks []int64           // that the event matched, ascending
	Status   webhook.Status
	Lane     queue.Lane // Replay for what was sent again by hand

	Accepted   time.Time // or when it was sent again
	Due        time.Time // of a waiting one: when it is attempted; a time in the past means as soon as possible
	InHand     bool      // an attempt is being made
	Attempts   int       // that were made
	LastStatus int       // of the last one's answer, 0 where there was none
	Reason     string    // why it was given up, as the metrics name it
	Ended      time.Time // when it was delivered or given up
}

// DeliveryQuery selects deliveries of a tenant. What is left empty selects all.
type DeliveryQuery struct {
	Status  webhook.Status // empty: the waiting, then the dead, then the delivered
	Webhook int64
	Reason  string // why they were given up, so that only dead ones are listed
	// From and Until bound when a waiting delivery is due, and when another one ended: [From, Until).
	From, Until time.Time

	Limit  int    // of a page: at most 1000; 0 means 100
	Cursor string // from the page before
}

// Deliveries lists deliveries of a tenant: waiting ones by when they are due, the others beginning with the one that
// ended last. What was delivered is listed from the attempt log as long as that is kept (Options.KeepAttempts), once
// for each time that it was delivered.
//
// next is the cursor of the next page, empty at the end. A page may have fewer entries than Limit, and none, and
// lead on. A delivery that stays as it is between two pages is on one of them; one that changes may be on both or none.
//
// Errors: webhook.ErrUnknownTenant; *webhook.InvalidError about the query; registry.ErrClosed; ctx.Err().
func (e *Engine) Deliveries(ctx context.Context, tenant string, q DeliveryQuery) (list []Delivery, next string, err error) {
	statuses, after, err := q.begin()
	if err != nil {
		return nil, "", err
	}
	s, err := e.scope(tenant, q.Webhook)
	if err != nil {
		return nil, "", err
	}
	if err := e.flush(ctx); err != nil {
		return nil, "", err
	}
	p := newPage(q.Limit)
	for _, status := range statuses {
		p.last = after
		walk := queue.Select{Endpoints: s.ids, From: q.From, Until: q.Until, After: after}
		after = queue.Mark{}
		err := e.walk(ctx, status, &s, walk, &p, func(d Delivery) {
			if q.Reason == "" || q.Reason == d.Reason {
				list = append(list, d)
				p.items++
			}
		})
		if err != nil {
			return nil, "", err
		}
		if p.more {
			return list, string(status) + "." + p.last.String(), nil
		}
	}
	return list, "", nil
}

// begin returns the statuses that are still to be listed, and where to begin in the first of them.
func (q *DeliveryQuery) begin() ([]webhook.Status, queue.Mark, error) {
	statuses := []webhook.Status{webhook.StatusWaiting, webhook.StatusDead, webhook.StatusDelivered}
	if q.Status == "" && q.Reason != "" {
		q.Status = webhook.StatusDead
	}
	if q.Status != "" {
		if !slices.Contains(statuses, q.Status) {
			return nil, queue.Mark{}, &webhook.InvalidError{Problem: fmt.Sprintf("status is %q; use waiting, dead or delivered", q.Status)}
		}
		statuses = []webhook.Status{q.Status}
	}
	if err := checkReason(q.Reason, q.Status); err != nil {
		return nil, queue.Mark{}, err
	}
	if q.Cursor == "" {
		return statuses, queue.Mark{}, nil
	}
	status, text, _ := strings.Cut(q.Cursor, ".")
	after, err := queue.ParseMark(text)
	first := slices.Index(statuses, webhook.Status(status))
	if err != nil || first < 0 {
		return nil, queue.Mark{}, errCursor
	}
	return statuses[first:], after, nil
}

// checkReason checks a reason that deliveries of a status are asked for by.
func checkReason(reason string, status webhook.Status) error {
	if reason == "" {
		return nil
	}
	if status != webhook.StatusDead {
		return &webhook.InvalidError{Problem: "a reason is what a dead delivery has; leave it out, or use the status dead"}
	}
	var known []string
	for r := queue.Rejected; r <= queue.Corrupt; r++ {
		known = append(known, reasonLabel(r))
	}
	if !slices.Contains(known, reason) {
		return &webhook.InvalidError{Problem: fmt.Sprintf("there is no reason %q; use one of %s", reason, strings.Join(known, ", "))}
	}
	return nil
}

// walk visits deliveries of one status and shows those in scope.
func (e *Engine) walk(ctx context.Context, status webhook.Status, s *scope, walk queue.Select, p *page, show func(Delivery)) error {
	if len(s.ids) == 0 {
		return nil
	}
	consider := func(d Delivery, note []byte, ep queue.EndpointID) {
		var ok bool
		if d.Webhooks, ok = e.owedTo(note, s.webhook); ok {
			d.Endpoint = s.endpoints[ep]
			show(d)
		}
	}
	visit := func(m queue.Mark) bool { return ctx.Err() == nil && p.visit(m) }
	var err error
	switch status {
	case webhook.StatusWaiting:
		err = e.queue.Waiting(walk, func(w queue.WaitingDelivery) bool {
			ok := visit(w.Mark)
			if ok {
				consider(e.waiting(&w), w.Note, w.Endpoint)
			}
			return ok
		})
	case webhook.StatusDead:
		err = e.queue.DeadLetters(walk, func(l queue.DeadLetter) bool {
			ok := visit(l.Mark)
			if ok {
				consider(e.dead(&l), l.Note, l.Endpoint)
			}
			return ok
		})
	default:
		err = e.queue.Attempts(walk, func(l queue.LoggedAttempt) bool {
			ok := visit(l.Mark)
			if !ok {
				return false
			}
			if r, good := e.record(&l); good && r.delivered() {
				consider(e.delivered(&l, &r), r.note, l.Endpoint)
			}
			return true
		})
	}
	return cmp.Or(closed(err), ctx.Err())
}

// owedTo returns the webhooks in the note of a delivery, and whether the wanted one is among them; 0 always is.
func (e *Engine) owedTo(note []byte, wanted int64) ([]int64, bool) {
	ids, err := appendIDs(nil, note)
	if err != nil { // nothing but a change behind the engine's back does that
		e.options.Logger.Error("the webhooks of a delivery cannot be read", "err", err)
	}
	return ids, wanted == 0 || slices.Contains(ids, wanted)
}

// record reads an entry of the attempt log.
func (e *Engine) record(l *queue.LoggedAttempt) (record, bool) {
	r, err := parseRecord(l.Record)
	if err != nil {
		e.options.Logger.Error("an attempt is left out of a list", "event", l.Event, "endpoint", l.Endpoint, "err", err)
	}
	return r, err == nil
}

func (r *record) delivered() bool { return r.settled && r.outcome == webhook.Delivered }

func (e *Engine) waiting(w *queue.WaitingDelivery) Delivery {
	return Delivery{
		ID: e.names.delivery(w.Event, w.Endpoint), Event: e.names.event(w.Event), Status: webhook.StatusWaiting, Lane: w.Lane,
		Accepted: w.Accepted, Due: w.Due, InHand: w.InHand, Attempts: w.Attempts, LastStatus: w.LastStatus,
	}
}

func (e *Engine) dead(l *queue.DeadLetter) Delivery {
	return Delivery{
		ID: e.names.delivery(l.Event, l.Endpoint), Event: e.names.event(l.Event), Status: webhook.StatusDead, Lane: l.Lane,
		Accepted: l.Accepted, Attempts: l.Attempts, LastStatus: l.LastStatus, Reason: reasonLabel(l.Reason), Ended: l.Died,
	}
}

func (e *Engine) delivered(l *queue.LoggedAttempt, r *record) Delivery {
	return Delivery{
		ID: e.names.delivery(l.Event, l.Endpoint), Event: e.names.event(l.Event), Status: webhook.StatusDelivered, Lane: l.Lane,
		Accepted: r.accepted, Attempts: l.Number, LastStatus: r.status, Ended: l.At,
	}
}
