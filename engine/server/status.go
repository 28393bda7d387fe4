package server

import (
	"time"

	"github.com/valyala/fasthttp"

	"hookline/engine"
	"hookline/engine/store"
	"hookline/queue"
)

// statusView is how the installation is doing.
type statusView struct {
	Version  string    `json:"version"`
	Started  time.Time `json:"started"`
	Uptime   int64     `json:"uptime"` // seconds
	Draining bool      `json:"draining"`
	Tenants  int       `json:"tenants"`
	Apps     int       `json:"apps"`
	Webhooks int       `json:"webhooks"`
	Expired  int       `json:"expired"` // webhooks that are listed and match nothing any more
	Disk     diskView  `json:"disk"`
	Queue    queueView `json:"queue"`
}

// diskView is the room on the disk of the data directory, in bytes.
type diskView struct {
	Level   string `json:"level"` // ample; low: nothing new is taken in; scarce: nor is anything done in bulk
	Free    uint64 `json:"free"`
	Total   uint64 `json:"total"`
	Ballast uint64 `json:"ballast"`
}

func viewDisk(s store.Space) diskView {
	return diskView{Level: s.Level.String(), Free: s.Free, Total: s.Total, Ballast: s.Ballast}
}

// queueView has sizes of the queue, and totals since the start.
type queueView struct {
	Waiting   int64     `json:"waiting"`
	InHand    int64     `json:"inHand"`
	Dead      int64     `json:"dead"`
	OldestDue time.Time `json:"oldestDue,omitzero"`
	Counted   bool      `json:"counted"` // Waiting and Dead are whole

	Accepted  uint64 `json:"accepted"`
	Delivered uint64 `json:"delivered"`
	Retried   uint64 `json:"retried"`
	GivenUp   uint64 `json:"givenUp"`
	Dropped   uint64 `json:"dropped"`
}

func viewQueue(q queue.Stats) queueView {
	return queueView{
		Waiting: q.Waiting, InHand: q.InHand, Dead: q.Dead, OldestDue: q.OldestDue.UTC(), Counted: q.Counted,
		Accepted: q.Accepted, Delivered: q.Done, Retried: q.Again, GivenUp: q.Died, Dropped: q.Purged,
	}
}

func (s *Server) getStatus(ctx *fasthttp.RequestCtx) {
	e := s.options.Engine
	counts := e.Registry().Counts(time.Now())
	answer(ctx, 200, statusView{
		Version: s.options.Version, Started: s.started.UTC(), Uptime: int64(time.Since(s.started).Seconds()), Draining: s.draining.Load(),
		Tenants: counts.Tenants, Apps: counts.Apps, Webhooks: counts.Webhooks, Expired: counts.Expired, Disk: viewDisk(e.Space()), Queue: viewQueue(e.Queue().Stats()),
	})
}

// tenantStatus is how a tenant is doing.
type tenantStatus struct {
	Webhooks map[string]int `json:"webhooks"` // by state
	Waiting  tallyView      `json:"waiting"`
	Dead     tallyView      `json:"dead"`
}

type tallyView struct {
	Count  int       `json:"count"`
	More   bool      `json:"more,omitempty"` // than are counted
	Oldest time.Time `json:"oldest,omitzero"`
}

func viewTally(t engine.Tally) tallyView {
	return tallyView{Count: t.Count, More: t.More, Oldest: t.Oldest.UTC()}
}

func (s *Server) getTenantStatus(ctx *fasthttp.RequestCtx) {
	e, id, now := s.options.Engine, tenantOf(ctx).ID, time.Now()
	backlog, err := e.Backlog(s.work, id)
	if err != nil {
		refuse(ctx, err)
		return
	}
	states := map[string]int{stateActive: 0, stateExpired: 0, stateDisabled: 0, stateStopped: 0, statePaused: 0}
	all, err := e.Registry().All(id)
	if err != nil {
		refuse(ctx, err)
		return
	}
	for _, w := range all {
		states[s.stateOf(w, now)]++
	}
	answer(ctx, 200, tenantStatus{Webhooks: states, Waiting: viewTally(backlog.Waiting), Dead: viewTally(backlog.Dead)})
}
