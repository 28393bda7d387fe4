package engine_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/valyala/fasthttp"

	"hookline/engine"
	"hookline/engine/flavor"
	"hookline/engine/flavor/jira"
	"hookline/engine/registry"
	"hookline/engine/webhook"
	"hookline/queue"
)

// answers is a receiver for tests in fake time that answers one request on each connection with the status there is when it comes, after so many nanoseconds.
type answers struct{ status, got, takes atomic.Int64 }

func (a *answers) dial(string, time.Duration) (net.Conn, error) {
	here, there := net.Pipe()
	go func() {
		defer there.Close()
		var req fasthttp.Request
		if req.Read(bufio.NewReader(there)) != nil {
			return
		}
		a.got.Add(1)
		status := a.status.Load()
		time.Sleep(time.Duration(a.takes.Load()))
		fmt.Fprintf(there, "HTTP/1.1 %d Status\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", status)
	}()
	return here, nil
}

// stopping has an engine with one webhook whose receiver answers 500, and the policies "gone" (410 ends it, no retries) and
// "steady".
func stopping(t *testing.T, fs vfs.FS, change func(*engine.Options)) (*engine.Engine, *answers, *prometheus.Registry) {
	a, metrics := new(answers), prometheus.NewRegistry()
	a.status.Store(500)
	o := optionsWith(fs, new(receiver), time.Minute)
	o.Dial, o.Metrics, o.Breaker.Failures = a.dial, metrics, -1
	o.Policies = map[string]*webhook.Policy{
		"gone":   {Timeout: time.Second, Accept: webhook.Statuses{webhook.Any2xx}, StopOnGone: true},
		"steady": {Timeout: time.Second, Accept: webhook.Statuses{webhook.Any2xx}, Retry: webhook.Statuses{webhook.AnyStatus}, Backoff: []time.Duration{time.Minute}, Repeat: true},
	}
	if change != nil {
		change(&o)
	}
	return open(t, o), a, metrics
}

func shut(t *testing.T, e *engine.Engine) {
	t.Helper()
	if err := e.Close(ctx); err != nil {
		t.Fatal(err)
	}
}

func sole(t *testing.T, e *engine.Engine) int64 {
	t.Helper()
	all, err := e.Registry().All(owner.Tenant)
	if err != nil || len(all) != 1 {
		t.Fatalf("%d webhooks, %v", len(all), err)
	}
	return all[0].ID
}

// A webhook that is given a policy is sent to by that from the next attempt on, also after a restart.
func TestSetPolicy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := vfs.NewMem()
		e, a, _ := stopping(t, fs, nil)
		install(t, e)
		id := sole(t, e)
		var invalid *webhook.InvalidError
		if err := e.SetPolicy(ctx, owner.Tenant, id, "unknown"); !errors.As(err, &invalid) {
			t.Error(err)
		}
		for _, tenant := range []string{"rival", ""} {
			if err := e.SetPolicy(ctx, tenant, id, "gone"); !errors.Is(err, registry.ErrUnknownWebhook) {
				t.Errorf("as tenant %q: %v", tenant, err)
			}
		}
		if err := e.SetPolicy(ctx, owner.Tenant, id, "gone"); err != nil || only(t, e).Policy != "gone" {
			t.Fatal(err)
		}
		publish(t, e, webhook.Event{Body: body("EX", 1)})
		time.Sleep(time.Hour)
		if n := a.got.Load(); n != 1 || dead(t, e) != 1 {
			t.Errorf("%d attempts without retries", n)
		}
		shut(t, e)
		e, a, _ = stopping(t, fs, nil)
		publish(t, e, webhook.Event{Body: body("EX", 2)})
		time.Sleep(time.Hour)
		if n := a.got.Load(); n != 1 || dead(t, e) != 2 {
			t.Errorf("%d attempts after a restart", n)
		}
		if err := e.SetPolicy(ctx, owner.Tenant, id, ""); err != nil {
			t.Fatal(err)
		}
		publish(t, e, webhook.Event{Body: body("EX", 3)})
		time.Sleep(time.Hour)
		if n := a.got.Load(); n != 3 || dead(t, e) != 3 {
			t.Errorf("%d attempts by the flavour's policy again", n-1)
		}
		if err := e.SetPolicy(ctx, owner.Tenant, id, "gone"); err != nil {
			t.Fatal(err)
		}
		shut(t, e)
		e, a, _ = stopping(t, fs, func(o *engine.Options) { o.Policies = nil })
		publish(t, e, webhook.Event{Body: body("EX", 4)})
		time.Sleep(time.Hour)
		if n := a.got.Load(); n != 2 {
			t.Errorf("%d attempts where the policy is gone, want the flavour's 2", n)
		}
		shut(t, e)
	})
}

