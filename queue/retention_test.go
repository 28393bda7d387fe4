package queue

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

type trims map[Kept][]int64

func (t trims) note(what Kept, bytes int64) { t[what] = append(t[what], bytes) }

// hours returns how many attempts are kept of each hour, oldest first.
func (h *house) hours() (kept []int) {
	h.t.Helper()
	last := uint32(0)
	err := h.Attempts(Select{Oldest: true}, func(a LoggedAttempt) bool {
		if hour := hourOf(a.Mark.at); hour != last {
			kept, last = append(kept, 0), hour
		}
		kept[len(kept)-1]++
		return true
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return kept
}

func TestAttemptsGoByBytes(t *testing.T) {
	w, trimmed := newWall(), trims{}
	var log bytes.Buffer
	h := newHouse(t, Options{now: w.now, KeepAttempts: 1000 * time.Hour, Trimmed: trimmed.note, Logger: textLogger(&log)})
	rng := rand.New(rand.NewPCG(1, 2))
	for hour := range 4 {
		for range 10 * (hour + 1) {
			record := make([]byte, 2000) // that nothing compresses
			for i := range record {
				record[i] = byte(rng.Uint32())
			}
			h.accept("a", to(1)...)
			h.settle(h.take(1), Outcome{Verdict: Done, Record: record})
			h.flush()
		}
		if hour < 3 {
			w.add(time.Hour)
		}
	}
	if err := h.db.Compact(t.Context(), []byte{prefixAttempt}, []byte{prefixAttempt + 1}, false); err != nil {
		t.Fatal(err) // or sizes would change with compactions
	}
	sizes, total, err := h.attemptHours()
	if err != nil || len(sizes) != 4 {
		t.Fatalf("%v, %v", sizes, err)
	}
	for i, s := range sizes {
		if n := int64(10 * (i + 1)); s.bytes < n*2000*9/10 || s.bytes > n*2000*13/10+10_000 {
			t.Errorf("%d attempts of 2000 bytes take %d", n, s.bytes)
		}
	}
	for _, step := range []struct {
		limit int64
		kept  []int
	}{
		{total, []int{10, 20, 30, 40}},
		{total - 1000, []int{20, 30, 40}},
		{sizes[2].bytes + sizes[3].bytes + 1000, []int{30, 40}},
		{1, []int{40}},
		{1, []int{40}},
	} {
		h.opts.KeepAttemptsBytes = step.limit
		h.Queue.opts.KeepAttemptsBytes = step.limit
		h.mustSweep()
		if got := h.hours(); !slices.Equal(got, step.kept) {
			t.Errorf("with at most %d bytes %v are kept, want %v", step.limit, got, step.kept)
		}
	}
	if got := trimmed[KeptAttempts]; len(got) != 3 || got[0] != sizes[0].bytes || strings.Count(log.String(), "oldest hours were removed") != 3 {
		t.Errorf("trimmed %v, want first %d; log %s", got, sizes[0].bytes, log.String())
	}
}

func TestDeadLettersGoByBytes(t *testing.T) {
	w, trimmed := newWall(), trims{}
	var log bytes.Buffer
	h := newHouse(t, Options{now: w.now, KeepDead: 1000 * time.Hour, Trimmed: trimmed.note, Logger: textLogger(&log)})
	payload := func(n int) string { return strings.Repeat("p", n) }
	size := func(l *DeadLetter) (n int64) {
		v, closer, err := h.db.Get(appendLetterKey(nil, l.Mark))
		if err != nil {
			t.Fatal(err)
		}
		defer closer.Close()
		return int64(deadKeyLen + len(v))
	}
	const head = payloadKeyLen + 1

	// The first day has a letter whose payload is kept by one of the next day too, and one that something waits for.
	h.accept(payload(1000), to(1, 2)...)
	h.accept(payload(300), to(1, 3)...)
	h.die(1)
	h.die(1)
	w.add(24 * time.Hour)
	h.die(2)
	w.add(24 * time.Hour)
	h.accept(payload(700), Target{Endpoint: 4, Note: []byte("note")})
	h.park(4)
	h.settledStats()
	w.add(24 * time.Hour)
	h.accept(payload(5000), to(5)...)
	h.die(5)

	letters := h.letters()
	days, err := h.letterDays()
	if err != nil || len(days) != 4 || len(letters) != 5 {
		t.Fatalf("%d days, %d letters, %v", len(days), len(letters), err)
	}
	want := []int64{
		size(&letters[0]) + size(&letters[1]),
		size(&letters[2]) + head + 1000,
		int64(deliveryKeyLen+4+len("note")) + head + 700,
		size(&letters[4]) + head + 5000,
	}
	total := int64(0)
	for i, d := range days {
		if total += d.bytes; d.bytes != want[i] {
			t.Errorf("day %d has %d bytes, want %d", i, d.bytes, want[i])
		}
	}
	for _, step := range []struct {
		limit          int64
		dead, payloads int
	}{
		{total, 5, 4},
		{total - 1, 3, 4}, // the first day keeps no payload
		{total - want[0] - 1, 2, 3},
		{want[3], 1, 2},
		{1, 1, 2},
	} {
		h.Queue.opts.KeepDeadBytes = step.limit
		h.mustSweep()
		h.wants(1, 0, int64(step.dead))
		if n := len(h.payloads()); n != step.payloads {
			t.Errorf("with at most %d bytes %d payloads are kept, want %d", step.limit, n, step.payloads)
		}
	}
	if got := trimmed[KeptDeadLetters]; !slices.Equal(got, want[:3]) || strings.Count(log.String(), "oldest days are removed") != 3 {
		t.Errorf("trimmed %v, want %v; log %s", got, want[:3], log.String())
	}
}

// A payload counts with its side file, and not at all while a fan-out is still to be made of it.
func TestLettersCountSideFiles(t *testing.T) {
	x := newHeldExpander()
	h := newHouse(t, small(Options{Dir: "payloads", SideBytes: 1000, hooks: hooks{beforeExpand: x.hook}}))
	h.accept(strings.Repeat("p", 5000), to(1)...)
	h.accept(strings.Repeat("q", 3000), to(2)...)
	h.settle(h.take(1), Outcome{Verdict: Dead, Reason: Gone})
	h.park(2)
	bytes := func() int64 {
		days, err := h.letterDays()
		if err != nil || len(days) != 1 {
			t.Fatalf("%d days, %v", len(days), err)
		}
		return days[0].bytes
	}
	without := bytes()
	if without < 8000 || without > 8300 {
		t.Errorf("letters with 8000 bytes in files take %d", without)
	}
	h.accept(strings.Repeat("r", 2000), append(to(3, 4, 5, 6), Target{Endpoint: 1, Order: 1})...)
	<-x.at
	h.settle(h.take(1), Outcome{Verdict: Dead, Reason: Gone})
	if err := h.committed(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := bytes() - without; n < 10 || n > 100 {
		t.Errorf("one whose payload is needed otherwise takes %d", n)
	}
	x.free.Store(true)
	x.step <- struct{}{}
	h.flush()
	for ep := range EndpointID(4) {
		h.settle(h.take(ep+3), done)
	}
	h.flush()
	if n := bytes() - without; n < 2000 || n > 2200 {
		t.Errorf("one with 2000 bytes in a file takes %d", n)
	}
}

// What is corrupt is passed over where it is measured, and goes with what is newer.
func TestCorruptGoesByBytes(t *testing.T) {
	for what, kind := range map[Kept]byte{KeptAttempts: prefixAttempt, KeptDeadLetters: prefixDead} {
		w, trimmed := newWall(), trims{}
		h := newHouse(t, Options{
			now: w.now, KeepAttempts: 1000 * time.Hour, KeepDead: 1000 * time.Hour, Trimmed: trimmed.note, Logger: quietLogger(),
		})
		dies := func() {
			h.accept("a", to(1)...)
			h.settle(h.take(1), Outcome{Verdict: Dead, Reason: Rejected, Record: []byte("record")})
			h.flush()
			w.add(24 * time.Hour)
		}
		dies()
		dies()
		h.damageKind(kind)
		h.opts.KeepAttemptsBytes, h.opts.KeepDeadBytes = 1, 1
		h.open()
		dies()
		if err := h.db.Flush(); err != nil {
			t.Fatal(err)
		}
		h.settledStats()
		if err := h.expire(); err != nil {
			t.Errorf("%v: %v", what, err)
		}
		if len(trimmed[what]) != 1 {
			t.Errorf("%v: trimmed %v", what, trimmed)
		}
	}
}
