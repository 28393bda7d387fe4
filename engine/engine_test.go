package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/valyala/fasthttp"
	"github.com/valyala/fasthttp/fasthttputil"

	"hookline/engine"
	"hookline/engine/event"
	"hookline/engine/flavor"
	"hookline/engine/flavor/jira"
	"hookline/engine/registry"
	"hookline/engine/webhook"
	"hookline/queue"
)

// receiver answers deliveries in memory and keeps what it got.
type receiver struct {
	listener *fasthttputil.InmemoryListener
	status   func(n int) int // by the number of the request, from 1
	mu       sync.Mutex
	got      []request
	arrived  chan struct{}
}

type request struct{ identifier, retry, replay, body string }

func newReceiver(t testing.TB, status func(n int) int) *receiver {
	r := &receiver{listener: fasthttputil.NewInmemoryListener(), status: status, arrived: make(chan struct{}, 1000)}
	s := &fasthttp.Server{Handler: r.handle, NoDefaultDate: true, MaxRequestBodySize: 32 << 20}
	done := make(chan error, 1)
	go func() { done <- s.Serve(r.listener) }()
	t.Cleanup(func() {
		r.listener.Close()
		<-done
	})
	return r
}

func (r *receiver) handle(ctx *fasthttp.RequestCtx) {
	r.mu.Lock()
	r.got = append(r.got, request{
		identifier: string(ctx.Request.Header.Peek("X-Atlassian-Webhook-Identifier")),
		retry:      string(ctx.Request.Header.Peek("X-Atlassian-Webhook-Retry")),
		replay:     string(ctx.Request.Header.Peek("X-Hookline-Replay")),
		body:       string(ctx.PostBody()),
	})
	n := len(r.got)
	r.mu.Unlock()
	ctx.SetStatusCode(r.status(n))
	r.arrived <- struct{}{}
}

func (r *receiver) dial(string, time.Duration) (net.Conn, error) { return r.listener.Dial() }

func (r *receiver) wait(t *testing.T, n int) []request {
	t.Helper()
	for range n {
		<-r.arrived
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]request(nil), r.got...)
}

var (
	ctx    = context.Background()
	silent = slog.New(slog.NewTextHandler(io.Discard, nil))
	owner  = webhook.Owner{Tenant: "acme", App: "ci"}
)

func always(status int) func(int) int { return func(int) int { return status } }

func options(fs vfs.FS, r *receiver) engine.Options {
	return optionsWith(fs, r, time.Millisecond, time.Millisecond)
}

func optionsWith(fs vfs.FS, r *receiver, waits ...time.Duration) engine.Options {
	policy := jira.Seed()
	policy.Backoff = waits
	return engine.Options{
		Dir: "data", FS: fs, Dial: r.dial, Logger: silent, CacheSize: 8 << 20,
		Flavors: []flavor.Flavor{jira.NewDynamic(jira.DynamicOptions{Policy: policy, PlainHTTP: true})},
	}
}

func open(t testing.TB, o engine.Options) *engine.Engine {
	t.Helper()
	e, err := engine.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if n := e.Misuse(); n != 0 {
			t.Errorf("%d keys were written or deleted twice", n)
		}
		e.Close(ctx)
	})
	return e
}

// install makes a tenant with an app and a webhook for everything in project EX.
func install(t testing.TB, e *engine.Engine) {
	t.Helper()
	if err := e.PutTenant(ctx, webhook.Tenant{ID: owner.Tenant}); err != nil {
		t.Fatal(err)
	}
	if err := e.PutApp(ctx, webhook.App{Tenant: owner.Tenant, Key: owner.App}); err != nil {
		t.Fatal(err)
	}
	results, err := e.Register(ctx, engine.Registration{
		Owner: owner, URL: "http://receiver.example/hook",
		Webhooks: []registry.Item{{Filter: "project = EX", Events: []string{"jira:issue_updated"}}},
	})
	if err != nil || len(results[0].Errors) > 0 {
		t.Fatal(err, results)
	}
}