// 410 disables the endpoint where the policy says so: what is queued becomes dead letters, nothing more is queued, a restart
// changes nothing; until it is enabled, or its owner registers there again.
func TestGoneDisables(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := vfs.NewMem()
		e, a, metrics := stopping(t, fs, nil)
		install(t, e)
		a.status.Store(410)
		publish(t, e, webhook.Event{Body: body("EX", 1)})
		time.Sleep(time.Second)
		if dead(t, e) != 1 || only(t, e).Stopped != "" {
			t.Fatalf("the flavour's policy disables: %+v", only(t, e))
		}
		if err := e.SetPolicy(ctx, owner.Tenant, sole(t, e), "gone"); err != nil {
			t.Fatal(err)
		}
		id := only(t, e).ID
		if _, err := e.Pause(ctx, owner.Tenant, id); err != nil {
			t.Fatal(err)
		}
		for i := range 100 {
			publish(t, e, webhook.Event{Body: body("EX", i)})
		}
		if _, err := e.Resume(ctx, owner.Tenant, id); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if ep := only(t, e); ep.Stopped != webhook.StoppedGone || a.got.Load() > 21 || dead(t, e) != 101 {
			t.Errorf("%+v, %d attempts, %d dead", ep, a.got.Load(), dead(t, e))
		}
		if v := gathered(t, metrics); v["hookline_endpoints_disabled_total/gone"] != 1 || v["hookline_endpoints_disabled_total/failing"] != 0 {
			t.Error(v)
		}
		shut(t, e)
		e, a, _ = stopping(t, fs, nil)
		a.status.Store(200)
		publish(t, e, webhook.Event{Body: body("EX", 200)})
		time.Sleep(time.Minute)
		if n := a.got.Load(); n != 0 || dead(t, e) != 101 || e.Queue().Stats().Waiting != 0 {
			t.Errorf("%d attempts at what is disabled, %+v", n, e.Queue().Stats())
		}
		if _, err := e.Enable(ctx, "rival", id); !errors.Is(err, registry.ErrUnknownEndpoint) {
			t.Error(err)
		}
		if ep, err := e.Enable(ctx, owner.Tenant, id); err != nil || ep.Stopped != "" || ep.Policy != "gone" {
			t.Errorf("%+v, %v", ep, err)
		}
		publish(t, e, webhook.Event{Body: body("EX", 201)})
		time.Sleep(time.Minute)
		if n := a.got.Load(); n != 1 {
			t.Errorf("%d attempts after it was enabled", n)
		}
		a.status.Store(410)
		publish(t, e, webhook.Event{Body: body("EX", 202)})
		time.Sleep(time.Minute)
		if only(t, e).Stopped == "" {
			t.Error("not disabled once more")
		}
		a.status.Store(200)
		install(t, e)
		if ep := only(t, e); ep.ID != id || ep.Stopped != "" {
			t.Errorf("registered again: %+v", ep)
		}
		shut(t, e)
		e, _, _ = stopping(t, fs, nil)
		if only(t, e).Stopped != "" {
			t.Error("disabled again after a restart")
		}
		shut(t, e)
	})
}

