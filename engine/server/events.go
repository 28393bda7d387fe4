package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/valyala/fasthttp"

	"hookline/engine"
	"hookline/engine/event"
	"hookline/engine/flavor"
	"hookline/engine/webhook"
	"hookline/queue"
)

// maxLines bounds the events in one request.
const maxLines = 10_000

// accepted is the answer to one event. One that was tried only has no ID, and names the webhooks.
type accepted struct {
	ID         string  `json:"id,omitempty"`
	Type       string  `json:"type"`
	Matched    int     `json:"matched"`
	Deliveries int     `json:"deliveries"`
	Repeated   bool    `json:"repeated,omitempty"`
	Webhooks   []int64 `json:"webhooks,omitzero"`
}

// publish takes events in: one JSON object, an array of them, or one a line as application/x-ndjson. With dry_run it
// answers what would become of them.
func (s *Server) publish(ctx *fasthttp.RequestCtx) {
	q := queryOf(ctx)
	in := intake{engine: s.options.Engine, work: s.work, dry: q.flag("dry_run")}
	if q.refused() {
		return
	}
	ev, err := eventOf(ctx)
	if err != nil {
		problem(ctx, 400, "invalid_header", "%s.", err)
		return
	}
	kind, _, _ := strings.Cut(string(ctx.Request.Header.ContentType()), ";")
	switch strings.ToLower(strings.TrimSpace(kind)) {
	case "application/x-ndjson", "application/ndjson", "application/jsonl":
		s.publishBatch(ctx, ev, lines(ctx.PostBody()), in)
	case "application/json", "":
		s.publishJSON(ctx, ev, in)
	default:
		problem(ctx, 415, "unsupported_type", "The body has Content-Type %s; send application/json or application/x-ndjson.", kind)
	}
}

// eventOf returns what the request's headers say of its event or events.
func eventOf(ctx *fasthttp.RequestCtx) (webhook.Event, error) {
	h := &ctx.Request.Header
	ev := webhook.Event{
		Tenant: tenantOf(ctx).ID,
		Source: webhook.HTTP,
		System: webhook.System(param(ctx, "system")),
		Key:    string(h.Peek("Idempotency-Key")),
		Trace:  string(h.Peek("X-Atlassian-Webhook-Trace")),
	}
	switch flow := string(h.Peek("X-Atlassian-Webhook-Flow")); strings.ToLower(flow) {
	case "", "primary":
	case "secondary":
		ev.Flow = webhook.Secondary
	default:
		return ev, fmt.Errorf("X-Atlassian-Webhook-Flow is %q; use Primary or Secondary", flow)
	}
	return ev, ev.Validate()
}

func (s *Server) publishJSON(ctx *fasthttp.RequestCtx, ev webhook.Event, in intake) {
	if !bytes.HasPrefix(bytes.TrimLeft(ctx.PostBody(), " \t\r\n"), []byte{'['}) {
		s.publishOne(ctx, ev, in)
		return
	}
	items, err := elements(ctx.PostBody())
	if err != nil {
		s.options.Engine.CountRejected(engine.RejectedInvalid)
		s.refuseEvent(ctx, err)
		return
	}
	s.publishBatch(ctx, ev, items, in)
}

func (s *Server) publishOne(ctx *fasthttp.RequestCtx, ev webhook.Event, in intake) {
	ev.Body = ctx.PostBody()
	a, err := in.one(ev)
	if err != nil {
		s.refuseEvent(ctx, err)
		return
	}
	answer(ctx, in.status(), a)
}

// item is the body of one event of a batch, with the number of its line, or of its place in the array, from 1.
type item struct {
	number int
	body   []byte
}

// lines returns the lines of a batch that are not blank. It stops at one more than are allowed, so that a body of tiny
// lines takes no memory beyond its own.
func lines(body []byte) []item {
	var items []item
	for n := 1; len(body) > 0 && len(items) <= maxLines; n++ {
		var text []byte
		text, body, _ = bytes.Cut(body, []byte{'\n'})
		if text = bytes.TrimSpace(text); len(text) > 0 {
			items = append(items, item{n, text})
		}
	}
	return items
}

// elements is lines for an array.
func elements(body []byte) ([]item, error) {
	list, err := event.Elements(body, maxLines)
	items := make([]item, len(list))
	for i, text := range list {
		items[i] = item{i + 1, text}
	}
	return items, err
}

