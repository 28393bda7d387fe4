package bench

import (
	"errors"
	"net"
	"slices"
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
	t.Parallel()
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
		t.Run(string(fault), func(t *testing.T) {
			t.Parallel()
			receiver, post := newTestFault(t, fault)
			patience := time.Minute
			if slices.Contains([]Fault{BlackHole, Tarpit, HangingDNS}, fault) { // they use up all there is
				patience = time.Second
			}
			status, err := post(patience)
			if right[fault] == nil || !right[fault](status, err) {
				t.Errorf("status %d, error %v", status, err)
			}
			if fault != Refuses {
				awaitRequests(t, receiver, 1)
			}
		})
	}
	if _, err := newFaulty("sleepy", 0, nil); err == nil {
		t.Error("a fault that there is not was accepted")
	}
}

// awaitRequests waits until a receiver has read so many requests: who sent them may have given up before that.
func awaitRequests(t *testing.T, receiver faulty, n int64) {
	t.Helper()
	for receiver.Requests() < n {
		time.Sleep(time.Millisecond)
	}
	if got := receiver.Requests(); got != n {
		t.Errorf("%d requests, want %d", got, n)
	}
}

func TestBlackHoleCountsRequests(t *testing.T) {
	t.Parallel()
	receiver, post := newTestFault(t, BlackHole)
	var group sync.WaitGroup
	for range 5 {
		group.Go(func() {
			if _, err := post(time.Second); !errors.Is(err, fasthttp.ErrTimeout) {
				t.Errorf("got %v", err)
			}
		})
	}
	group.Wait()
	awaitRequests(t, receiver, 5)
	if n := receiver.MaxInFlight(); n < 1 || n > 5 {
		t.Errorf("%d in flight", n)
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
