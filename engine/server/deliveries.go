package server

import (
	"errors"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"hookline/engine"
	"hookline/engine/webhook"
)

// deliveryView is one event owed to one endpoint.
type deliveryView struct {
	ID         string         `json:"id"`
	Event      string         `json:"event"`
	Type       string         `json:"type,omitempty"`
	Webhooks   []int64        `json:"webhooks"`
	URL        string         `json:"url"`
	Flavor     string         `json:"flavor"`
	Status     webhook.Status `json:"status"`
	Lane       string         `json:"lane"`
	Accepted   time.Time      `json:"accepted"`
	Due        time.Time      `json:"due,omitzero"`
	InHand     bool           `json:"inHand,omitempty"`
	Attempts   int            `json:"attempts"`
	LastStatus int            `json:"lastStatus,omitempty"`
	Reason     string         `json:"reason,omitempty"`
	Ended      time.Time      `json:"ended,omitzero"`
	Attempted  []attemptView  `json:"attempted,omitempty"`
}

func viewDelivery(d *engine.Delivery) deliveryView {
	return deliveryView{
		ID: d.ID, Event: d.Event, Type: d.Type, Webhooks: notNil(d.Webhooks), URL: d.Endpoint.URL, Flavor: d.Endpoint.Flavor,
		Status: d.Status, Lane: d.Lane.String(), Accepted: d.Accepted.UTC(), Due: d.Due.UTC(), InHand: d.InHand,
		Attempts: d.Attempts, LastStatus: d.LastStatus, Reason: d.Reason, Ended: d.Ended.UTC(),
	}
}

// attemptView is one request that was made for a delivery.
type attemptView struct {
	Delivery   string          `json:"delivery"`
	Number     int             `json:"number"`
	At         time.Time       `json:"at"`
	DurationMS float64         `json:"durationMs"`
	Outcome    webhook.Outcome `json:"outcome"`
	Code       int             `json:"code,omitempty"`
	Error      string          `json:"error,omitempty"`
	Answer     string          `json:"answer,omitempty"`
	Webhooks   []int64         `json:"webhooks"`
	URL        string          `json:"url"`
	Next       time.Time       `json:"next,omitzero"`
	Sent       int             `json:"sent"`
	Received   int             `json:"received"`
}

func viewAttempt(a *engine.Attempt) attemptView {
	return attemptView{
		Delivery: a.Delivery, Number: a.Number, At: a.Start.UTC(), DurationMS: float64(a.Duration.Microseconds()) / 1000,
		Outcome: a.Outcome, Code: a.Code, Error: a.Problem, Answer: strings.ToValidUTF8(string(a.Answer), "\ufffd"),
		Webhooks: notNil(a.Webhooks), URL: a.Endpoint.URL, Next: a.Next.UTC(), Sent: a.Sent, Received: a.Received,
	}
}

func notNil(ids []int64) []int64 {
	if ids == nil {
		return []int64{}
	}
	return ids
}

func (s *Server) listDeliveries(ctx *fasthttp.RequestCtx) {
	q := queryOf(ctx)
	status := q.oneOf("status", string(webhook.StatusWaiting), string(webhook.StatusDead), string(webhook.StatusDelivered))
	p := q.page("deliveries " + status)
	query := engine.DeliveryQuery{
		Status: webhook.Status(status), Webhook: q.number("webhook"), Reason: q.text("reason"), From: q.time("since"), Until: q.time("until"),
		Limit: p.limit, Cursor: p.after,
	}
	if q.refused() {
		return
	}
	list, next, err := s.options.Engine.Deliveries(s.work, tenantOf(ctx).ID, query)
	if err != nil {
		refuseDelivery(ctx, err)
		return
	}
	views := make([]deliveryView, len(list))
	for i := range list {
		views[i] = viewDelivery(&list[i])
	}
	answerList(ctx, views, p.cursor(next))
}