func body(project string, n int) []byte {
	return fmt.Appendf(nil, `{"timestamp":1,"webhookEvent":"jira:issue_updated","n":%d,"issue":{"fields":{"project":{"key":%q}}}}`, n, project)
}

func publish(t *testing.T, e *engine.Engine, ev webhook.Event) engine.Receipt {
	t.Helper()
	ev.Tenant = owner.Tenant
	r, err := e.Publish(ctx, ev)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRetriesCarryOneIdentifier(t *testing.T) {
	r := newReceiver(t, func(n int) int { return []int{503, 429, 200}[n-1] })
	e := open(t, options(vfs.NewMem(), r))
	install(t, e)
	publish(t, e, webhook.Event{Body: body("EX", 1)})
	got := r.wait(t, 3)
	for i, retry := range []string{"", "1", "2"} {
		if got[i].retry != retry || got[i].identifier != got[0].identifier || got[i].body != got[0].body {
			t.Errorf("attempt %d: %+v", i+1, got[i])
		}
	}
	if !strings.HasSuffix(got[0].body, `,"matchedWebhookIds":[1000]}`) {
		t.Errorf("body %s", got[0].body)
	}
}

func TestGivenUpBecomesDeadLetter(t *testing.T) {
	for name, tt := range map[string]struct{ status, attempts int }{
		"rejected":  {404, 1},
		"exhausted": {503, 3},
	} {
		t.Run(name, func(t *testing.T) {
			r := newReceiver(t, always(tt.status))
			e := open(t, options(vfs.NewMem(), r))
			install(t, e)
			publish(t, e, webhook.Event{Body: body("EX", 1)})
			r.wait(t, tt.attempts)
			if err := e.Close(ctx); err != nil {
				t.Fatal(err)
			}
			e = open(t, e.Options())
			var dead []queue.DeadLetter
			err := e.Queue().DeadLetters(queue.Select{Oldest: true}, func(d queue.DeadLetter) bool { dead = append(dead, d); return true })
			if err != nil || len(dead) != 1 {
				t.Fatalf("dead letters %v, %v", dead, err)
			}
			if dead[0].LastStatus != tt.status || dead[0].Attempts != tt.attempts {
				t.Errorf("%+v", dead[0])
			}
		})
	}
}

// Power is lost after events were acknowledged and before any was delivered: with nothing unsynced surviving, all of
// them are delivered after the restart, and so are those that are kept in files of their own.
func TestAcknowledgedSurvivesPowerLoss(t *testing.T) {
	const n = 50
	fs := vfs.NewCrashableMem()
	r := newReceiver(t, always(200))
	stuck := options(fs, r)
	hold := make(chan struct{})
	stuck.Dial = func(string, time.Duration) (net.Conn, error) {
		<-hold
		return nil, errors.New("held")
	}
	e := open(t, stuck)
	t.Cleanup(func() { close(hold) })
	install(t, e)
	ids := map[string]bool{}
	for i := range n {
		ev := webhook.Event{Body: body("EX", i)}
		if i%10 == 0 {
			ev.Body = append(ev.Body[:len(ev.Body)-1], `,"x":"`+strings.Repeat("x", 1<<20)+`"}`...)
		}
		ids[publish(t, e, ev).ID] = true
	}
	if s := e.Queue().Stats(); s.Files != n/10 {
		t.Errorf("%d events in files", s.Files)
	}
	crashed := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 0})
	if len(ids) != n {
		t.Fatalf("%d ids for %d events", len(ids), n)
	}
	open(t, options(crashed, r))
	seen := map[int]bool{}
	for _, got := range r.wait(t, n) {
		var b struct{ N int }
		if err := json.Unmarshal([]byte(got.body), &b); err != nil {
			t.Fatal(err)
		}
		seen[b.N] = true
	}
	if len(seen) != n {
		t.Errorf("%d of %d events arrived", len(seen), n)
	}
}

