package queue

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"
)

// A queue that is read-only takes nothing in, answers what it knows, and hands out, settles and sends again as ever.
func TestReadOnly(t *testing.T) {
	readOnly := false
	h := newHouse(t, Options{ReadOnly: func() bool { return readOnly }})
	ctx := context.Background()
	known := Message{Payload: []byte("known"), Deliveries: to(1), Key: "k", Fingerprint: 1}
	first, err := h.Accept(ctx, known)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		h.accept("a", to(1)...)
	}
	readOnly = true
	for name, m := range map[string]Message{
		"a message":       {Payload: []byte("new"), Deliveries: to(1)},
		"a key":           {Key: "new"},
		"both":            {Payload: []byte("new"), Deliveries: to(2), Key: "another"},
		"nothing at once": {Payload: []byte("new"), Deliveries: to(3)},
	} {
		_, err := h.Accept(ctx, m)
		var busy *OverloadedError
		if !errors.Is(err, ErrReadOnly) || !errors.Is(err, ErrOverloaded) || !errors.As(err, &busy) || busy.RetryAfter <= 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := h.AcceptAll(ctx, []Message{known, {Payload: []byte("new"), Deliveries: to(1)}}); !errors.Is(err, ErrReadOnly) {
		t.Errorf("a batch: %v", err)
	}
	if r, err := h.Accept(ctx, known); err != nil || r.Event != first.Event || !r.Repeated {
		t.Errorf("a known message: %+v, %v", r, err)
	}
	if _, err := h.Accept(ctx, Message{Payload: []byte("nobody's")}); err != nil {
		t.Errorf("a message that leaves nothing: %v", err)
	}
	ds := h.takes(1, "known", "a", "a")
	h.settle(ds[0], done)
	h.settle(ds[1], Outcome{Verdict: Dead, Reason: Rejected})
	h.settle(ds[2], Outcome{Verdict: Again, At: time.Now()})
	h.flush()
	letters := h.letters(1)
	if made, err := h.Resend(ctx, []Resend{{Event: letters[0].Event, Endpoint: 1, Letter: &letters[0]}}); err != nil || !slices.Equal(made, []bool{true}) {
		t.Errorf("sent again: %v, %v", made, err)
	}
	h.takes(1, "a", "a")
	readOnly = false
	h.accept("new", to(2)...)
	h.takes(2, "new")
	h.takes(3)
}

// Reclaim takes the oldest hour of attempts, one at a time and never the present, and what a sweep frees.
func TestReclaim(t *testing.T) {
	w := newWall()
	h := newHouse(t, Options{now: w.now, HandOffBytes: 1, Logger: quietLogger()})
	for range 3 {
		h.accept("a", to(1)...)
		h.settle(h.takes(1, "a")[0], Outcome{Verdict: Done, Attempted: true, Record: []byte("r")})
		h.flush()
		w.add(2 * time.Hour)
	}
	w.add(-2 * time.Hour)
	attempts := func() (n int) {
		t.Helper()
		if err := h.Attempts(Select{}, func(LoggedAttempt) bool { n++; return true }); err != nil {
			t.Fatal(err)
		}
		return n
	}
	for _, want := range []int{2, 1, 1} {
		if len(h.payloads()) == 0 {
			h.accept("a", to(2)...)
			h.settle(h.takes(2, "a")[0], done)
			h.flush()
		}
		h.Reclaim()
		for len(h.payloads()) > 0 { // the sweep comes last
			time.Sleep(time.Millisecond)
		}
		if got := attempts(); got != want {
			t.Errorf("%d attempts are left, want %d", got, want)
		}
	}
}
