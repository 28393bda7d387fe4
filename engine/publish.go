package engine

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cespare/xxhash/v2"

	"hookline/engine/registry"
	"hookline/engine/webhook"
	"hookline/queue"
)

// Receipt is the answer to an event that was accepted.
type Receipt struct {
	// ID names the event. Repeated receipts of one idempotency key carry the first one's.
	ID string
	// Type is the event's webhookEvent.
	Type string
	// Matched is the number of webhooks that the event matched, Deliveries the number of requests that are owed for
	// them, and for the webhooks that post-functions fire at the event's transition.
	Matched, Deliveries int
	// Repeated is set when the event's key was seen before; nothing was accepted anew then, and Matched is 0.
	Repeated bool
}

// TooLargeError says that an event's body is over the limit.
type TooLargeError struct{ Size, Limit int }

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("the body has %d bytes; at most %d are allowed", e.Size, e.Limit)
}

// Publish accepts an event: it finds the webhooks that match and makes the deliveries owed to them
// durable. When it returns nil they will be made. ev.Body is copied; the caller may reuse it.
//
// Errors: webhook.ErrUnknownTenant; *webhook.InvalidError, *event.Error and [*TooLargeError] about the event;
// queue.ErrKeyReused where the key came with another body before; queue.ErrTooLarge where the event with all its
// deliveries is more than is written at once; *queue.OverloadedError where the caller should
// come back later, which is queue.ErrReadOnly where that is for want of room on the disk; queue.ErrClosed after Close; ctx.Err() where ctx ended before anything was written.
func (e *Engine) Publish(ctx context.Context, ev webhook.Event) (Receipt, error) {
	start := time.Now()
	p := e.publications.Get().(*publication)
	defer e.publications.Put(p)
	p.reset()
	receipt, err := e.prepare(p, &ev, start)
	if err != nil {
		e.metrics.refused(err)
		return Receipt{}, err
	}
	if err := e.accept(ctx, p.messages, &receipt); err != nil {
		e.metrics.refused(err)
		return Receipt{}, err
	}
	return receipt, nil
}

// accept accepts what one event makes, all or nothing, and completes its receipt.
func (e *Engine) accept(ctx context.Context, messages []queue.Message, r *Receipt) error {
	if len(messages) == 1 {
		accepted, err := e.queue.Accept(ctx, messages[0])
		if err == nil {
			e.complete(r, accepted)
		}
		return err
	}
	accepted, err := e.queue.AcceptAll(ctx, messages)
	if err == nil {
		e.complete(r, accepted...)
	}
	return err
}

// publication is the working memory of one Publish.
type publication struct {
	payload []byte
	notes   []byte
	targets []queue.Target
	firing  firing
	subject subject
	trial   bool // nothing of it counts

	// messages are what is accepted as one: the event, and after it what post-functions fire. That is a message of its
	// own, as its body is another, and as a webhook that listens to the event as well has two requests coming.
	messages []queue.Message
}

func (p *publication) reset() {
	// A buffer that one huge body made large is not worth keeping.
	if cap(p.payload) > 256<<10 {
		p.payload = nil
	}
	p.payload, p.notes, p.targets, p.messages = p.payload[:0], p.notes[:0], p.targets[:0], p.messages[:0]
	p.firing, p.subject, p.trial = firing{}, subject{}, false
}

// prepare matches an event and fills in p.messages with what is to be accepted.
func (e *Engine) prepare(p *publication, ev *webhook.Event, now time.Time) (Receipt, error) {
	receipt, err := e.check(p, ev, now)
	if err != nil {
		return Receipt{}, err
	}
	e.metrics.read(ev, receipt.Type, receipt.Matched, len(p.targets), time.Since(now))
	m := queue.Message{Deliveries: p.targets[:len(p.targets)-p.firing.targets]}
	if receipt.Matched > 0 {
		m.Payload = p.payload
	}
	if ev.Key != "" {
		m.Scope, m.Key, m.Fingerprint = e.keyScope(ev.Tenant), ev.Key, fingerprint(ev)
	}
	p.messages = append(p.messages, m)
	p.addFiring(m)
	return receipt, nil
}

