package bench

import (
	"errors"
	"sync"
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
		status, err := post(r, string(identifierOf(n)), w.Body(nil, n), time.Second)
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
	if status, err := post(r, "", []byte(`{}`), time.Second); err != nil || status != 200 {
		t.Fatalf("%d, %v", status, err)
	}
	if a := l.Account(); a.Strangers != 1 || a.Delivered != 0 {
		t.Errorf("%+v", a)
	}
}

func TestSilentReceiver(t *testing.T) {
	r := newTestReceiver(t, ReceiverOptions{Silent: true})
	var group sync.WaitGroup
	for range 5 {
		group.Go(func() {
			if _, err := post(r, "x", []byte("body"), 200*time.Millisecond); !errors.Is(err, fasthttp.ErrTimeout) {
				t.Errorf("got %v", err)
			}
		})
	}
	group.Wait()
	if r.Requests() != 5 || r.MaxInFlight() < 1 || r.MaxInFlight() > 5 {
		t.Errorf("%d requests, %d in flight", r.Requests(), r.MaxInFlight())
	}
}

func TestSilentReceiverLetsGoWhenClosed(t *testing.T) {
	r := newTestReceiver(t, ReceiverOptions{Silent: true})
	failed := make(chan error, 1)
	go func() {
		_, err := post(r, "x", []byte("body"), time.Minute)
		failed <- err
	}()
	for r.Requests() == 0 {
		time.Sleep(time.Millisecond)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if err := <-failed; err == nil {
		t.Error("a silent receiver answered")
	}
}