func TestIdempotencyKey(t *testing.T) {
	r := newReceiver(t, always(200))
	e := open(t, options(vfs.NewMem(), r))
	install(t, e)
	first := publish(t, e, webhook.Event{Body: body("EX", 1), Key: "k"})
	again := publish(t, e, webhook.Event{Body: body("EX", 1), Key: "k"})
	if !again.Repeated || again.ID != first.ID || again.Deliveries != 1 {
		t.Errorf("first %+v, again %+v", first, again)
	}
	_, err := e.Publish(ctx, webhook.Event{Tenant: owner.Tenant, Body: body("EX", 2), Key: "k"})
	if !errors.Is(err, queue.ErrKeyReused) {
		t.Errorf("another body: %v", err)
	}
	unmatched := publish(t, e, webhook.Event{Body: body("NO", 1), Key: "u"})
	if again := publish(t, e, webhook.Event{Body: body("NO", 1), Key: "u"}); !again.Repeated || again.ID != unmatched.ID {
		t.Errorf("an event that matched nothing: %+v, again %+v", unmatched, again)
	}
	results := e.PublishAll(ctx, []webhook.Event{
		{Tenant: owner.Tenant, Body: body("EX", 3), Key: "batch"},
		{Tenant: owner.Tenant, Body: body("EX", 3), Key: "batch"},
		{Tenant: owner.Tenant, Body: body("EX", 4), Key: "k"},
		{Tenant: owner.Tenant, Body: []byte("{")},
		{Tenant: owner.Tenant, Body: body("EX", 5)},
	})
	if results[0].Err != nil || results[1].Err != nil || !results[1].Receipt.Repeated || results[1].Receipt.ID != results[0].Receipt.ID {
		t.Errorf("twice in a batch: %+v", results[:2])
	}
	if !errors.Is(results[2].Err, queue.ErrKeyReused) || results[4].Err != nil {
		t.Errorf("reused in a batch: %+v", results[2:])
	}
	if bad := (*event.Error)(nil); !errors.As(results[3].Err, &bad) {
		t.Errorf("bad line: %v", results[3].Err)
	}
	if got := r.wait(t, 3); len(got) != 3 {
		t.Errorf("%d deliveries", len(got))
	}
}

func TestDeletedAppGetsNothingMore(t *testing.T) {
	r := newReceiver(t, always(503))
	e := open(t, optionsWith(vfs.NewMem(), r, time.Hour))
	install(t, e)
	publish(t, e, webhook.Event{Body: body("EX", 1)})
	r.wait(t, 1)
	if err := e.DeleteApp(ctx, owner.Tenant, owner.App); err != nil {
		t.Fatal(err)
	}
	if got := publish(t, e, webhook.Event{Body: body("EX", 2)}); got.Matched != 0 {
		t.Errorf("%+v", got)
	}
	if d, ok := e.Queue().Take(1); ok {
		t.Errorf("something is still queued: %+v", d)
	}
}

// An event that was matched just before its app went is accepted after that: it is given up and not sent.
func TestNothingIsSentToAnEndpointThatIsGone(t *testing.T) {
	r := newReceiver(t, always(200))
	e := open(t, options(vfs.NewMem(), r))
	install(t, e)
	publish(t, e, webhook.Event{Body: body("EX", 1)})
	r.wait(t, 1)
	if err := e.DeleteApp(ctx, owner.Tenant, owner.App); err != nil {
		t.Fatal(err)
	}
	late := queue.Message{Payload: []byte("late"), Deliveries: []queue.Target{{Endpoint: 1, Note: []byte{1}}}}
	if _, err := e.Queue().Accept(ctx, late); err != nil {
		t.Fatal(err)
	}
	for !e.Queue().Idle(1) {
		runtime.Gosched()
	}
	var dead []queue.DeadLetter
	if err := e.Queue().DeadLetters(queue.Select{Oldest: true}, func(d queue.DeadLetter) bool { dead = append(dead, d); return true }); err != nil {
		t.Fatal(err)
	}
	if len(dead) != 1 || dead[0].Reason != queue.Gone || len(r.arrived) != 0 {
		t.Errorf("dead letters %+v, %d requests", dead, len(r.arrived))
	}
}

