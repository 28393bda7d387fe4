package bench

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"hookline/bench/process"
)

const (
	killTenant   = "acme"
	killClients  = 8
	publishToken = "publishers-of-the-kill-test"
	appToken     = "an-app-of-the-kill-test-"

	// settleWindow is how far back a crash can make a settled delivery due again here: the queue's SyncInterval of 20 ms, and the
	// time of a sync, which a disk that others use bounds only loosely. What was seen is logged.
	settleWindow = 300 * time.Millisecond

	// transit is how much later than its sender's end a request may be seen to arrive. A new server takes
	// longer to start.
	transit = 5 * time.Millisecond
)

// TestKill kills the server under load, again and again at random moments, and holds it to its promise:
// every event that was acknowledged arrives, and what arrives twice was in flight at a kill or settled
// just before it. HOOKLINE_KILL_ROUNDS sets the number of kills.
func TestKill(t *testing.T) {
	rounds := 3
	if text := os.Getenv("HOOKLINE_KILL_ROUNDS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			t.Fatalf("HOOKLINE_KILL_ROUNDS is %q; use a number from 1 up", text)
		}
		rounds = n
	}
	k := newKillRig(t)
	watch := watchStalls()
	defer watch.stop()

	k.serve(t)
	k.subscribe(t)
	k.clients.start(t.Context(), killClients)
	var kills []kill
	for round := range rounds {
		time.Sleep(150*time.Millisecond + rand.N(600*time.Millisecond))
		kills = append(kills, k.kill(t, watch))
		k.serve(t)
		t.Logf("kill %d of %d: %d events acknowledged so far", round+1, rounds, k.clients.accepted.Load())
	}
	k.finish(t)
	k.check(t, kills)
}

// killRig is a server that is killed, with clients before and receivers behind it that are not.
type killRig struct {
	binary, config string
	ledger         *Ledger
	receivers      []*Receiver
	clients        *httpClients
	server         *process.Server
}

func newKillRig(t *testing.T) *killRig {
	t.Helper()
	if testing.Short() {
		t.Skip("the server is a process without the race detector, under which tests are run with -short")
	}
	const projects = 2
	workload, err := NewWorkload(WorkloadOptions{Projects: projects})
	if err != nil {
		t.Fatal(err)
	}
	binary, err := command()
	if err != nil {
		t.Fatal(err)
	}
	k := &killRig{binary: binary, ledger: NewLedger(LedgerOptions{KeepVisits: true})}
	for range projects {
		// The delay keeps attempts in flight, the failures keep retries on the disk.
		r, err := NewReceiver(ReceiverOptions{Delay: 2 * time.Millisecond, FailEvery: 97, Ledger: k.ledger})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		})
		k.receivers = append(k.receivers, r)
	}
	k.clients = &httpClients{token: publishToken, workload: workload, ledger: k.ledger}
	k.config = writeKillConfig(t, projects)
	t.Cleanup(func() {
		if k.server != nil {
			_ = k.server.Kill()
		}
	})
	return k
}

