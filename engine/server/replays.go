package server

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"hookline/engine/inspect"
	"hookline/engine/webhook"
)

// replayView is a replay with what it selects.
type replayView struct {
	ID       string              `json:"id"`
	Status   webhook.Status      `json:"status"`
	Webhook  int64               `json:"webhook,omitempty"`
	Reason   string              `json:"reason,omitempty"`
	Since    time.Time           `json:"since,omitzero"`
	Until    time.Time           `json:"until"`
	JQL      string              `json:"jql,omitempty"`
	Events   []string            `json:"events,omitempty"`
	Rate     int                 `json:"rate"`
	State    webhook.ReplayState `json:"state"`
	Selected *int                `json:"selected,omitempty"` // missing as long as it is not known
	Sent     int                 `json:"sent"`
	Skipped  int                 `json:"skipped"`
	Created  time.Time           `json:"created"`
	Ended    time.Time           `json:"ended,omitzero"`
	Error    string              `json:"error,omitempty"`
}

func viewReplay(r webhook.Replay) replayView {
	s := &r.Selection
	v := replayView{
		ID: r.ID, Status: s.Status, Webhook: s.Webhook, Reason: s.Reason, Since: s.From.UTC(), Until: s.Until.UTC(), JQL: s.JQL, Events: s.Events,
		Rate: r.Rate, State: r.State, Sent: r.Sent, Skipped: r.Skipped, Created: r.Created.UTC(), Ended: r.Ended.UTC(), Error: r.Problem,
	}
	if r.Selected >= 0 {
		v.Selected = &r.Selected
	}
	return v
}

// startReplay starts a replay, or counts what it would select.
func (s *Server) startReplay(ctx *fasthttp.RequestCtx) {
	var body struct {
		Status  webhook.Status `json:"status"`
		Webhook int64          `json:"webhook"`
		Reason  string         `json:"reason"`
		Since   time.Time      `json:"since"`
		Until   time.Time      `json:"until"`
		JQL     string         `json:"jql"`
		Events  []string       `json:"events"`
		Rate    *int           `json:"rate"`
		DryRun  bool           `json:"dryRun"`
	}
	if !decode(ctx, &body) {
		return
	}
	rate := webhook.DefaultReplayRate
	if body.Rate != nil {
		rate = *body.Rate
	}
	if rate < 1 || rate > webhook.MaxReplayRate {
		problem(ctx, 400, "invalid", "rate is %d; use 1 to %d deliveries per second.", rate, webhook.MaxReplayRate)
		return
	}
	selection := webhook.Selection{
		Status: body.Status, Webhook: body.Webhook, Reason: body.Reason, From: body.Since, Until: body.Until, JQL: body.JQL, Events: body.Events,
	}
	e, tenant := s.options.Engine, tenantOf(ctx).ID
	if body.DryRun {
		n, err := e.CountReplay(s.work, tenant, selection)
		if err == nil {
			answer(ctx, 200, map[string]int{"selected": n})
			return
		}
		refuseSelection(ctx, err)
		return
	}
	r, err := e.StartReplay(s.work, tenant, selection, rate)
	if err != nil {
		refuseSelection(ctx, err)
		return
	}
	answer(ctx, 202, viewReplay(r))
}

// refuseSelection answers a replay that cannot be, and one whose filter is none as other requests with a filter are.
func refuseSelection(ctx *fasthttp.RequestCtx, err error) {
	if problems := inspect.Problems(err); len(problems) > 0 {
		badFilter(ctx, problems)
		return
	}
	refuseDelivery(ctx, err)
}

// listReplays answers the replays of a tenant, the one that was started last first.
func (s *Server) listReplays(ctx *fasthttp.RequestCtx) {
	q := queryOf(ctx)
	p := q.page("replays")
	created, id, ok := placeOfReplay(p.after)
	if !ok {
		q.badCursor()
	}
	if q.refused() {
		return
	}
	var views []replayView
	next := ""
	for _, r := range s.options.Engine.Replays(tenantOf(ctx).ID) {
		at := r.Created.UnixNano()
		if p.after != "" && (at > created || at == created && r.ID <= id) {
			continue
		}
		if len(views) == p.limit {
			last := views[p.limit-1]
			next = fmt.Sprintf("%d %s", last.Created.UnixNano(), last.ID)
			break
		}
		views = append(views, viewReplay(r))
	}
	answerList(ctx, views, p.cursor(next))
}

// placeOfReplay reads the mark of a list of replays: when one was started, in nanoseconds since 1970, and its id.
func placeOfReplay(mark string) (created int64, id string, ok bool) {
	if mark == "" {
		return 0, "", true
	}
	text, id, found := strings.Cut(mark, " ")
	created, err := strconv.ParseInt(text, 10, 64)
	return created, id, found && err == nil
}

func (s *Server) getReplay(ctx *fasthttp.RequestCtx) {
	r, err := s.options.Engine.Replay(tenantOf(ctx).ID, param(ctx, "id"))
	s.answerReplay(ctx, r, err)
}

func (s *Server) cancelReplay(ctx *fasthttp.RequestCtx) {
	r, err := s.options.Engine.CancelReplay(s.work, tenantOf(ctx).ID, param(ctx, "id"))
	s.answerReplay(ctx, r, err)
}

func (s *Server) answerReplay(ctx *fasthttp.RequestCtx, r webhook.Replay, err error) {
	if err != nil {
		refuseDelivery(ctx, err)
		return
	}
	answer(ctx, 200, viewReplay(r))
}