// line is the answer to one event of a batch: what a request of its own would have been answered.
type line struct {
	Line   int `json:"line"`
	Status int `json:"status"`
	*accepted
	Error *failureBody `json:"error,omitempty"`
}

// publishBatch answers 202 (200 for a dry run) when at least one event was accepted, and the first one's status when
// none was.
func (s *Server) publishBatch(ctx *fasthttp.RequestCtx, ev webhook.Event, items []item, in intake) {
	switch {
	case len(ev.Key) > maxBatchKey:
		problem(ctx, 400, "invalid_header", "The Idempotency-Key has %d bytes; at most %d are allowed for a batch, as the number of the line is added for each.", len(ev.Key), maxBatchKey)
		return
	case len(items) == 0:
		problem(ctx, 400, "empty", "The body has no line, and no element of an array, with an event.")
		return
	case len(items) > maxLines:
		s.options.Engine.CountRejected(engine.RejectedTooLarge)
		problem(ctx, 413, "too_large", "The body has more than %d lines or elements; send it in parts.", maxLines)
		return
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	status := 0
	for i, taken := range in.all(eventsOf(items, ev)) {
		l := line{Line: items[i].number, Status: in.status()}
		if taken.err != nil {
			var body failureBody
			l.Status, body = refusal(ctx, taken.err)
			l.Error = &body
		} else {
			l.accepted = &taken.accepted
		}
		if status == 0 || l.Status == in.status() {
			status = l.Status
		}
		if err := enc.Encode(l); err != nil {
			ctx.SetUserValue(flavor.ErrorKey, err)
		}
	}
	ctx.SetStatusCode(status)
	ctx.SetContentType("application/x-ndjson")
	ctx.SetBody(out.Bytes())
}

// eventsOf returns the events of a batch, which share what ev says of them.
func eventsOf(items []item, ev webhook.Event) []webhook.Event {
	events := make([]webhook.Event, len(items))
	for i, it := range items {
		events[i] = ev
		events[i].Body = it.body
		if ev.Key != "" {
			events[i].Key = lineKey(ev.Key, it.number)
		}
	}
	return events
}

// maxBatchKey leaves room in a line's key for a separator and ten digits: more lines than any body has.
const maxBatchKey = webhook.MaxKey - 11

// lineKey returns the key of one line of a batch. No header value holds a line feed, so it is the key of no event
// that was sent alone.
func lineKey(key string, n int) string { return key + "\n" + strconv.Itoa(n) }

// refusal returns the status and the text for an event that was not accepted.
func refusal(ctx *fasthttp.RequestCtx, err error) (int, failureBody) {
	var bad *event.Error
	var invalid *webhook.InvalidError
	var large *engine.TooLargeError
	var busy *queue.OverloadedError
	switch {
	case errors.As(err, &bad):
		return 400, failureBody{Code: "invalid_event", Message: bad.Error(), Offset: &bad.Offset, Pointer: bad.Pointer}
	case errors.As(err, &invalid):
		return 400, failureBody{Code: "invalid_event", Message: invalid.Problem}
	case errors.As(err, &large):
		return 413, failureBody{Code: "too_large", Message: large.Error()}
	case errors.Is(err, queue.ErrTooLarge):
		return 413, failureBody{Code: "too_large", Message: err.Error()}
	case errors.Is(err, queue.ErrKeyReused):
		return 422, failureBody{Code: "idempotency_key_reused", Message: "The Idempotency-Key was used for an event with another body; use a new key for a new event."}
	case errors.As(err, &busy):
		flavor.RetryAfter(ctx, int(math.Ceil(busy.RetryAfter.Seconds())))
		if errors.Is(err, queue.ErrReadOnly) {
			return 503, failureBody{Code: "read_only", Message: flavor.ReadOnly}
		}
		return 503, failureBody{Code: "overloaded", Message: "Too many events are being written at the moment; send this one again later."}
	case errors.Is(err, queue.ErrClosed), flavor.Stopped(err):
		flavor.RetryAfter(ctx, 1)
		return 503, failureBody{Code: "stopping", Message: stopping}
	case errors.Is(err, webhook.ErrUnknownTenant):
		return 404, failureBody{Code: "unknown_tenant", Message: "The tenant is gone."}
	}
	ctx.SetUserValue(flavor.ErrorKey, err)
	return 500, failureBody{Code: "internal", Message: "The event was not accepted; see the server's log."}
}
