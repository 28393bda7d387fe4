package engine_test

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/valyala/fasthttp"

	"hookline/engine"
	"hookline/engine/webhook"
	"hookline/queue"
)

// picky is a receiver for tests in fake time that answers 500 to some events, by their names.
type picky struct {
	mu      sync.Mutex
	refused string
	got     []string // with "!" behind what was refused
}

var eventName = regexp.MustCompile(`"summary":"(\w+)"`)

func (p *picky) dial(string, time.Duration) (net.Conn, error) {
	here, there := net.Pipe()
	go func() {
		defer there.Close()
		var req fasthttp.Request
		if req.Read(bufio.NewReader(there)) != nil {
			return
		}
		fmt.Fprintf(there, "HTTP/1.1 %d Status\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", p.answer(req.Body()))
	}()
	return here, nil
}

func (p *picky) answer(body []byte) int {
	name := string(eventName.FindSubmatch(body)[1])
	p.mu.Lock()
	defer p.mu.Unlock()
	if name == p.refused {
		p.got = append(p.got, name+"!")
		return 500
	}
	p.got = append(p.got, name)
	return 200
}

func (p *picky) refuse(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refused = name
}

// of returns what was received of the issues or other subjects whose letters are given.
func (p *picky) of(letters string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(slices.DeleteFunc(slices.Clone(p.got), func(name string) bool { return !strings.Contains(letters, name[:1]) }), " ")
}

// tell publishes events by names such as a2, the second one of issue a. Issues a and b are of one project, c of another.
func tell(t *testing.T, e *engine.Engine, names ...string) {
	t.Helper()
	for _, name := range names {
		project := 1 + strings.Index("abc", name[:1])/2
		publish(t, e, webhook.Event{Body: fmt.Appendf(nil,
			`{"webhookEvent":"jira:issue_updated","issue":{"id":"%d","key":"EX-1","fields":{"summary":%q,"project":{"id":"%d","key":"EX"}}}}`,
			name[0], name, project)})
	}
}

// The first event of issue a fails. What is in line behind it waits for it, also over a restart, and then comes in order;
// nothing else waits.
func TestSetOrder(t *testing.T) {
	for _, c := range []struct {
		order   webhook.Order
		apart   string   // what is compared with each other
		failing []string // what was received of each of them while a1 fails
		after   []string // and all in all
	}{
		{webhook.IssueOrder, "a b c", []string{"a1! a1!", "b1 b2", "c1 c2"}, []string{"a1! a1! a1 a2 a3", "b1 b2 b3", "c1 c2 c3"}},
		{webhook.ProjectOrder, "ab c", []string{"a1! a1!", "c1 c2"}, []string{"a1! a1! a1 b1 a2 b2 a3 b3", "c1 c2 c3"}},
		{webhook.FullOrder, "abc", []string{"a1! a1!"}, []string{"a1! a1! a1 b1 c1 a2 b2 c2 a3 b3 c3"}},
	} {
		t.Run(string(c.order), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fs, p := vfs.NewMem(), &picky{refused: "a1"}
				change := func(o *engine.Options) { o.Dial = p.dial }
				e, _, _ := stopping(t, fs, change)
				install(t, e)
				order, policy := c.order, "steady" // which tries again every minute
				if err := e.Change(ctx, owner.Tenant, sole(t, e), engine.Change{Order: &order, Policy: &policy}); err != nil {
					t.Fatal(err)
				}
				tell(t, e, "a1", "b1", "c1", "a2", "b2", "c2")
				time.Sleep(30 * time.Second)
				shut(t, e)
				e, _, _ = stopping(t, fs, change)
				time.Sleep(45 * time.Second)
				for i, letters := range strings.Fields(c.apart) {
					if got := p.of(letters); got != c.failing[i] {
						t.Errorf("of %s, while it fails: %s, want %s", letters, got, c.failing[i])
					}
				}
				p.refuse("")
				tell(t, e, "a3", "b3", "c3")
				time.Sleep(2 * time.Minute)
				for i, letters := range strings.Fields(c.apart) {
					if got := p.of(letters); got != c.after[i] {
						t.Errorf("of %s: %s, want %s", letters, got, c.after[i])
					}
				}
				if s := e.Queue().Stats(); s.Waiting+s.InHand != 0 {
					t.Errorf("%+v", s)
				}
				shut(t, e)
			})
		})
	}
}

// An order holds for what is accepted while it is set; one that is given up lets the next one go.
func TestOrderIsSetAndEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &picky{refused: "a1"}
		e, _, _ := stopping(t, vfs.NewMem(), func(o *engine.Options) { o.Dial = p.dial })
		defer shut(t, e)
		install(t, e)
		id := sole(t, e)
		var invalid *webhook.InvalidError
		if err := e.SetOrder(ctx, owner.Tenant, id, "key"); !errors.As(err, &invalid) {
			t.Error(err)
		}
		tell(t, e, "a1", "a2")
		time.Sleep(30 * time.Second)
		if got := p.of("a"); got != "a1! a2" && got != "a2 a1!" {
			t.Errorf("without an order: %s", got)
		}
		if err := e.SetOrder(ctx, owner.Tenant, id, webhook.IssueOrder); err != nil || only(t, e).Order != webhook.IssueOrder {
			t.Fatal(err)
		}
		p.refuse("b1")
		tell(t, e, "b1", "b2")
		time.Sleep(30 * time.Second)
		if got := p.of("b"); got != "b1!" {
			t.Errorf("with an order: %s", got)
		}
		if d := deliveries(t, e, engine.DeliveryQuery{Status: webhook.StatusWaiting}); len(d) != 3 || time.Until(d[0].Due) < 10*time.Second || time.Until(d[1].Due) > 0 {
			t.Errorf("waiting: %+v", d)
		}
		if err := e.SetOrder(ctx, owner.Tenant, id, webhook.Unordered); err != nil {
			t.Fatal(err)
		}
		tell(t, e, "b3")
		time.Sleep(time.Second)
		if got := p.of("b"); got != "b1! b3" {
			t.Errorf("without an order again: %s", got)
		}
		time.Sleep(time.Hour)
		if got := p.of("b"); got != "b1! b3 b1! b2" || e.Queue().Stats().Dead != 1 {
			t.Errorf("after it was given up: %s", got)
		}
	})
}

// A pause and a rate hold up what has an order as they do all else.
func TestOrderPausedAndBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := new(picky)
		e, _, _ := stopping(t, vfs.NewMem(), func(o *engine.Options) { o.Dial = p.dial })
		defer shut(t, e)
		install(t, e)
		order, rate := webhook.FullOrder, 1.0
		if err := e.Change(ctx, owner.Tenant, sole(t, e), engine.Change{Order: &order, Rate: &rate}); err != nil {
			t.Fatal(err)
		}
		pause(t, e, true)
		tell(t, e, "a1", "b1", "a2", "c1")
		time.Sleep(time.Minute)
		if got := p.of("abc"); got != "" {
			t.Errorf("while paused: %s", got)
		}
		pause(t, e, false)
		time.Sleep(2500 * time.Millisecond)
		if got := p.of("abc"); got != "a1 b1 a2" {
			t.Errorf("one a second: %s", got)
		}
		time.Sleep(time.Minute)
		if got := p.of("abc"); got != "a1 b1 a2 c1" {
			t.Errorf("in the end: %s", got)
		}
		if id := queue.EndpointID(only(t, e).ID); !e.Queue().Idle(id) {
			t.Error("not idle")
		}
	})
}