// Keys are forgotten with their tenant: one that is made anew under the same id starts afresh.
func TestKeysEndWithTheirTenant(t *testing.T) {
	r := newReceiver(t, always(200))
	e := open(t, options(vfs.NewMem(), r))
	install(t, e)
	first := publish(t, e, webhook.Event{Body: body("EX", 1), Key: "k"})
	if err := e.DeleteTenant(ctx, owner.Tenant); err != nil {
		t.Fatal(err)
	}
	install(t, e)
	if again := publish(t, e, webhook.Event{Body: body("EX", 1), Key: "k"}); again.Repeated || again.ID == first.ID || again.Deliveries != 1 {
		t.Errorf("first %+v, in the new tenant %+v", first, again)
	}
}

func TestLargeBodies(t *testing.T) {
	if testing.Short() {
		t.Skip("one goroutine at a time has the body, and takes long under the race detector")
	}
	r := newReceiver(t, always(200))
	o := options(vfs.NewMem(), r)
	o.MaxBody = 70 << 20
	e := open(t, o)
	install(t, e)
	huge := body("EX", 1)
	huge = append(huge[:len(huge)-1], `,"x":"`+strings.Repeat("x", 66<<20)+`"}`...)
	if got := publish(t, e, webhook.Event{Body: huge}); got.Deliveries != 1 {
		t.Errorf("%+v", got)
	}
	var large *engine.TooLargeError
	_, err := e.Publish(ctx, webhook.Event{Tenant: owner.Tenant, Body: make([]byte, o.MaxBody+1)})
	if !errors.As(err, &large) || large.Limit != o.MaxBody {
		t.Errorf("over the limit: %v", err)
	}
}

func TestOpenErrors(t *testing.T) {
	if _, err := engine.Open(engine.Options{HostLimit: -1}); err == nil ||
		!strings.Contains(err.Error(), "Dir") || !strings.Contains(err.Error(), "Flavors") || !strings.Contains(err.Error(), "HostLimit") {
		t.Errorf("not every problem is named: %v", err)
	}
	r := newReceiver(t, always(200))
	fs := vfs.NewMem()
	e := open(t, options(fs, r))
	install(t, e)
	if err := e.Close(ctx); err != nil {
		t.Fatal(err)
	}
	o := options(fs, r)
	o.Flavors = []flavor.Flavor{renamed{o.Flavors[0]}}
	if _, err := engine.Open(o); err == nil || !strings.Contains(err.Error(), jira.DynamicFlavor) {
		t.Errorf("a flavour with registrations was left out: %v", err)
	}
}

type renamed struct{ flavor.Flavor }

func (renamed) Rules() *registry.Rules { return &registry.Rules{Flavor: "other"} }

func TestMetricsCount(t *testing.T) {
	r := newReceiver(t, func(n int) int { return []int{503, 200}[n-1] })
	o := options(vfs.NewMem(), r)
	reg := prometheus.NewRegistry()
	o.Metrics = reg
	e := open(t, o)
	install(t, e)
	publish(t, e, webhook.Event{Body: body("EX", 1)})
	publish(t, e, webhook.Event{Body: body("NO", 1)})
	if _, err := e.Publish(ctx, webhook.Event{Tenant: owner.Tenant, Body: []byte("[]")}); err == nil {
		t.Error("an array was accepted")
	}
	r.wait(t, 2)
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Close(ctx); err != nil {
		t.Fatal(err)
	}
	sums := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			sums[f.GetName()] += m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	for name, want := range map[string]float64{
		"hookline_events_received_total": 2, "hookline_events_rejected_total": 1, "hookline_matches_total": 2,
		"hookline_deliveries_enqueued_total": 1, "hookline_subscriptions": 1,
	} {
		if sums[name] != want {
			t.Errorf("%s is %v, want %v", name, sums[name], want)
		}
	}
	if left, _ := reg.Gather(); len(left) != 0 {
		t.Errorf("%d metrics stay registered after Close", len(left))
	}
}
