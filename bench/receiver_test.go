package bench

import (
	"testing"
	"time"

	"github.com/valyala/fasthttp"
)

func newTestReceiver(t *testing.T, o ReceiverOptions) *Receiver {
	t.Helper()
	r, err := NewReceiver(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// post sends one body and returns the status.
func post(r *Receiver, identifier string, body []byte, timeout time.Duration) (int, error) {
	var req fasthttp.Request
	var resp fasthttp.Response
	req.SetRequestURI(r.URL("/any"))
	req.Header.SetMethod(fasthttp.MethodPost)
	req.Header.Set(IdentifierHeader, identifier)
	req.SetBody(body)
	client := &fasthttp.HostClient{Addr: r.Address(), MaxIdemponentCallAttempts: 1}
	defer client.CloseIdleConnections()
	err := client.DoTimeout(&req, &resp, timeout)
	return resp.StatusCode(), err
}

func TestReceiverCountsAndFails(t *testing.T) {
	w, err := NewWorkload(WorkloadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	l := NewLedger(LedgerOptions{})
	var seen []int64
	r := newTestReceiver(t, ReceiverOptions{
		FailEvery: 3, Ledger: l, Inspect: func(sequence int64, _ []byte) { seen = append(seen, sequence) },
	})
	statuses := map[int]int{}
	for n := range int64(6) {
		l.Sent(n, time.Now())
		status, err := post(r, string(identifierOf(n)), w.Body(nil, n), time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		statuses[status]++
	}
	if statuses[200] != 4 || statuses[503] != 2 || r.Requests() != 6 || r.MaxInFlight() != 1 {
		t.Errorf("statuses %v, %d requests, %d in flight", statuses, r.Requests(), r.MaxInFlight())
	}
	if a := l.Account(); a.Delivered != 4 || a.Lost != 2 || a.Refused != 2 || a.Duplicates != 0 {
		t.Errorf("%+v", a)
	}
	if len(seen) != 4 {
		t.Errorf("inspected %v", seen)
	}
}

func TestReceiverTakesWhatHasNoNumber(t *testing.T) {
	l := NewLedger(LedgerOptions{})
	r := newTestReceiver(t, ReceiverOptions{Ledger: l})
	if status, err := post(r, "", []byte(`{}`), time.Minute); err != nil || status != 200 {
		t.Fatalf("%d, %v", status, err)
	}
	if a := l.Account(); a.Strangers != 1 || a.Delivered != 0 {
		t.Errorf("%+v", a)
	}
}

func TestReceiverAnswersAsTold(t *testing.T) {
	r := newTestReceiver(t, ReceiverOptions{Status: 429, RetryAfter: 2 * time.Second})
	var req fasthttp.Request
	var resp fasthttp.Response
	req.SetRequestURI(r.URL("/any"))
	if err := fasthttp.DoTimeout(&req, &resp, time.Minute); err != nil {
		t.Fatal(err)
	}
	if after := string(resp.Header.Peek("Retry-After")); resp.StatusCode() != 429 || after != "2" {
		t.Errorf("status %d, Retry-After %q", resp.StatusCode(), after)
	}
}

func TestHookEndpoint(t *testing.T) {
	for path, want := range map[string]int64{
		hookPath: 0, hookPathOf(0): 0, hookPathOf(99): 99, "/other/7": 0, "/hook/": 0, "/hook/x": 0, "/hook/-1": 0,
	} {
		if got := hookEndpoint([]byte(path)); got != want {
			t.Errorf("%s is that of endpoint %d, want %d", path, got, want)
		}
	}
}

func TestDelayFalls(t *testing.T) {
	for name, c := range map[string]struct {
		options ReceiverOptions
		age     time.Duration
		want    time.Duration
	}{
		"none":    {ReceiverOptions{SlowStart: time.Second}, 0, 0},
		"steady":  {ReceiverOptions{Delay: time.Second}, time.Hour, time.Second},
		"begins":  {ReceiverOptions{Delay: time.Second, SlowStart: 4 * time.Second}, 0, time.Second},
		"falls":   {ReceiverOptions{Delay: time.Second, SlowStart: 4 * time.Second}, 3 * time.Second, 250 * time.Millisecond},
		"is over": {ReceiverOptions{Delay: time.Second, SlowStart: 4 * time.Second}, 5 * time.Second, 0},
	} {
		if got := (&Receiver{options: c.options}).delay(c.age); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