// What is queued for an endpoint that is disabled while it is paused is given up as for any other, and at the next start where
// it could not be before.
func TestStoppedWinsOverPaused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := vfs.NewMem()
		e, a, _ := stopping(t, fs, func(o *engine.Options) { o.Policies["gone"].Timeout = time.Hour })
		install(t, e)
		if err := e.SetPolicy(ctx, owner.Tenant, sole(t, e), "gone"); err != nil {
			t.Fatal(err)
		}
		a.status.Store(410)
		a.takes.Store(int64(time.Minute))
		publish(t, e, webhook.Event{Body: body("EX", 0)})
		time.Sleep(time.Second)
		if _, err := e.Pause(ctx, owner.Tenant, only(t, e).ID); err != nil {
			t.Fatal(err)
		}
		for i := range 50 {
			publish(t, e, webhook.Event{Body: body("EX", i)})
		}
		time.Sleep(time.Hour)
		if ep := only(t, e); ep.Stopped != webhook.StoppedGone || !ep.Paused || a.got.Load() != 1 || dead(t, e) != 51 || e.Queue().Stats().Waiting != 0 {
			t.Errorf("%+v, %d attempts, %+v", ep, a.got.Load(), e.Queue().Stats())
		}
		if _, err := e.Enable(ctx, owner.Tenant, only(t, e).ID); err != nil {
			t.Fatal(err)
		}
		publish(t, e, webhook.Event{Body: body("EX", 99)})
		time.Sleep(time.Hour)
		if s := e.Queue().Stats(); s.Waiting != 1 || a.got.Load() != 1 {
			t.Errorf("it is paused still: %+v, %d attempts", s, a.got.Load())
		}
		shut(t, e)
	})
}

// An endpoint that nothing can be delivered to is warned of at 50, 70 and 90 percent of the time, and disabled in the end. A
// success begins it all anew.
func TestFailingIsWarnedOfAndDisabled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, a, metrics := stopping(t, vfs.NewMem(), func(o *engine.Options) { o.DisableAfter = 100 * time.Minute })
		install(t, e)
		if err := e.SetPolicy(ctx, owner.Tenant, sole(t, e), "steady"); err != nil {
			t.Fatal(err)
		}
		id := only(t, e).ID
		at := func(minutes int, warned int, wants map[string]float64) {
			t.Helper()
			synctest.Wait()
			f, ok := e.Failing(id)
			if !ok || f.Warned != warned || f.Attempts != minutes+1 || f.DisableAt != f.Since.Add(100*time.Minute) {
				t.Errorf("after %d minutes: %+v, %v", minutes, f, ok)
			}
			v := gathered(t, metrics)
			for _, stage := range []string{"50", "70", "90"} {
				if n := v["hookline_endpoint_warnings_total/"+stage]; n != wants[stage] {
					t.Errorf("after %d minutes %v warnings at %s %%", minutes, n, stage)
				}
			}
			if v["hookline_endpoints_failing"] != 1 || only(t, e).Stopped != "" {
				t.Errorf("after %d minutes: %v failing, %q", minutes, v["hookline_endpoints_failing"], only(t, e).Stopped)
			}
		}
		publish(t, e, webhook.Event{Body: body("EX", 1)})
		time.Sleep(49*time.Minute + time.Second)
		at(49, 0, nil)
		time.Sleep(time.Minute)
		at(50, 50, map[string]float64{"50": 1})
		a.status.Store(200)
		time.Sleep(time.Minute)
		if f, ok := e.Failing(id); ok {
			t.Errorf("after a success: %+v", f)
		}
		a.status.Store(404)
		publish(t, e, webhook.Event{Body: body("EX", 2)})
		time.Sleep(69*time.Minute + time.Second)
		at(69, 50, map[string]float64{"50": 2})
		time.Sleep(20 * time.Minute)
		at(89, 70, map[string]float64{"50": 2, "70": 1})
		time.Sleep(10 * time.Minute)
		at(99, 90, map[string]float64{"50": 2, "70": 1, "90": 1})
		time.Sleep(2 * time.Minute)
		if ep := only(t, e); ep.Stopped != webhook.StoppedFailing || dead(t, e) != 1 {
			t.Errorf("%+v, %d dead", ep, dead(t, e))
		}
		if v := gathered(t, metrics); v["hookline_endpoints_disabled_total/failing"] != 1 {
			t.Error(v)
		}
		if _, err := e.Enable(ctx, owner.Tenant, id); err != nil {
			t.Fatal(err)
		}
		if f, ok := e.Failing(id); ok {
			t.Errorf("after it was enabled: %+v", f)
		}
		shut(t, e)
	})
}

