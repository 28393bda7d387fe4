package dispatch

import (
	"bytes"
	"errors"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valyala/fasthttp"

	"hookline/engine/webhook"
	"hookline/queue"
)

func TestRetriesThenDead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil).start()
		r.serve("a:80", status(503))
		r.target(1, "a:80", jiraPolicy())
		accepted := time.Now()
		r.queue.accept(1, 1)
		r.queue.wait(1)
		log := r.log()
		if len(log) != 6 {
			t.Fatalf("%d attempts, want 6", len(log))
		}
		for i, a := range log {
			last := i == 5
			if a.Number != i+1 || a.Status != 503 || a.Outcome != webhook.ServerError || a.Err != nil ||
				a.Settled != last || a.Next.IsZero() != last || !a.Accepted.Equal(accepted) ||
				a.Event != 1 || a.Endpoint != 1 || a.Sent != len(`{"id":1}`) {
				t.Errorf("attempt %d is %+v", i+1, a)
			}
			if !last && !log[i+1].Start.Equal(a.Next) {
				t.Errorf("attempt %d started at %v, want %v", i+2, log[i+1].Start, a.Next)
			}
		}
		want := queue.Outcome{Verdict: queue.Dead, Reason: queue.Exhausted, Status: 503, Attempted: true, Record: []byte("1/6")}
		if !reflect.DeepEqual(r.queue.dead[0], want) {
			t.Errorf("settled with %+v, want %+v", r.queue.dead[0], want)
		}
	})
}

func TestRejectedIsAttemptedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil).start()
		r.serve("a:80", status(404))
		r.target(1, "a:80", jiraPolicy())
		r.queue.accept(1, 1)
		r.queue.wait(1)
		if log := r.log(); len(log) != 1 || log[0].Outcome != webhook.Rejected || !log[0].Settled {
			t.Errorf("attempts: %+v", log)
		}
	})
}

func TestUnsendable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil).start()
		broken := errors.New("no body")
		target := r.target(1, "a:80", jiraPolicy())
		target.Render = func(*fasthttp.Request, *queue.Delivery, int) error { return broken }
		r.queue.accept(1, 1)
		r.queue.wait(1)
		if log := r.log(); len(log) != 1 || log[0].Outcome != webhook.Unsendable || log[0].Err != broken {
			t.Errorf("attempts: %+v", log)
		}
		if o := r.queue.dead[0]; o.Reason != queue.Unsendable || o.Attempted {
			t.Errorf("settled with %+v", o)
		}
	})
}

func TestSettlementThatFailsIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		r := newRig(t, func(o *Options) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
		r.serve("a:80", status(200))
		r.target(1, "a:80", jiraPolicy())
		r.Start(brokenQueue{r.queue})
		r.queue.accept(1, 1)
		synctest.Wait()
		if !strings.Contains(log.String(), "event=1 endpoint=1 error=\"disk full\"") {
			t.Errorf("logged %q", log.String())
		}
	})
}

type brokenQueue struct{ *fakeQueue }

func (brokenQueue) Settle(*queue.Delivery, queue.Outcome) error { return errors.New("disk full") }

// TestRetryScheduleOfJira holds the schedule against what Jira documents: the first retry at least 10 s
// after the failure, the last between 15 and 30 minutes after the first failure. Receivers fail at once
// or by timeout, the extremes of how long an attempt takes.
func TestRetryScheduleOfJira(t *testing.T) {
	for name, receive := range map[string]func(*rig){
		"at once":    func(r *rig) { r.serve("a:80", status(500)) },
		"no answer":  func(r *rig) { r.blackHole("a:80") },
		"no one":     func(*rig) {},
		"late error": func(r *rig) { r.serve("a:80", lateError) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				deliveries := 600
				if testing.Short() {
					deliveries = 100
				}
				r := newRig(t, func(o *Options) { o.HostLimit, o.FixedLimit, o.Breaker.Failures = deliveries, true, -1 }).start()
				receive(r)
				r.target(1, "a:80", jiraPolicy())
				r.queue.accept(1, deliveries)
				r.queue.wait(deliveries)
				checkSchedule(t, r.log(), deliveries)
			})
		})
	}
}

func lateError(ctx *fasthttp.RequestCtx) {
	time.Sleep(time.Duration(ctx.ID()%25) * time.Second)
	ctx.SetStatusCode(500)
}

func checkSchedule(t *testing.T, log []webhook.Attempt, deliveries int) {
	t.Helper()
	failed := make(map[uint64]time.Time) // first failures
	for _, a := range log {
		first, ok := failed[a.Event]
		if !ok {
			first = a.Start.Add(a.Duration)
			failed[a.Event] = first
		}
		since := a.Start.Sub(first)
		switch {
		case a.Number == 2 && since < 10*time.Second:
			t.Fatalf("first retry %v after the failure", since)
		case a.Number == 6 && (since < 15*time.Minute || since > 30*time.Minute):
			t.Fatalf("last retry %v after the first failure", since)
		case a.Number > 6:
			t.Fatalf("attempt %d", a.Number)
		}
	}
	if len(log) != 6*deliveries {
		t.Errorf("%d attempts, want %d", len(log), 6*deliveries)
	}
}

func TestAttemptShowsTheBeginningOfTheAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(o *Options) { o.HostLimit = 1 }).start()
		long := strings.Repeat("0123456789", 100)
		answers := []string{"", "no such issue", long[:256], long}
		r.serve("a:80", func(ctx *fasthttp.RequestCtx) {
			ctx.SetStatusCode(404)
			ctx.SetBodyString(answers[0])
			answers = answers[1:]
		})
		r.target(1, "a:80", jiraPolicy())
		r.queue.accept(1, 4)
		r.queue.wait(4)
		for i, want := range []string{"", "no such issue", long[:256], long[:256]} {
			if a := r.log()[i]; string(a.Answer) != want {
				t.Errorf("answer %d is %q, want %q", i+1, a.Answer, want)
			}
		}
	})
}
