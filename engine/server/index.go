package server

import (
	"time"

	"github.com/valyala/fasthttp"

	"hookline/engine/registry"
)

// usualQuiet is for how long webhooks have not matched, and values not been seen, that are listed where a request says nothing
// of it.
const usualQuiet = 24 * time.Hour

// indexView is how the filters of a tenant do. What events tell is since Since, and in memory only.
type indexView struct {
	Since      time.Time      `json:"since"`
	Webhooks   int            `json:"webhooks"` // in the index
	Broken     int            `json:"broken"`   // webhooks whose filter does not compile any more
	Filters    int            `json:"filters"`  // distinct
	Filed      map[string]int `json:"filed"`    // filters by what decides whether they are looked at
	Residual   int            `json:"residual"` // filters that no value in them narrows
	Share      float64        `json:"residualShare"`
	Keys       int            `json:"keys"`
	Values     int            `json:"values"`
	Conditions int            `json:"conditions"`
	Pending    int            `json:"pending"`
	Bytes      int            `json:"bytes"`
	Events     eventCosts     `json:"events"`

	Before    time.Time       `json:"before,omitzero"` // as it was asked for
	Expensive []expensiveView `json:"expensive"`
	Idle      idleList        `json:"idle"`
	Unseen    unseenList      `json:"unseen"`
}

// eventCosts are what events cost, on average.
type eventCosts struct {
	Count      int64   `json:"count"`
	Candidates float64 `json:"candidates"` // filters looked at
	Tests      float64 `json:"tests"`      // that it took to tell which of them hold
	Matched    float64 `json:"matched"`    // webhooks
}

type expensiveView struct {
	usersView
	JQL        string   `json:"jql"` // of the first webhook
	Filed      string   `json:"filed"`
	Fields     []string `json:"fields"`
	Keys       int      `json:"keys"`
	Visits     float64  `json:"visits"` // expected for each event
	Conditions int      `json:"conditions"`
}

// usersView has the webhooks that something is found in: the first of them, and how many they are.
type usersView struct {
	Webhooks []int64 `json:"webhooks"`
	Count    int     `json:"webhookCount"`
}

func viewUsers(u registry.Users) usersView { return usersView{u.First, u.Count} }

type idleList struct {
	Count int        `json:"count"`
	Items []idleView `json:"items"`
}

type idleView struct {
	Webhook      int64     `json:"webhook"`
	JQL          string    `json:"jql"`
	LastMatch    time.Time `json:"lastMatch,omitzero"`
	WatchedSince time.Time `json:"watchedSince,omitzero"` // where it has not matched
}

type unseenList struct {
	Count int          `json:"count"`
	Items []unseenView `json:"items"`
}

type unseenView struct {
	Field        string    `json:"field"`
	Change       string    `json:"change,omitempty"` // from, to
	Value        string    `json:"value"`
	LastSeen     time.Time `json:"lastSeen,omitzero"`
	WatchedSince time.Time `json:"watchedSince,omitzero"` // where it was not seen
	usersView
}

// getIndex answers how the filters of a tenant do.
func (s *Server) getIndex(ctx *fasthttp.RequestCtx) {
	q := queryOf(ctx)
	asked, limit := q.time("before"), q.limit()
	if q.refused() {
		return
	}
	before := asked
	if before.IsZero() {
		before = time.Now().Add(-usualQuiet)
	}
	h, err := s.options.Engine.Registry().Health(tenantOf(ctx).ID, before, limit)
	if err != nil {
		refuse(ctx, err)
		return
	}
	answer(ctx, 200, viewIndex(asked, h))
}

func viewIndex(before time.Time, h *registry.Health) indexView {
	v := indexView{
		Since: h.Since.UTC(), Webhooks: h.Webhooks, Broken: h.Broken, Filters: h.Filters, Filed: h.Sizes.Filed, Residual: h.Residual,
		Share: ratio(int64(h.Residual), int64(h.Filters)), Keys: h.Sizes.Keys, Values: h.Sizes.Terms, Conditions: h.Sizes.Conditions,
		Pending: h.Sizes.Pending, Bytes: h.Sizes.Bytes, Before: before.UTC(),
		Events: eventCosts{Count: h.Events, Candidates: ratio(h.Candidates, h.Events), Tests: ratio(h.Tests, h.Events), Matched: ratio(h.Matched, h.Events)},
		Idle:   idleList{h.IdleCount, []idleView{}}, Unseen: unseenList{h.UnseenCount, []unseenView{}}, Expensive: []expensiveView{},
	}
	for _, f := range h.Expensive {
		v.Expensive = append(v.Expensive, expensiveView{
			usersView: viewUsers(f.Webhooks), JQL: f.Filter, Filed: f.Filed, Fields: f.Fields, Keys: f.Keys,
			Visits: f.Visits, Conditions: f.Conditions,
		})
	}
	for _, w := range h.Idle {
		i := idleView{Webhook: w.Webhook, JQL: w.Filter}
		*whichever(w.Matched, &i.LastMatch, &i.WatchedSince) = w.Since.UTC()
		v.Idle.Items = append(v.Idle.Items, i)
	}
	for _, u := range h.Unseen {
		i := unseenView{Field: u.Field, Change: u.Aspect, Value: u.Value, usersView: viewUsers(u.Webhooks)}
		*whichever(u.Seen, &i.LastSeen, &i.WatchedSince) = u.Since.UTC()
		v.Unseen.Items = append(v.Unseen.Items, i)
	}
	return v
}

func whichever(first bool, a, b *time.Time) *time.Time {
	if first {
		return a
	}
	return b
}

// ratio is 0 where there is nothing to divide by.
func ratio(part, whole int64) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}
