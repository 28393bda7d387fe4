package queue

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// farAhead is a machine whose clock says years later after a restart.
func farAhead(t *testing.T, f func(t *testing.T, h *house, ahead *time.Duration)) {
	synctest.Test(t, func(t *testing.T) {
		ahead := new(time.Duration)
		now := func() time.Time { return time.Now().Add(*ahead) }
		h := newHouse(t, Options{now: now, Logger: quietLogger()})
		defer h.finish()
		f(t, h, ahead)
	})
}

const years = 5 * 365 * 24 * time.Hour

// before leaves something of each kind that would expire, and closes the queue.
func (h *house) before() {
	h.t.Helper()
	if _, err := h.Accept(context.Background(), Message{Payload: []byte("k"), Deliveries: to(1), Key: "k"}); err != nil {
		h.t.Fatal(err)
	}
	h.settle(h.take(1), Outcome{Verdict: Dead, Reason: Rejected, Attempted: true, Record: []byte("r")})
	h.accept("later", Target{Endpoint: 2, NotBefore: time.Now().Add(10 * time.Hour)})
	h.flush()
	h.close()
}

// kept fails the test unless all of it is there, and no older than it is.
func (h *house) kept(want bool) {
	h.t.Helper()
	if err := h.sweep(); err != nil {
		h.t.Fatal(err)
	}
	attempts := 0
	if err := h.Attempts(Select{}, func(LoggedAttempt) bool { attempts++; return true }); err != nil {
		h.t.Fatal(err)
	}
	_, known, err := h.lookUp(keyOf(&Message{Key: "k"}))
	if err != nil || known != want || attempts == 1 != want || len(h.letters()) == 1 != want {
		h.t.Errorf("key known: %v, %d attempts, %d letters, %v; want all: %v", known, attempts, len(h.letters()), err, want)
	}
}

// A clock that is years ahead after a restart makes nothing too old, unless it stays so for an hour; then what was due is due.
func TestLeapIsBelievedLate(t *testing.T) {
	farAhead(t, func(t *testing.T, h *house, ahead *time.Duration) {
		h.before()
		*ahead = years
		h.open()
		if d := h.Doubt(); d < years-time.Minute || d > years {
			t.Errorf("doubt %v", d)
		}
		time.Sleep(59 * time.Minute)
		h.kept(true)
		h.takes(2)
		time.Sleep(2 * time.Minute)
		if h.Doubt() != 0 {
			t.Errorf("doubt %v after an hour", h.Doubt())
		}
		h.takes(2, "later")
		h.kept(false)
	})
}

// If it is set right within the hour, nothing has happened, and the next start knows nothing of it.
func TestLeapIsTakenBack(t *testing.T) {
	farAhead(t, func(t *testing.T, h *house, ahead *time.Duration) {
		h.before()
		*ahead = years
		var behind atomic.Int64 // the queue looks at its clock by itself
		h.opts.wall = func() time.Time { return time.Now().Add(*ahead - time.Duration(behind.Load())).Round(0) }
		h.open()
		time.Sleep(30 * time.Minute)
		behind.Store(int64(years))
		time.Sleep(2 * time.Hour)
		h.kept(true)
		if h.Doubt() != 0 {
			t.Errorf("doubt %v", h.Doubt())
		}
		h.close()
		*ahead = 0
		behind.Store(0)
		h.open()
		if h.Doubt() != 0 {
			t.Errorf("doubt %v after the next start", h.Doubt())
		}
		h.kept(true)
		h.takes(2)
		time.Sleep(8 * time.Hour)
		h.takes(2, "later")
	})
}

// An operator who says so is believed at once, and three days are nothing to doubt.
func TestLeapIsTrusted(t *testing.T) {
	farAhead(t, func(t *testing.T, h *house, ahead *time.Duration) {
		h.before()
		*ahead = 71 * time.Hour
		h.open()
		if h.Doubt() != 0 {
			t.Errorf("doubt %v", h.Doubt())
		}
		h.takes(2, "later")
		h.close()
		*ahead, h.opts.TrustClock = years, true
		h.open()
		if h.Doubt() != 0 {
			t.Errorf("doubt %v", h.Doubt())
		}
		h.kept(false)
	})
}

// A queue that had nothing to accept for days knows what time it is after a crash.
func TestQuietDaysAreNoLeap(t *testing.T) {
	if testing.Short() {
		t.Skip("takes long under the race detector, where it is run with -short")
	}
	farAhead(t, func(t *testing.T, h *house, _ *time.Duration) {
		h.before()
		h.open()
		time.Sleep(3*24*time.Hour + time.Hour)
		h.crash()
		if h.Doubt() != 0 {
			t.Errorf("doubt %v", h.Doubt())
		}
		h.takes(2, "later")
	})
}
