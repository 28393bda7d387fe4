package bench

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"
)

// visit is a request that was answered with a status.
func visit(sequence int64, status int) Visit {
	now := time.Now()
	return Visit{Sequence: sequence, Arrived: now, Answered: now, Status: status}
}

func identifierOf(sequence int64) []byte { return appendIdentifier(nil, sequence) }

func TestLedgerAccount(t *testing.T) {
	arrivals := 0
	l := NewLedger(LedgerOptions{First: 100, Arrival: func() { arrivals++ }})
	for n := range int64(6) {
		l.Sent(100+n, time.Now())
	}
	l.Withdrawn(105)
	l.enter(identifierOf(100), visit(100, 200))
	l.enter(identifierOf(100), visit(100, 200)) // again under its identifier
	l.enter(identifierOf(101), visit(101, 503)) // failed, and then
	l.enter(identifierOf(101), visit(101, 200)) // retried
	l.enter(identifierOf(102), visit(102, 200))
	l.enter(identifierOf(900), visit(102, 200)) // again under another identifier
	l.enter(identifierOf(99), visit(99, 200))   // of an earlier account
	l.enter(identifierOf(105), visit(105, 200)) // withdrawn
	l.enter(identifierOf(7777), visit(7777, 200))
	want := Account{Sent: 5, Delivered: 3, Lost: 2, Duplicates: 3, Refused: 1, Strangers: 2}
	if got := l.Account(); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if arrivals != 3 {
		t.Errorf("told of %d arrivals, want 3", arrivals)
	}
	if got, want := l.Missing(10), []int64{103, 104}; !slices.Equal(got, want) {
		t.Errorf("missing %v, want %v", got, want)
	}
}

// Of an event that is owed to three endpoints, each can be lost, and each can get it twice.
func TestLedgerAtFanout(t *testing.T) {
	arrivals := 0
	l := NewLedger(LedgerOptions{First: 10, Fanout: 3, Arrival: func() { arrivals++ }})
	identifiers := int64(0)
	at := func(sequence, endpoint int64) {
		identifiers++
		v := visit(sequence, 200)
		v.Endpoint = endpoint
		l.enter(identifierOf(identifiers), v)
	}
	now := time.Now()
	for n := range int64(4) {
		l.Sent(10+n, now)
	}
	l.Withdrawn(13)
	for endpoint := range int64(3) {
		at(10, endpoint)
	}
	at(11, 2)
	at(11, 2) // again under another identifier
	at(12, 0)
	at(12, 3)  // of an endpoint that it is not owed to, which must not count for event 13
	at(12, -1) //
	at(13, 0)  // withdrawn
	at(9, 1)   // of an earlier account
	want := Account{Sent: 9, Delivered: 5, Lost: 4, Duplicates: 2, Strangers: 3}
	if got := l.Account(); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got, want := l.Missing(10), []int64{11, 12}; !slices.Equal(got, want) {
		t.Errorf("missing %v, want %v", got, want)
	}
	if arrivals != 5 || len(l.Latencies()) != 5 {
		t.Errorf("%d arrivals, %d latencies, want 5", arrivals, len(l.Latencies()))
	}
}

func TestLedgerTimes(t *testing.T) {
	l := NewLedger(LedgerOptions{Fanout: 2})
	due := time.Now()
	l.Sent(0, due)
	l.Accepted(0, due.Add(5*time.Millisecond))
	for endpoint, after := range []time.Duration{7 * time.Millisecond, 3 * time.Millisecond} {
		v := Visit{Endpoint: int64(endpoint), Arrived: due.Add(after), Answered: due.Add(time.Second), Status: 200}
		l.enter(identifierOf(int64(endpoint)), v)
	}
	if got, want := l.Latencies(), []time.Duration{7 * time.Millisecond, 3 * time.Millisecond}; !slices.Equal(got, want) {
		t.Errorf("from due %v, want %v", got, want)
	}
	// The second arrived before the publisher knew that the event was accepted.
	if got, want := l.AfterAccept(), []time.Duration{2 * time.Millisecond, 0}; !slices.Equal(got, want) {
		t.Errorf("from accept %v, want %v", got, want)
	}
	if got := l.Arrivals(); len(got) != 2 || got[1].Sub(got[0]) != 4*time.Millisecond {
		t.Errorf("arrivals %v", got)
	}
	if got := l.lastLate(5 * time.Millisecond).Sub(due); got != 7*time.Millisecond {
		t.Errorf("the last late one after %v", got)
	}
	if got := l.lastLate(10 * time.Millisecond); !got.IsZero() {
		t.Errorf("late at %v, though none was", got)
	}
}

func TestLedgerCountsEveryRequestOfMany(t *testing.T) {
	const goroutines, each = 8, 5000 // more than one chunk
	l := NewLedger(LedgerOptions{First: 7})
	var group sync.WaitGroup
	for g := range int64(goroutines) {
		group.Go(func() {
			for n := range int64(each) {
				sequence := 7 + g*each + n
				l.Sent(sequence, time.Now())
				l.enter(identifierOf(sequence), visit(sequence, 200))
				if n%10 == 0 {
					l.enter(identifierOf(sequence), visit(sequence, 200))
				}
			}
		})
	}
	group.Wait()
	want := Account{Sent: goroutines * each, Delivered: goroutines * each, Duplicates: goroutines * each / 10}
	if got := l.Account(); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if err := l.Await(context.Background()); err != nil {
		t.Error(err)
	}
	if n := len(l.Latencies()); n != goroutines*each {
		t.Errorf("%d latencies", n)
	}
}

func TestLedgerAwaitGivesUp(t *testing.T) {
	l := NewLedger(LedgerOptions{})
	l.Sent(0, time.Now())
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Millisecond)
	defer cancel()
	if err := l.Await(ctx); err == nil {
		t.Error("an event that never arrived was not missed")
	}
}

func TestLedgerKeepsVisits(t *testing.T) {
	l := NewLedger(LedgerOptions{KeepVisits: true})
	l.Sent(1, time.Now())
	l.enter([]byte("one"), visit(1, 503))
	l.enter([]byte("one"), visit(1, 200))
	l.enter([]byte("two"), visit(2, 200))
	var got []string
	l.Visits(func(visits []Visit) {
		text := ""
		for _, v := range visits {
			text += fmt.Sprint(v.Sequence, ":", v.Status, " ")
		}
		got = append(got, text)
	})
	slices.Sort(got)
	if want := []string{"1:503 1:200 ", "2:200 "}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestIdentify(t *testing.T) {
	texts := []string{
		"", "a", "0a", "00000000-0000-4000-0000-000000000001", "00000000-0000-4000-0000-000000000002",
		"00000000-0000-4000-0000-00000000000", "00000000-0000-4000-0000-0000000000011", "not a uuid at all, but unique",
	}
	seen := map[identity]string{}
	for _, text := range texts {
		id := identify([]byte(text))
		if other, twice := seen[id]; twice {
			t.Errorf("%q and %q are one", text, other)
		}
		seen[id] = text
	}
	if identify([]byte("ABCDEF00-0000-4000-0000-000000000001")) != identify([]byte("abcdef00-0000-4000-0000-000000000001")) {
		t.Error("case tells identifiers apart")
	}
}