func writeKillConfig(t *testing.T, apps int) string {
	text := fmt.Sprintf(`listen: 127.0.0.1:0
operations: 127.0.0.1:0
data: %s
allow_http: true
egress: {allow: [127.0.0.0/8]}
log_format: json
disk: {ballast: 0}
jira:
  waits: [100ms, 200ms, 400ms, 1s, 2s]
tenants:
  - id: %s
    tokens: [%s]
    apps:
`, filepath.Join(t.TempDir(), "data"), killTenant, publishToken)
	for app := range apps {
		text += fmt.Sprintf("      - {key: app%d, tokens: [{token: %s%d}]}\n", app, appToken, app)
	}
	path := filepath.Join(t.TempDir(), "hookline.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// serve starts the server on what the last one left.
func (k *killRig) serve(t *testing.T) {
	t.Helper()
	p, err := process.Start(k.binary, k.config)
	if err != nil {
		t.Fatal(err)
	}
	k.server = p
	k.clients.address.Store(&p.API)
}

// subscribe registers one webhook of each app through Jira's API.
func (k *killRig) subscribe(t *testing.T) {
	t.Helper()
	for app, receiver := range k.receivers {
		body := fmt.Sprintf(`{"url":%q,"webhooks":[{"jqlFilter":"project = %s","events":["jira:issue_updated"]}]}`,
			receiver.URL(hookPath), ProjectKey(app))
		url := "http://" + k.server.API + "/t/" + killTenant + "/rest/api/3/webhook"
		req, err := http.NewRequest(http.MethodPost, url, bytes.NewReader([]byte(body)))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", fmt.Sprintf("Bearer %s%d", appToken, app))
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		var result struct {
			Results []struct{ CreatedWebhookID int64 } `json:"webhookRegistrationResult"`
		}
		if err != nil || json.Unmarshal(answer, &result) != nil || len(result.Results) != 1 || result.Results[0].CreatedWebhookID == 0 {
			t.Fatalf("registering was answered with %d: %s (%v)", resp.StatusCode, answer, err)
		}
	}
}

// kill is one end of the server.
type kill struct {
	at    time.Time     // just before the signal was sent
	gone  time.Time     // just after the process had ended
	stall time.Duration // how long the machine kept a goroutine waiting shortly before
}

func (k *killRig) kill(t *testing.T, watch *stallWatch) kill {
	t.Helper()
	at := time.Now()
	if err := k.server.Kill(); err != nil {
		t.Fatalf("killing the server: %v\n%s", err, k.server.Log())
	}
	return kill{at: at, gone: time.Now(), stall: watch.worst(at)}
}

// finish lets the clients end, waits until nothing is owed any more and stops the server.
func (k *killRig) finish(t *testing.T) {
	t.Helper()
	if err := k.clients.stop(); err != nil {
		t.Fatalf("%v\n%s", err, k.server.Log())
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := k.ledger.Await(ctx); err != nil {
		t.Errorf("not everything arrived: %v; missing are %v\n%s", err, k.ledger.Missing(20), k.server.Log())
	}
	k.awaitEmptyQueue(ctx, t)
	if err := k.server.Stop(); err != nil {
		t.Errorf("the server did not end well: %v\n%s", err, k.server.Log())
	}
}

// awaitEmptyQueue waits for the repeats of what had arrived before a kill, so that they are checked too.
func (k *killRig) awaitEmptyQueue(ctx context.Context, t *testing.T) {
	t.Helper()
	for {
		waiting, err := k.server.Metric("hookline_queue_depth")
		if err != nil {
			t.Fatal(err)
		}
		if waiting == 0 {
			return
		}
		if ctx.Err() != nil {
			t.Errorf("%v deliveries are still queued\n%s", waiting, k.server.Log())
			return
		}
		wait(ctx, pause)
	}
}

// check compares what arrived with what was promised.
func (k *killRig) check(t *testing.T, kills []kill) {
	t.Helper()
	a := k.ledger.Account()
	t.Logf("%d kills: %d events acknowledged (%d of them already known after a kill), %d delivered, %d lost, %d repeated, %d failed on purpose",
		len(kills), k.clients.accepted.Load(), k.clients.repeated.Load(), a.Delivered, a.Lost, a.Duplicates, a.Refused)
	if a.Lost != 0 || a.Delivered != k.clients.accepted.Load() || a.Strangers != 0 || a.Delivered == 0 {
		t.Errorf("%d lost, %d delivered of %d acknowledged, %d requests nobody published", a.Lost, a.Delivered, k.clients.accepted.Load(), a.Strangers)
	}
	names := map[int64]int{}
	longest := time.Duration(0)
	k.ledger.Visits(func(visits []Visit) {
		names[visits[0].Sequence]++
		slices.SortFunc(visits, func(a, b Visit) int { return cmp.Compare(a.Arrived.UnixNano(), b.Arrived.UnixNano()) })
		for i := 1; i < len(visits); i++ {
			before, ok := explained(visits[i-1], visits[i], kills)
			longest = max(longest, before)
			if !ok {
				t.Errorf("event %d was answered at %v and came again at %v; the kills were at %v",
					visits[i].Sequence, visits[i-1].Answered, visits[i].Arrived, kills)
			}
		}
	})
	for sequence, n := range names {
		if n > 1 {
			t.Errorf("event %d was delivered under %d identifiers", sequence, n)
		}
	}
	t.Logf("the earliest answer that a kill made to be forgotten came %v before it", longest)
}

// explained says whether a request may have followed the one before it: that was failed, or a kill lies
// between the two and found it in flight or answered within the window. It returns how long before the
// kill it was answered. A machine that lets processes wait lengthens the window by as much as was seen.
func explained(first, again Visit, kills []kill) (time.Duration, bool) {
	if first.Status != http.StatusOK {
		return 0, true
	}
	for _, k := range kills {
		before := k.at.Sub(first.Answered)
		sent := !first.Arrived.After(k.gone.Add(transit + k.stall))
		if sent && before <= settleWindow+k.stall && !again.Arrived.Before(k.at) {
			return before, true
		}
	}
	return 0, false
}

// TestExplained holds the check of TestKill to account: it must be able to fail.
func TestExplained(t *testing.T) {
	at := time.Now()
	moment := func(ms int) time.Time { return at.Add(time.Duration(ms) * time.Millisecond) }
	kills := []kill{{at: moment(0), gone: moment(3)}, {at: moment(1000), gone: moment(1003), stall: 20 * time.Millisecond}}
	for _, c := range []struct {
		name            string
		arrived, answer int
		status, again   int
		want            bool
	}{
		{"settled just before", -42, -40, 200, 100, true},
		{"settled long before", -322, -320, 200, 100, false},
		{"in flight", -1, 1, 200, 100, true},
		{"repeated before the kill", -42, -40, 200, -10, false},
		{"no kill between", 500, 502, 200, 600, false},
		{"kill before it only", 100, 102, 200, 2000, false},
		{"failed", 500, 502, 503, 600, true},
		{"settled a stall earlier", 688, 690, 200, 1100, true},
	} {
		first := Visit{Arrived: moment(c.arrived), Answered: moment(c.answer), Status: c.status}
		if _, ok := explained(first, Visit{Arrived: moment(c.again)}, kills); ok != c.want {
			t.Errorf("%s: %t", c.name, ok)
		}
	}
}