// check matches an event that is within the limits, and fills in p.targets and p.payload.
func (e *Engine) check(p *publication, ev *webhook.Event, now time.Time) (Receipt, error) {
	if err := ev.Validate(); err != nil {
		return Receipt{}, err
	}
	if len(ev.Body) > e.options.MaxBody {
		return Receipt{}, &TooLargeError{Size: len(ev.Body), Limit: e.options.MaxBody}
	}
	p.payload = appendPayloadHead(p.payload, ev)
	return e.match(p, ev, now)
}

// fingerprint tells events apart that come with one key. Those of Jira have that of their body alone.
func fingerprint(ev *webhook.Event) uint64 {
	if ev.System == "" || ev.System == webhook.Jira {
		return xxhash.Sum64(ev.Body)
	}
	var d xxhash.Digest
	d.Reset()
	_, _ = d.WriteString(string(ev.System) + "\n") // never fails
	_, _ = d.Write(ev.Body)
	return d.Sum64()
}

// match finds the webhooks that an event is for, fills in p.targets, and completes p.payload if there are any.
func (e *Engine) match(p *publication, ev *webhook.Event, now time.Time) (Receipt, error) {
	if ev.System != "" && ev.System != webhook.Jira {
		return e.matchForeign(p, ev, now)
	}
	// The scratch is lent for the matching alone: it is far larger than a publication, and the fewer there
	// are, the more of them stay in the processor's cache while publications wait for the disk.
	scratch := e.scratches.Get().(*registry.Scratch)
	defer e.scratches.Put(scratch)
	header, matched, err := e.registry.Match(ev.Tenant, ev.Body, now, scratch)
	if err != nil {
		return Receipt{}, ended(err)
	}
	if !p.trial {
		e.metrics.candidates.Observe(float64(scratch.Candidates()))
		scratch.Note(now)
	}
	p.subject = subject{body: ev.Body, typ: header.Type}
	e.fanOut(p, matched)
	if len(matched) > 0 {
		p.payload = header.AppendStored(p.payload, ev.Body, now)
	}
	if header.Fires() {
		if err := e.fire(p, ev, &header, now); err != nil {
			return Receipt{}, ended(err)
		}
	}
	return Receipt{Type: header.Type, Matched: len(matched)}, nil
}

// matchForeign leaves an event to the flavour of its system.
func (e *Engine) matchForeign(p *publication, ev *webhook.Event, now time.Time) (Receipt, error) {
	reader := e.readers[ev.System]
	if reader == nil {
		return Receipt{}, &webhook.InvalidError{Problem: fmt.Sprintf("no flavour of the engine takes events of the system %q", ev.System)}
	}
	tenant, ok := e.registry.Tenant(ev.Tenant)
	if !ok {
		return Receipt{}, webhook.ErrUnknownTenant
	}
	reading, err := reader.Read(ev.Body, tenant, e.registry, e.registry.Believed(now))
	if err != nil {
		return Receipt{}, ended(err)
	}
	matched := make([]registry.Matched, len(reading.Webhooks))
	for i, w := range reading.Webhooks {
		matched[i] = registry.Matched{Webhook: w.ID, Endpoint: w.Endpoint}
	}
	slices.SortFunc(matched, registry.Matched.Compare)
	e.fanOut(p, matched)
	p.payload = append(p.payload, reading.Body...)
	return Receipt{Type: reading.Type, Matched: len(reading.Webhooks)}, nil
}

// ended makes of the error of a store that is closed that of a queue that is: both end with the engine.
func ended(err error) error {
	if errors.Is(err, registry.ErrClosed) {
		return queue.ErrClosed
	}
	return err
}

