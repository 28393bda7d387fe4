package bench

import (
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
)

// newTestFault makes a bad receiver and a client that reaches it as the engine does.
func newTestFault(t *testing.T, fault Fault) (faulty, func(timeout time.Duration) (int, error)) {
	t.Helper()
	names := newHangingNames()
	receiver, err := newFaulty(fault, 300, names)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := receiver.Close(); err != nil {
			t.Error(err)
		}
	})
	dialer := &fasthttp.TCPDialer{Resolver: names}
	client := &fasthttp.Client{MaxIdemponentCallAttempts: 1, DialTimeout: dialer.DialDualStackTimeout}
	return receiver, func(timeout time.Duration) (int, error) {
		var req fasthttp.Request
		var resp fasthttp.Response
		req.SetRequestURI(receiver.URL(hookPath))
		req.Header.SetMethod(fasthttp.MethodPost)
		req.SetBodyString("body")
		err := client.DoTimeout(&req, &resp, timeout)
		return resp.StatusCode(), err
	}
}

func TestFaults(t *testing.T) {
	const patience = 300 * time.Millisecond
	timedOut := func(_ int, err error) bool {
		var slow net.Error
		return errors.Is(err, fasthttp.ErrTimeout) || errors.As(err, &slow) && slow.Timeout()
	}
	failed := func(text string) func(int, error) bool {
		return func(_ int, err error) bool { return err != nil && strings.Contains(err.Error(), text) }
	}
	answered := func(want int) func(int, error) bool {
		return func(status int, err error) bool { return err == nil && status == want }
	}
	right := map[Fault]func(int, error) bool{
		BlackHole: timedOut, Tarpit: timedOut, HangingDNS: timedOut,
		Fails: answered(500), Throttles: answered(429),
		BadTLS: failed("certificate"), Refuses: failed("refused"),
		// Whether the client is told of the reset or only that nothing came depends on what it was doing.
		Resets: func(_ int, err error) bool { return err != nil && !timedOut(0, err) },
	}
	for _, fault := range Faults() {
		receiver, post := newTestFault(t, fault)
		status, err := post(patience)
		if right[fault] == nil || !right[fault](status, err) {
			t.Errorf("%s: status %d, error %v", fault, status, err)
		}
		if n := receiver.Requests(); n != 1 && fault != Refuses {
			t.Errorf("%s: %d requests", fault, n)
		}
	}
	if _, err := newFaulty("sleepy", 0, nil); err == nil {
		t.Error("a fault that there is not was accepted")
	}
}

func TestBlackHoleCountsRequests(t *testing.T) {
	receiver, post := newTestFault(t, BlackHole)
	var group sync.WaitGroup
	for range 5 {
		group.Go(func() {
			if _, err := post(200 * time.Millisecond); !errors.Is(err, fasthttp.ErrTimeout) {
				t.Errorf("got %v", err)
			}
		})
	}
	group.Wait()
	if receiver.Requests() != 5 || receiver.MaxInFlight() < 1 || receiver.MaxInFlight() > 5 {
		t.Errorf("%d requests, %d in flight", receiver.Requests(), receiver.MaxInFlight())
	}
}

// What a bad receiver holds ends with it, however long the other side would wait.
func TestFaultsLetGoWhenClosed(t *testing.T) {
	for _, fault := range []Fault{BlackHole, Tarpit, HangingDNS} {
		receiver, post := newTestFault(t, fault)
		failed := make(chan error, 1)
		go func() {
			_, err := post(time.Minute)
			failed <- err
		}()
		for receiver.Requests() == 0 {
			time.Sleep(time.Millisecond)
		}
		if err := receiver.Close(); err != nil {
			t.Error(err)
		}
		if err := <-failed; err == nil {
			t.Errorf("%s: answered", fault)
		}
	}
}
