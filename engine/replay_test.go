package engine_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/prometheus/client_golang/prometheus"

	"hookline/engine"
	"hookline/engine/webhook"
	"hookline/jql"
	"hookline/queue"
)

// letters publishes events that are refused, and waits until they are dead letters.
func letters(t *testing.T, e *engine.Engine, r *receiver, bodies ...[]byte) {
	t.Helper()
	before := len(deliveries(t, e, engine.DeliveryQuery{Status: webhook.StatusDead, Limit: 1000}))
	for _, b := range bodies {
		publish(t, e, webhook.Event{Body: b})
	}
	r.wait(t, len(bodies))
	until(t, "the dead letters", func() bool {
		return len(deliveries(t, e, engine.DeliveryQuery{Status: webhook.StatusDead, Limit: 1000})) == before+len(bodies)
	})
}

func numbered(n int) (bodies [][]byte) {
	for i := range n {
		bodies = append(bodies, body("EX", i))
	}
	return bodies
}

// refusing answers the first n requests with 404, and the others with 200.
func refusing(n int) func(int) int {
	return func(i int) int {
		if i <= n {
			return 404
		}
		return 200
	}
}

func start(t *testing.T, e *engine.Engine, s webhook.Selection, rate int) webhook.Replay {
	t.Helper()
	r, err := e.StartReplay(ctx, owner.Tenant, s, rate)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// over waits until a replay has ended.
func over(t *testing.T, e *engine.Engine, id string) (r webhook.Replay) {
	t.Helper()
	until(t, "the end of the replay", func() bool {
		var err error
		if r, err = e.Replay(owner.Tenant, id); err != nil {
			t.Fatal(err)
		}
		return r.State != webhook.ReplayRunning
	})
	return r
}

var anyDead = webhook.Selection{Status: webhook.StatusDead}

// inBubble runs a test on a clock that moves only when everything waits.
func inBubble(t *testing.T, test func(*testing.T)) {
	synctest.Test(t, func(t *testing.T) {
		t.Cleanup(func() { time.Sleep(time.Minute) }) // fasthttp's server looks every ten seconds whether it was stopped
		test(t)
	})
}

// Dead letters are sent again, each once, with their identifiers; then there are none.
func TestReplay(t *testing.T) {
	const n = 40
	r := newReceiver(t, refusing(n))
	o := options(vfs.NewMem(), r)
	reg := prometheus.NewRegistry()
	o.Metrics = reg
	e := open(t, o)
	install(t, e)
	letters(t, e, r, numbered(n)...)
	if count, err := e.CountReplay(ctx, owner.Tenant, anyDead); err != nil || count != n {
		t.Errorf("dry run: %d, %v", count, err)
	}
	started := start(t, e, anyDead, 10_000)
	if started.State != webhook.ReplayRunning || started.Selected != -1 || started.Selection.Until.IsZero() {
		t.Errorf("%+v", started)
	}
	if got := over(t, e, started.ID); got.State != webhook.ReplayDone || got.Selected != n || got.Sent != n || got.Skipped != 0 || got.Ended.IsZero() {
		t.Errorf("%+v", got)
	}
	before, after := map[string]bool{}, map[string]bool{}
	for i, one := range r.wait(t, n) {
		if i < n {
			before[one.identifier] = true
			continue
		}
		if after[one.identifier] || !before[one.identifier] || one.replay != "true" {
			t.Errorf("%+v", one)
		}
		after[one.identifier] = true
	}
	if len(after) != n || len(deliveries(t, e, engine.DeliveryQuery{Status: webhook.StatusDead})) != 0 {
		t.Errorf("%d of %d were sent again", len(after), n)
	}
	values := gathered(t, reg)
	for name, want := range map[string]float64{
		"hookline_deliveries_resent_total/replay": n, "hookline_replays_total/done": 1, "hookline_replays_running": 0, "hookline_replay_skipped_total": 0,
	} {
		if got, ok := values[name]; !ok || got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
}

// Of what was delivered all is sent again whose body is kept.
func TestReplayDelivered(t *testing.T) {
	const n = 12
	delivered := webhook.Selection{Status: webhook.StatusDelivered}
	for keep, sent := range map[time.Duration]int{0: 0, time.Hour: n} {
		r := newReceiver(t, always(200))
		o := options(vfs.NewMem(), r)
		o.KeepDelivered = keep
		e := open(t, o)
		install(t, e)
		ended(t, e, r, n)
		got := over(t, e, start(t, e, delivered, 10_000).ID)
		if got.State != webhook.ReplayDone || got.Selected != n || got.Sent != sent || got.Skipped != n-sent {
			t.Errorf("kept for %v: %+v", keep, got)
		}
		r.wait(t, sent)
	}
}

// A selection has the deliveries that meet all of it.
func TestReplaySelection(t *testing.T) {
	r := newReceiver(t, statuses(404, 404, 404, 503, 503, 503))
	e := open(t, options(vfs.NewMem(), r))
	install(t, e)
	issue := func(summary string) []byte {
		return fmt.Appendf(nil, `{"timestamp":1,"webhookEvent":"jira:issue_updated","issue":{"key":"EX-1","fields":{"summary":%q,"project":{"key":"EX"}}}}`, summary)
	}
	letters(t, e, r, issue("a red door"), issue("a green door"), issue("a red cup"))
	middle := time.Now()
	publish(t, e, webhook.Event{Body: issue("a red end")})
	r.wait(t, 3)
	until(t, "the dead letter", func() bool { return len(deliveries(t, e, engine.DeliveryQuery{Reason: "exhausted"})) == 1 })
	for name, tt := range map[string]struct {
		selection webhook.Selection
		want      int
	}{
		"all":             {webhook.Selection{}, 4},
		"its webhook":     {webhook.Selection{Webhook: 1000}, 4},
		"another webhook": {webhook.Selection{Webhook: 1001}, 0},
		"a reason":        {webhook.Selection{Reason: "exhausted"}, 1},
		"before":          {webhook.Selection{Until: middle}, 3},
		"after":           {webhook.Selection{From: middle}, 1},
		"a filter":        {webhook.Selection{JQL: "summary ~ red"}, 3},
		"filter and time": {webhook.Selection{JQL: "summary ~ red", Until: middle}, 2},
		"a type":          {webhook.Selection{Events: []string{"jira:issue_updated"}}, 4},
		"another type":    {webhook.Selection{Events: []string{"jira:issue_created"}}, 0},
	} {
		tt.selection.Status = webhook.StatusDead
		if got, err := e.CountReplay(ctx, owner.Tenant, tt.selection); err != nil || got != tt.want {
			t.Errorf("%s: %d, %v; want %d", name, got, err, tt.want)
		}
	}
	var invalid *webhook.InvalidError
	for name, s := range map[string]webhook.Selection{
		"no status":         {},
		"waiting":           {Status: webhook.StatusWaiting},
		"an unknown reason": {Status: webhook.StatusDead, Reason: "bad luck"},
		"no time":           {Status: webhook.StatusDead, From: middle, Until: middle},
		"a nameless type":   {Status: webhook.StatusDead, Events: []string{""}},
		"reason of success": {Status: webhook.StatusDelivered, Reason: "rejected"},
		"negative webhook":  {Status: webhook.StatusDead, Webhook: -1},
	} {
		if _, err := e.StartReplay(ctx, owner.Tenant, s, 0); !errors.As(err, &invalid) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := e.CountReplay(ctx, owner.Tenant, s); !errors.As(err, &invalid) {
			t.Errorf("%s, dry run: %v", name, err)
		}
	}
	var syntax *jql.SyntaxError
	var check *jql.CheckError
	if _, err := e.StartReplay(ctx, owner.Tenant, webhook.Selection{Status: webhook.StatusDead, JQL: "summary ~"}, 0); !errors.As(err, &syntax) {
		t.Errorf("half a filter: %v", err)
	}
	if _, err := e.CountReplay(ctx, owner.Tenant, webhook.Selection{Status: webhook.StatusDead, JQL: "nonsense = 1"}); !errors.As(err, &check) {
		t.Errorf("an unknown field: %v", err)
	}
	for _, rate := range []int{-1, webhook.MaxReplayRate + 1} {
		if _, err := e.StartReplay(ctx, owner.Tenant, anyDead, rate); !errors.As(err, &invalid) {
			t.Errorf("rate %d: %v", rate, err)
		}
	}
	if _, err := e.StartReplay(ctx, "nobody", anyDead, 0); !errors.Is(err, webhook.ErrUnknownTenant) {
		t.Errorf("an unknown tenant: %v", err)
	}
	if _, err := e.CountReplay(ctx, "nobody", anyDead); !errors.Is(err, webhook.ErrUnknownTenant) {
		t.Errorf("an unknown tenant, dry run: %v", err)
	}
	if len(e.Replays(owner.Tenant)) != 0 {
		t.Error("a replay that was refused is listed")
	}
	got := over(t, e, start(t, e, webhook.Selection{Status: webhook.StatusDead, JQL: "summary ~ cup"}, 0).ID)
	if got.Sent != 1 || got.Rate != webhook.DefaultReplayRate {
		t.Errorf("%+v", got)
	}
}

// Deliveries are queued at the rate that was asked for, evenly.
func TestReplayRate(t *testing.T) {
	for _, rate := range []int{1, 8, 50} {
		inBubble(t, func(t *testing.T) {
			const n = 20
			r := newReceiver(t, refusing(n))
			e := open(t, options(vfs.NewMem(), r))
			install(t, e)
			letters(t, e, r, numbered(n)...)
			begin := time.Now()
			id := start(t, e, anyDead, rate).ID
			for i := range n {
				r.wait(t, 1)
				least := time.Duration(i/max(rate/10, 1)*max(rate/10, 1)) * time.Second / time.Duration(rate)
				if took := time.Since(begin); took < least || took > least+time.Second/2 {
					t.Errorf("rate %d: delivery %d after %v, want %v", rate, i, took, least)
				}
			}
			synctest.Wait()
			if got, err := e.Replay(owner.Tenant, id); err != nil || got.State != webhook.ReplayDone {
				t.Errorf("%+v, %v", got, err)
			}
			if err := e.Close(ctx); err != nil {
				t.Error(err)
			}
		})
	}
}

// What is fresh goes before all that is replayed to the same endpoint.
func TestReplayGivesWay(t *testing.T) {
	const n, fresh = 30, 5
	r := newReceiver(t, refusing(n))
	o := options(vfs.NewMem(), r)
	o.HostLimit = 1 // so that requests arrive in the order in which they are taken
	e := open(t, o)
	install(t, e)
	letters(t, e, r, numbered(n)...)
	pause(t, e, true)
	over(t, e, start(t, e, anyDead, 10_000).ID)
	for i := range fresh {
		publish(t, e, webhook.Event{Body: body("EX", 100+i)})
	}
	pause(t, e, false)
	for i, one := range r.wait(t, n+fresh)[n:] {
		if replayed := one.replay == "true"; replayed != (i >= fresh) {
			t.Errorf("request %d: %+v", i, one)
		}
	}
}

// A walk that is cut short, as by the end of the engine, does not pass for one that found no more: the replay would count as
// done.
func TestReplayIsNotDoneWhenCutShort(t *testing.T) {
	r := newReceiver(t, refusing(1))
	e := open(t, options(vfs.NewMem(), r))
	install(t, e)
	letters(t, e, r, numbered(1)...)
	over, end := context.WithCancel(ctx)
	end()
	for _, s := range []webhook.Selection{anyDead, {Status: webhook.StatusDead, Events: []string{"jira:issue_updated"}}} {
		if n, err := e.Count(ctx, owner.Tenant, s); n != 1 || err != nil {
			t.Errorf("%+v: %d, %v", s, n, err)
		}
		if n, err := e.Count(over, owner.Tenant, s); !errors.Is(err, context.Canceled) {
			t.Errorf("%+v, cut short: %d, %v", s, n, err)
		}
	}
}

// A replay that is ended by hand sends nothing more, and what it did not come to stays.
func TestCancelReplay(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		const n = 20
		r := newReceiver(t, refusing(n))
		e := open(t, options(vfs.NewMem(), r))
		install(t, e)
		letters(t, e, r, numbered(n)...)
		id := start(t, e, anyDead, 1).ID
		time.Sleep(2500 * time.Millisecond)
		got, err := e.CancelReplay(ctx, owner.Tenant, id)
		if err != nil || got.State != webhook.ReplayCancelled || got.Sent != 3 || got.Selected != n || got.Ended.IsZero() {
			t.Errorf("%+v, %v", got, err)
		}
		time.Sleep(time.Minute)
		if left := deliveries(t, e, engine.DeliveryQuery{Status: webhook.StatusDead}); len(left) != n-3 {
			t.Errorf("%d dead letters are left", len(left))
		}
		if _, err := e.CancelReplay(ctx, owner.Tenant, id); !errors.Is(err, engine.ErrReplayEnded) {
			t.Errorf("a second time: %v", err)
		}
		for _, x := range [][2]string{{"rival", id}, {owner.Tenant, "x"}} {
			if _, err := e.CancelReplay(ctx, x[0], x[1]); !errors.Is(err, engine.ErrUnknownReplay) {
				t.Errorf("%v: %v", x, err)
			}
			if _, err := e.Replay(x[0], x[1]); !errors.Is(err, engine.ErrUnknownReplay) {
				t.Errorf("%v: %v", x, err)
			}
		}
		for range 10 {
			start(t, e, anyDead, 1)
		}
		if _, err := e.StartReplay(ctx, owner.Tenant, anyDead, 1); !errors.Is(err, engine.ErrTooManyReplays) {
			t.Errorf("an eleventh: %v", err)
		}
		list := e.Replays(owner.Tenant)
		if len(list) != 11 || list[10].ID != id || !slices.IsSortedFunc(list, func(a, b webhook.Replay) int { return b.Created.Compare(a.Created) }) {
			t.Errorf("%d replays: %+v", len(list), list)
		}
		if err := e.Close(ctx); err != nil {
			t.Error(err)
		}
	})
}