func (s *Server) listAttempts(ctx *fasthttp.RequestCtx) {
	q := queryOf(ctx)
	var outcomes []string
	for _, o := range webhook.Outcomes {
		outcomes = append(outcomes, string(o))
	}
	p := q.page("attempts")
	query := engine.AttemptQuery{
		Webhook: q.number("webhook"), Outcome: webhook.Outcome(q.oneOf("outcome", outcomes...)), Code: int(q.number("code")),
		From: q.time("since"), Until: q.time("until"), Limit: p.limit, Cursor: p.after,
	}
	if query.Code != 0 && (query.Code < 100 || query.Code > 999) {
		q.wrong("The parameter code is %d; use the status of an answer, 100 to 999", query.Code)
	}
	if q.refused() {
		return
	}
	list, next, err := s.options.Engine.Attempts(s.work, tenantOf(ctx).ID, query)
	if err != nil {
		refuseDelivery(ctx, err)
		return
	}
	answerList(ctx, viewAttempts(list), p.cursor(next))
}

func viewAttempts(list []engine.Attempt) []attemptView {
	views := make([]attemptView, len(list))
	for i := range list {
		views[i] = viewAttempt(&list[i])
	}
	return views
}

func (s *Server) getDelivery(ctx *fasthttp.RequestCtx) {
	d, attempts, err := s.options.Engine.Delivery(s.work, tenantOf(ctx).ID, param(ctx, "id"))
	if err != nil {
		refuseDelivery(ctx, err)
		return
	}
	v := viewDelivery(&d)
	v.Attempted = viewAttempts(attempts)
	answer(ctx, 200, v)
}

func (s *Server) getDeliveryBody(ctx *fasthttp.RequestCtx) {
	body, err := s.options.Engine.Body(s.work, tenantOf(ctx).ID, param(ctx, "id"))
	if err != nil {
		refuseDelivery(ctx, err)
		return
	}
	ctx.SetContentType("application/json")
	ctx.SetBody(body)
}

func (s *Server) resend(ctx *fasthttp.RequestCtx) {
	if !empty(ctx) {
		return
	}
	d, err := s.options.Engine.Resend(s.work, tenantOf(ctx).ID, param(ctx, "id"))
	if err != nil {
		refuseDelivery(ctx, err)
		return
	}
	answer(ctx, 202, viewDelivery(&d))
}

func (s *Server) discardDelivery(ctx *fasthttp.RequestCtx) {
	if err := s.options.Engine.Discard(s.work, tenantOf(ctx).ID, param(ctx, "id")); err != nil {
		refuseDelivery(ctx, err)
		return
	}
	ctx.SetStatusCode(204)
}

// refuseDelivery is refuse for requests about deliveries and replays.
func refuseDelivery(ctx *fasthttp.RequestCtx, err error) {
	switch {
	case errors.Is(err, engine.ErrUnknownDelivery):
		problem(ctx, 404, "unknown_delivery", "The tenant has no delivery %q, or it is not kept any more.", param(ctx, "id"))
	case errors.Is(err, engine.ErrUnderWay):
		problem(ctx, 409, "under_way", "The delivery is waiting to be attempted.")
	case errors.Is(err, engine.ErrStopped):
		problem(ctx, 409, "stopped", "The webhook is disabled and is sent nothing; enable it first.")
	case errors.Is(err, engine.ErrNotKept):
		problem(ctx, 410, "body_gone", "The body of the event is not kept any more.")
	case errors.Is(err, engine.ErrNotDead):
		problem(ctx, 409, "not_dead", "Only deliveries that were given up can be discarded.")
	case errors.Is(err, engine.ErrUnknownReplay):
		problem(ctx, 404, "unknown_replay", "The tenant has no replay %q, or it is not listed any more.", param(ctx, "id"))
	case errors.Is(err, engine.ErrReplayEnded):
		problem(ctx, 409, "replay_ended", "The replay has ended.")
	case errors.Is(err, engine.ErrTooManyReplays):
		problem(ctx, 409, "too_many_replays", "Too many replays of the tenant are running; wait for one to end, or cancel one.")
	default:
		refuse(ctx, err)
	}
}