// keyScope keeps the idempotency keys of tenants apart, also those of a tenant from those of one that had its id
// before. Ids and keys are hashed together with 128 bits in the queue; 64 bits of the id alone are enough to
// tell tenants apart.
func (e *Engine) keyScope(tenant string) uint64 {
	var generation uint64
	if t, ok := e.registry.Tenant(tenant); ok {
		generation = t.Generation
	}
	return xxhash.Sum64(binary.AppendUvarint([]byte(tenant), generation))
}

// fanOut turns the webhooks that matched, ordered by endpoint, into one delivery for each endpoint that is not disabled.
func (e *Engine) fanOut(p *publication, matched []registry.Matched) {
	for start := 0; start < len(matched); {
		end := start + 1
		for end < len(matched) && matched[end].Endpoint == matched[start].Endpoint {
			end++
		}
		if e.stopped(matched[start].Endpoint) {
			start = end
			continue
		}
		from := len(p.notes)
		p.notes = appendNote(p.notes, matched[start:end])
		p.targets = append(p.targets, queue.Target{
			Endpoint: queue.EndpointID(matched[start].Endpoint),
			Note:     p.notes[from:len(p.notes):len(p.notes)],
			Order:    p.subject.orderKey(e.orderOf(matched[start].Endpoint)),
		})
		start = end
	}
}

// complete tells in a receipt what was accepted. The event's name is that of the first message that has deliveries,
// whose names it is a part of.
func (e *Engine) complete(r *Receipt, accepted ...queue.Receipt) {
	named := accepted[0]
	for _, a := range accepted {
		if named.Deliveries == 0 {
			named = a
		}
		r.Deliveries += a.Deliveries
		if a.Repeated {
			r.Repeated = true
			r.Matched = 0
		} else {
			e.metrics.enqueued.Add(float64(a.Deliveries))
		}
	}
	if named.Deliveries == 0 {
		named = accepted[0]
	}
	r.ID = e.names.event(named.Event)
}

// Published is the result for one event of PublishAll: a receipt, or the error that Publish would have returned.
type Published struct {
	Receipt Receipt
	Err     error
}

// PublishAll accepts several events with one write to the disk. Each succeeds or fails alone, and the
// results are in the order of the events. Events that share a key within one call are accepted
// once.
func (e *Engine) PublishAll(ctx context.Context, events []webhook.Event) []Published {
	start := time.Now()
	results := make([]Published, len(events))
	messages := make([]queue.Message, 0, len(events))
	parts := make([]part, 0, len(events))
	for i := range events {
		p := new(publication)
		r, err := e.prepare(p, &events[i], start)
		results[i] = Published{Receipt: r, Err: err}
		if err != nil {
			e.metrics.refused(err)
			continue
		}
		parts = append(parts, part{i, len(messages), len(messages) + len(p.messages)})
		messages = append(messages, p.messages...)
	}
	if len(messages) == 0 {
		return results
	}
	accepted, err := e.queue.AcceptAll(ctx, messages)
	if errors.Is(err, queue.ErrKeyReused) || errors.Is(err, queue.ErrTooLarge) {
		return e.publishEach(ctx, messages, parts, results)
	}
	for _, p := range parts {
		if err != nil {
			e.metrics.refused(err)
			results[p.event] = Published{Err: err}
			continue
		}
		e.complete(&results[p.event].Receipt, accepted[p.from:p.to]...)
	}
	return results
}

// part says which messages of a batch are an event's.
type part struct{ event, from, to int }

// publishEach accepts events one by one, where one of them, or all together, made the whole batch fail.
func (e *Engine) publishEach(ctx context.Context, messages []queue.Message, parts []part, results []Published) []Published {
	for _, p := range parts {
		if err := e.accept(ctx, messages[p.from:p.to], &results[p.event].Receipt); err != nil {
			e.metrics.refused(err)
			results[p.event] = Published{Err: err}
		}
	}
	return results
}