// A replay goes on after a stop, and is forgotten with its tenant.
func TestReplaySurvivesRestart(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		const n = 20
		r := newReceiver(t, refusing(n))
		e := open(t, options(vfs.NewMem(), r))
		install(t, e)
		letters(t, e, r, numbered(n)...)
		id := start(t, e, anyDead, 2).ID
		for range 3 {
			time.Sleep(2250 * time.Millisecond)
			if err := e.Close(ctx); err != nil {
				t.Fatal(err)
			}
			e = open(t, e.Options())
		}
		got := over(t, e, id)
		if got.State != webhook.ReplayDone || got.Sent != n || got.Selected != n || got.Skipped != 0 {
			t.Errorf("%+v", got)
		}
		seen := map[string]bool{}
		for _, one := range r.wait(t, n)[n:] {
			if seen[one.identifier] {
				t.Errorf("twice: %+v", one)
			}
			seen[one.identifier] = true
		}
		letters := start(t, e, anyDead, 1)
		if err := e.DeleteTenant(ctx, owner.Tenant); err != nil {
			t.Fatal(err)
		}
		install(t, e)
		if _, err := e.Replay(owner.Tenant, letters.ID); !errors.Is(err, engine.ErrUnknownReplay) || len(e.Replays(owner.Tenant)) != 0 {
			t.Errorf("replays of the tenant that had the id before: %v", err)
		}
		if err := e.Close(ctx); err != nil {
			t.Error(err)
		}
		e = open(t, e.Options())
		if list := e.Replays(owner.Tenant); len(list) != 0 {
			t.Errorf("after a restart: %+v", list)
		}
		if err := e.Close(ctx); err != nil {
			t.Error(err)
		}
	})
}