// Without DisableAfter an endpoint may fail for ever: nobody is warned.
func TestFailingIsNoReasonByDefault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, _, metrics := stopping(t, vfs.NewMem(), nil)
		install(t, e)
		if err := e.SetPolicy(ctx, owner.Tenant, sole(t, e), "steady"); err != nil {
			t.Fatal(err)
		}
		publish(t, e, webhook.Event{Body: body("EX", 1)})
		time.Sleep(12 * time.Hour)
		f, ok := e.Failing(only(t, e).ID)
		if v := gathered(t, metrics); !ok || f.Attempts < 700 || !f.DisableAt.IsZero() || v["hookline_endpoint_warnings_total/50"] != 0 || only(t, e).Stopped != "" {
			t.Errorf("%+v, %v", f, v)
		}
		shut(t, e)
	})
}

// A webhook with a rate of its own is sent to at that.
func TestSetRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, a, _ := stopping(t, vfs.NewMem(), nil)
		install(t, e)
		a.status.Store(200)
		id := sole(t, e)
		for _, bad := range []float64{-1, math.NaN(), math.Inf(1)} {
			var invalid *webhook.InvalidError
			if err := e.SetRate(ctx, owner.Tenant, id, bad); !errors.As(err, &invalid) {
				t.Errorf("%v: %v", bad, err)
			}
		}
		if err := e.SetRate(ctx, owner.Tenant, id, 1); err != nil {
			t.Fatal(err)
		}
		for i := range 20 {
			publish(t, e, webhook.Event{Body: body("EX", i)})
		}
		time.Sleep(9950 * time.Millisecond)
		if n := a.got.Load(); n < 10 || n > 11 {
			t.Errorf("%d requests in 10 s at one a second", n)
		}
		if err := e.SetRate(ctx, owner.Tenant, id, 0); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if n := a.got.Load(); n != 20 {
			t.Errorf("%d requests without a limit", n)
		}
		shut(t, e)
	})
}

func TestOptionsOfPoliciesAndRates(t *testing.T) {
	o := engine.Options{
		Dir: "d", FS: vfs.NewMem(), Flavors: []flavor.Flavor{jira.NewDynamic(jira.DynamicOptions{})},
		Policies: map[string]*webhook.Policy{"bad": {}, "none": nil}, Rate: engine.Rate{Host: -1}, DisableAfter: -1,
	}
	_, err := engine.Open(o)
	for _, want := range []string{"Policies: bad: timeout is 0s", "Policies: none is nil", "Rate.Host", "DisableAfter"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %s", err, want)
		}
	}
}

