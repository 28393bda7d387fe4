package main

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

func TestDemoAccountsForEveryDelivery(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	var out, errOut bytes.Buffer
	if code := run([]string{"demo", "--for", "1s", "--json"}, strings.NewReader(""), &out, &errOut); code != exitFine {
		t.Fatalf("exit code %d\n%s", code, &errOut)
	}
	dec := json.NewDecoder(&out)
	var got map[string]float64
	if err := dec.Decode(&got); err != nil {
		t.Fatal(err)
	}
	if _, err := dec.Token(); err != io.EOF {
		t.Errorf("standard output holds more than one object: %v", err)
	}
	names := []string{"delivered", "duplicates", "lost", "matched", "p50_ms", "p99_ms", "published", "retried", "verification_failures"}
	if have := slices.Sorted(maps.Keys(got)); !slices.Equal(have, names) {
		t.Errorf("members %v, want %v", have, names)
	}
	for _, name := range []string{"published", "delivered", "retried", "p50_ms", "p99_ms"} {
		if got[name] <= 0 {
			t.Errorf("%s is %v", name, got[name])
		}
	}
	for _, name := range []string{"lost", "duplicates", "verification_failures"} {
		if got[name] != 0 {
			t.Errorf("%s is %v", name, got[name])
		}
	}
	if got["matched"] != got["delivered"] {
		t.Errorf("matched %v, delivered %v", got["matched"], got["delivered"])
	}
	left, err := os.ReadDir(temp)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestDemoCommands does what the demo tells its user to try, and ends it as its user would.
func TestDemoCommands(t *testing.T) {
	out, code := background("demo", "--rate", "50")
	text := out.await(t, "# the metrics\n")
	commands := curls(text)
	if len(commands) != 6 {
		t.Fatalf("%d commands:\n%s", len(commands), text)
	}
	match, other, register, list, last, metrics := commands[0], commands[1], commands[2], commands[3], commands[4], commands[5]

	match.want(t, 202, `"matched":1,"deliveries":1`)
	out.await(t, "yours: ci received jira:issue_updated of DEMO-1 for webhooks [1000] and answered 200")
	other.want(t, 202, `"matched":0,"deliveries":0`)
	register.want(t, 200, `{"webhookRegistrationResult":[{"createdWebhookId":1008}]}`)
	other.want(t, 202, `"matched":1,"deliveries":1`)
	out.await(t, "yours: chat received jira:issue_updated of LAB-1 for webhooks [1008] and answered 200")
	list.want(t, 200, `"jqlFilter":"project = LAB AND status != Open"`)
	last.want(t, 200, identifierHeader+": ")
	metrics.want(t, 200, "hookline_events_received_total")

	// A flaky receiver lets the user see a retry.
	match.body = strings.ReplaceAll(match.body, "DEMO", "OPS")
	match.want(t, 202, `"deliveries":1`)
	out.await(t, "yours: flaky received jira:issue_updated of OPS-1 for webhooks [1006] and answered 503")
	out.await(t, "and answered 200, retry 1")

	if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if c := <-code; c != exitFine {
		t.Fatalf("exit code %d\n%s", c, out.await(t, ""))
	}
	out.await(t, "\n  lost           0\n")
}

func TestDemoUsage(t *testing.T) {
	for _, args := range [][]string{
		{"--rate", "0"}, {"--rate", "1000000"}, {"--for", "-1s"}, {"--for", "soon"}, {"--quick"}, {"now"},
	} {
		var out, errOut bytes.Buffer
		if code := run(append([]string{"demo"}, args...), strings.NewReader(""), &out, &errOut); code != exitUsage {
			t.Errorf("%v: exit code %d", args, code)
		}
		if out.Len() > 0 || !strings.HasPrefix(errOut.String(), "hookline: ") {
			t.Errorf("%v: out %q, err %q", args, &out, &errOut)
		}
	}
}

func TestDemoAddressInUse(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	var out, errOut bytes.Buffer
	if code := run([]string{"demo", "--listen", "256.0.0.1:1"}, strings.NewReader(""), &out, &errOut); code != exitFailed {
		t.Errorf("exit code %d: %s", code, &errOut)
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestDemoSite takes steps until every webhook has been matched and passed over: the stream shows what the filters do.
func TestDemoSite(t *testing.T) {
	apps := numberedDemoApps()
	matched := map[int64]int{}
	site := newDemoSite()
	const steps = 2000
	for range steps {
		expected, err := apps.expect(site.step(time.Now()))
		if err != nil {
			t.Fatal(err)
		}
		for _, ids := range expected {
			for _, id := range ids {
				matched[id]++
			}
		}
	}
	for id := int64(1); id <= apps.last(); id++ {
		if n := matched[id]; n < steps/200 || n > steps/2 {
			t.Errorf("webhook %d matches %d of %d events", id, n, steps)
		}
	}
}

func TestDemoLatency(t *testing.T) {
	var h demoLatency
	if q := h.quantile(0.5); q != 0 {
		t.Errorf("quantile of nothing is %v", q)
	}
	for n := range 1000 {
		h.observe(time.Duration(n+1) * time.Millisecond)
	}
	for q, want := range map[float64]time.Duration{0: time.Millisecond, 0.5: 500 * time.Millisecond, 0.99: 990 * time.Millisecond, 1: time.Second} {
		if got := h.quantile(q); got < want*99/100 || got > want*103/100 {
			t.Errorf("quantile %v is %v, want %v", q, got, want)
		}
	}
	h.observe(time.Nanosecond)
	h.observe(time.Hour)
	if got := h.quantile(1); got < time.Minute {
		t.Errorf("the longest time is %v", got)
	}
}

// background runs a command line until it ends, and hands over its output and its exit code.
func background(args ...string) (*screen, <-chan int) {
	s := newScreen()
	code := make(chan int, 1)
	go func() {
		code <- run(args, strings.NewReader(""), s, s)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.ended = true
		s.changed.Broadcast()
	}()
	return s, code
}

// screen collects output and lets a test wait for a text in it.
type screen struct {
	mu      sync.Mutex
	changed *sync.Cond
	text    strings.Builder
	ended   bool // nothing follows
}

func newScreen() *screen {
	s := &screen{}
	s.changed = sync.NewCond(&s.mu)
	return s
}

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.changed.Broadcast()
	return s.text.Write(b)
}

// await returns all that was written, as soon as it holds want.
func (s *screen) await(t *testing.T, want string) string {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for !strings.Contains(s.text.String(), want) {
		if s.ended {
			t.Fatalf("the command has ended without %q:\n%s", want, &s.text)
		}
		s.changed.Wait()
	}
	return s.text.String()
}

// curl is a command line as a shell would split it.
type curl struct {
	url, body string
	headers   http.Header
}

func curls(text string) []*curl {
	var list []*curl
	for line := range strings.Lines(text) {
		if command, ok := strings.CutPrefix(strings.TrimSpace(line), "curl -s "); ok {
			list = append(list, parseCurl(command))
		}
	}
	return list
}

func parseCurl(command string) *curl {
	c := &curl{headers: http.Header{}}
	words := []string{}
	for i, part := range strings.Split(command, "'") {
		if i%2 == 1 {
			words = append(words, part)
		} else {
			words = append(words, strings.Fields(part)...)
		}
	}
	for i := 0; i < len(words); i++ {
		switch words[i] {
		case "-H":
			i++
			name, value, _ := strings.Cut(words[i], ": ")
			c.headers.Set(name, value)
		case "-d":
			i++
			c.body = words[i]
		default:
			c.url = words[i]
		}
	}
	return c
}

// want makes the request and checks status and body of the answer.
func (c *curl) want(t *testing.T, status int, text string) {
	t.Helper()
	method := http.MethodGet
	if c.body != "" {
		method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(t.Context(), method, c.url, strings.NewReader(c.body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header, req.Close = c.headers, true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != status || !strings.Contains(string(body), text) {
		t.Errorf("%s %s: %d %.2000s\nwant %d and %s", method, c.url, resp.StatusCode, body, status, text)
	}
}