// Power is lost again and again while a replay runs, with any part of what was not synced: no dead letter is lost,
// and none is queued twice.
func TestReplaySurvivesPowerLoss(t *testing.T) {
	for round := range 8 {
		inBubble(t, func(t *testing.T) {
			const n = 40
			random := rand.New(rand.NewPCG(1, uint64(round)))
			fs := vfs.NewCrashableMem()
			r := newReceiver(t, refusing(n))
			e := open(t, options(fs, r))
			install(t, e)
			letters(t, e, r, numbered(n)...)
			pause(t, e, true) // so that what is queued can be counted
			id := start(t, e, anyDead, 40).ID
			for range 4 {
				time.Sleep(time.Duration(random.IntN(300)) * time.Millisecond)
				fs = fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: random.IntN(101), RNG: random})
				if err := e.Close(ctx); err != nil {
					t.Fatal(err)
				}
				e = open(t, options(fs, r))
			}
			if got := over(t, e, id); got.State != webhook.ReplayDone || got.Selected != n {
				t.Errorf("%+v", got)
			}
			seen := map[string]bool{}
			for _, d := range deliveries(t, e, engine.DeliveryQuery{}) {
				if d.Status != webhook.StatusWaiting || d.Lane != queue.Replay || seen[d.ID] {
					t.Errorf("%+v", d)
				}
				seen[d.ID] = true
			}
			if len(seen) != n {
				t.Errorf("%d of %d are queued", len(seen), n)
			}
			if err := e.Close(ctx); err != nil {
				t.Error(err)
			}
		})
	}
}