// What is queued for an endpoint that is disabled is given up at once, listed and counted as such, and can be queued again as it
// was, or by a replay.
func TestUnpark(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := vfs.NewMem()
		e, a, metrics := stopping(t, fs, func(o *engine.Options) { o.Policies["gone"].Timeout = time.Hour })
		install(t, e)
		if err := e.SetPolicy(ctx, owner.Tenant, sole(t, e), "gone"); err != nil {
			t.Fatal(err)
		}
		id := only(t, e).ID
		// It is paused, or the dispatcher might give up some of them one by one before.
		a.status.Store(410)
		a.takes.Store(int64(time.Minute))
		publish(t, e, webhook.Event{Body: body("EX", 0)})
		time.Sleep(time.Second)
		if _, err := e.Pause(ctx, owner.Tenant, id); err != nil {
			t.Fatal(err)
		}
		for i := range 100 {
			publish(t, e, webhook.Event{Body: body("EX", i)})
		}
		time.Sleep(time.Hour)
		q := engine.DeliveryQuery{Status: webhook.StatusDead, Reason: "disabled", Limit: 200}
		parked := deliveries(t, e, q)
		if v := gathered(t, metrics); len(parked) != 100 || v["hookline_dead_letters_total/disabled"] != float64(len(parked)) {
			t.Errorf("%d were given up, %v counted", len(parked), v["hookline_dead_letters_total/disabled"])
		}
		if _, err := e.Unpark(ctx, owner.Tenant, id); !errors.Is(err, engine.ErrStopped) {
			t.Errorf("unparked what is disabled: %v", err)
		}
		if _, err := e.Enable(ctx, owner.Tenant, id); err != nil {
			t.Fatal(err)
		}
		if _, err := e.Resume(ctx, owner.Tenant, id); err != nil {
			t.Fatal(err)
		}
		a.status.Store(200)
		a.takes.Store(0)
		a.got.Store(0)
		time.Sleep(time.Minute)
		if a.got.Load() != 0 {
			t.Errorf("%d attempts at what was given up", a.got.Load())
		}

		// One by hand, some by a replay, and the rest at once.
		if _, err := e.Resend(ctx, owner.Tenant, parked[7].ID); err != nil {
			t.Error(err)
		}
		r := start(t, e, webhook.Selection{Status: webhook.StatusDead, Reason: "disabled"}, 10)
		time.Sleep(1500 * time.Millisecond)
		if _, err := e.CancelReplay(ctx, owner.Tenant, r.ID); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Minute)
		if n := a.got.Load(); n < 10 || n > 20 {
			t.Errorf("%d attempts by hand and by a replay", n)
		}
		if _, err := e.Unpark(ctx, "rival", id); !errors.Is(err, registry.ErrUnknownEndpoint) {
			t.Error(err)
		}
		shut(t, e)
		e, _, _ = stopping(t, fs, func(o *engine.Options) { o.Dial = a.dial })
		if ep, err := e.Unpark(ctx, owner.Tenant, id); err != nil || ep.ID != id {
			t.Errorf("%+v, %v", ep, err)
		}
		time.Sleep(time.Minute)
		if n := int(a.got.Load()); n != len(parked) || len(deliveries(t, e, q)) != 0 || e.Queue().Stats().Waiting != 0 {
			t.Errorf("%d attempts at %d, %+v", n, len(parked), e.Queue().Stats())
		}
		shut(t, e)
	})
}

// disabledLetters are those that were given up as their endpoint was disabled.
func disabledLetters(t *testing.T, e *engine.Engine) int {
	t.Helper()
	return len(deliveries(t, e, engine.DeliveryQuery{Status: webhook.StatusDead, Reason: "disabled", Limit: 1000}))
}

// unparked enables the endpoint again, and returns how many attempts there are at what was given up.
func unparked(t *testing.T, e *engine.Engine, a *answers) int {
	t.Helper()
	id := only(t, e).ID
	a.status.Store(200)
	a.takes.Store(0)
	a.got.Store(0)
	for _, f := range []func(context.Context, string, uint64) (*webhook.Endpoint, error){e.Enable, e.Resume, e.Unpark} {
		if _, err := f(ctx, owner.Tenant, id); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(time.Hour)
	return int(a.got.Load())
}

// Nothing of what is queued is given up by itself when an endpoint is disabled: all of it can be queued again.
func TestDisabledRestsUntilItIsParked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, a, _ := stopping(t, vfs.NewMem(), nil)
		install(t, e)
		if err := e.SetPolicy(ctx, owner.Tenant, sole(t, e), "gone"); err != nil {
			t.Fatal(err)
		}
		a.status.Store(410)
		a.takes.Store(int64(time.Millisecond))
		const all = 500
		for i := range all {
			publish(t, e, webhook.Event{Body: body("EX", i)})
		}
		time.Sleep(time.Hour)
		n := disabledLetters(t, e)
		if s := e.Queue().Stats(); n == 0 || int(s.Dead) != int(a.got.Load())+n || s.Waiting != 0 {
			t.Fatalf("%d given up, %d attempts, %+v", n, a.got.Load(), s)
		}
		if got := unparked(t, e, a); got != n || disabledLetters(t, e) != 0 {
			t.Errorf("%d attempts at %d", got, n)
		}
		shut(t, e)
	})
}

// What a crash left of an endpoint that was disabled, before that was parked, is parked at the next Open.
func TestCrashBeforeItIsParked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := vfs.NewMem()
		e, _, _ := stopping(t, fs, nil)
		install(t, e)
		id := only(t, e).ID
		if _, err := e.Pause(ctx, owner.Tenant, id); err != nil {
			t.Fatal(err)
		}
		for i := range 100 {
			publish(t, e, webhook.Event{Body: body("EX", i)})
		}
		if _, err := e.Registry().ChangeEndpoint(ctx, owner.Tenant, id, func(ep *webhook.Endpoint) error {
			ep.Stopped = webhook.StoppedGone
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		shut(t, e)
		e, a, _ := stopping(t, fs, nil)
		time.Sleep(time.Hour)
		if n := disabledLetters(t, e); n != 100 || a.got.Load() != 0 {
			t.Errorf("%d given up, %d attempts", n, a.got.Load())
		}
		if got := unparked(t, e, a); got != 100 || disabledLetters(t, e) != 0 {
			t.Errorf("%d attempts at 100", got)
		}
		shut(t, e)
	})
}

// An endpoint that is enabled and disabled once more, before what was queued for it the first time is parked, rests until it is
// parked for the second.
func TestParkedForTheLastTimeItWasDisabled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, a, _ := stopping(t, vfs.NewMem(), nil)
		install(t, e)
		first := only(t, e)
		if _, err := e.Pause(ctx, owner.Tenant, first.ID); err != nil {
			t.Fatal(err)
		}
		for i := range 10 {
			publish(t, e, webhook.Event{Body: body("EX", i)})
		}
		if _, err := e.Registry().ChangeEndpoint(ctx, owner.Tenant, first.ID, func(ep *webhook.Endpoint) error {
			*ep = *ep.Renewed(ep.URL)
			ep.Stopped = webhook.StoppedGone
			e.Rest(ep)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		for _, step := range []struct {
			park    *webhook.Endpoint
			waiting int64
		}{{first, 10}, {only(t, e), 0}} {
			e.Park(step.park)
			time.Sleep(time.Hour)
			if s := e.Queue().Stats(); s.Waiting != step.waiting || s.Dead != 10-step.waiting {
				t.Errorf("want %d waiting: %+v", step.waiting, s)
			}
		}
		if got := unparked(t, e, a); got != 10 {
			t.Errorf("%d attempts at 10", got)
		}
		shut(t, e)
	})
}

// Where too much is parked of an endpoint already, what is queued for it is given up one by one.
func TestTooManyParked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := vfs.NewMem()
		e, _, _ := stopping(t, fs, nil)
		install(t, e)
		id := only(t, e).ID
		if _, err := e.Pause(ctx, owner.Tenant, id); err != nil {
			t.Fatal(err)
		}
		n := 0
		for err := error(nil); !errors.Is(err, queue.ErrTooManyParked); n++ {
			publish(t, e, webhook.Event{Body: body("EX", n)})
			if err = e.Queue().Park(queue.EndpointID(id), queue.Disabled); err != nil && n < 100 {
				t.Fatal(err)
			}
		}
		if _, err := e.Registry().ChangeEndpoint(ctx, owner.Tenant, id, func(ep *webhook.Endpoint) error {
			ep.Stopped = webhook.StoppedGone
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		shut(t, e)
		e, a, _ := stopping(t, fs, nil)
		time.Sleep(time.Hour)
		if given := disabledLetters(t, e); given != n || a.got.Load() != 0 || e.Queue().Stats().Waiting != 0 {
			t.Errorf("%d of %d given up, %d attempts, %+v", given, n, a.got.Load(), e.Queue().Stats())
		}
		if got := unparked(t, e, a); got != n-1 || disabledLetters(t, e) != 1 {
			t.Errorf("%d attempts at %d, %d left", got, n, disabledLetters(t, e))
		}
		shut(t, e)
	})
}
