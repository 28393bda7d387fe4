package queue

import (
	"bytes"
	"context"
	"encoding/hex"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"
)

// blockText is a text that fills a block of a table, does not compress, and is in the file as it is.
func blockText(seed byte) string {
	random := make([]byte, 24<<10)
	rand.NewChaCha8([32]byte{seed}).Read(random)
	return string(random)
}

// damage flips a bit of each file that holds a part of a text, as a disk might.
func (h *house) damage(text string) {
	h.t.Helper()
	names, err := h.fs.List("db")
	if err != nil {
		h.t.Fatal(err)
	}
	done := 0
	for _, name := range names {
		if !strings.HasSuffix(name, ".sst") {
			continue
		}
		data, err := h.fs.UnsafeGetFileDataBuffer("db/" + name)
		if err != nil {
			h.t.Fatal(err)
		}
		if i := bytes.Index(data, []byte(text[:100])); i >= 0 {
			data[i] ^= 1
			done++
		}
	}
	if done == 0 {
		h.t.Fatal("the text is in no table")
	}
}

// stored puts all that was written into one table, and forgets what memory has of it.
func (h *house) stored() {
	h.t.Helper()
	if err := h.db.Compact(context.Background(), []byte{0}, []byte{0xff}, false); err != nil {
		h.t.Fatal(err)
	}
	h.close()
}

// A payload that is corrupt makes dead letters of its deliveries, at once and for good, and nothing else of its endpoints waits.
func TestCorruptPayload(t *testing.T) {
	h := newHouse(t, Options{Logger: quietLogger()})
	h.accept("a"+blockText(1), to(1, 2)...)
	b := h.accept("b"+blockText(2), to(1, 2)...)
	h.accept("c"+blockText(3), to(1, 2)...)
	h.stored()
	h.damage(blockText(2))
	h.open()
	for ep := range EndpointID(2) {
		h.takes(ep+1, "a"+blockText(1), "c"+blockText(3))
	}
	s := h.settledStats()
	letters := h.letters()
	if len(letters) != 2 || s.Died != 2 || s.Dead != 2 || s.InHand != 4 || s.Waiting != 0 {
		t.Fatalf("letters %+v, stats %+v", letters, s)
	}
	for _, l := range letters {
		if l.Event != b.Event || l.Reason != PayloadLost {
			t.Errorf("letter %+v", l)
		}
	}
	if _, ok, err := h.Payload(b.Event); ok || err != nil {
		t.Errorf("the payload: %v, %v", ok, err)
	}
	made, err := h.Resend(context.Background(), []Resend{{Event: b.Event, Endpoint: 1, Letter: &letters[0]}})
	if err != nil || made[0] {
		t.Errorf("sent again: %v, %v", made, err)
	}
	// A disk that was mended, or a copy put back, has it again.
	h.close()
	h.damage2(blockText(2))
	h.open()
	if made, err = h.Resend(context.Background(), []Resend{{Event: b.Event, Endpoint: letters[0].Endpoint, Letter: &letters[0]}}); err != nil || !made[0] {
		t.Errorf("sent again when mended: %v, %v", made, err)
	}
}

// damage2 takes back what damage did.
func (h *house) damage2(text string) {
	broken := []byte(text)
	broken[0] ^= 1
	h.damage(string(broken))
}

// notes are one target each for some endpoints, with notes that fill a block.
func notes(seed byte, eps ...EndpointID) (ts []Target) {
	for i, ep := range eps {
		ts = append(ts, Target{Endpoint: ep, Note: []byte(blockText(seed + byte(i)))})
	}
	return ts
}

// Deliveries whose keys are corrupt are left out, whichever of their endpoint's they are, and counted. All others are
// found and made: those before and behind them, of other endpoints and those that come later. In tables that an older program
// wrote a neighbour may be passed over with them.
func TestCorruptDeliveries(t *testing.T) {
	t.Run("named", func(t *testing.T) { testCorruptDeliveries(t, nil, 0) })
	if testing.Short() {
		return // one goroutine at a time does anything
	}
	t.Run("unnamed", func(t *testing.T) { testCorruptDeliveries(t, withoutNames, 1) })
}

// withoutNames has tables as an older program wrote them.
func withoutNames(o *pebble.Options) { o.BlockPropertyCollectors = nil }

func testCorruptDeliveries(t *testing.T, tune func(*pebble.Options), neighbours int) {
	const eps, each = 4, 3
	payload := func(n int) string { return blockText(byte(200 + n)) } // in a block of its own, apart from what is read at Open
	for at := range each {
		for ep := range EndpointID(eps) {
			h := &house{t: t, tune: tune, opts: Options{Logger: quietLogger()}}
			h.build()
			var all []EndpointID
			for ep := range EndpointID(eps) {
				all = append(all, ep+1)
			}
			for n := range each {
				h.accept(payload(n), notes(byte(10*n), all...)...)
			}
			h.stored()
			h.damage(blockText(byte(10*at) + byte(ep)))
			h.open()
			made := 0
			for _, other := range all {
				got := map[string]bool{}
				for {
					d, ok := h.Take(other)
					if !ok {
						break
					}
					got[string(d.Payload)] = true
				}
				made += len(got)
				if other != ep+1 && len(got) != each {
					t.Errorf("delivery %d of endpoint %d is corrupt: endpoint %d has %d", at, ep+1, other, len(got))
				}
				if other == ep+1 && (got[payload(at)] || len(got) < each-1-neighbours) {
					t.Errorf("delivery %d of endpoint %d is corrupt, and it has %d", at, ep+1, len(got))
				}
			}
			if s := h.settledStats(); s.Unreadable == 0 || s.InHand != int64(made) {
				t.Errorf("endpoint %d, delivery %d: stats %+v", ep+1, at, s)
			}
			h.accept("new", to(all...)...)
			for _, other := range all {
				h.takes(other, "new")
			}
			if err := h.sweep(); err != nil {
				t.Error(err)
			}
			if n := h.payloadsReadable(); n < each {
				t.Errorf("%d payloads are left", n)
			}
			h.finish()
		}
	}
}

// A sweep frees what it can behind a payload that is corrupt.
func TestSweepPassesCorruptPayload(t *testing.T) {
	h := newHouse(t, Options{HandOffBytes: 1, Logger: quietLogger()})
	for i := range byte(5) {
		h.accept(hex.EncodeToString([]byte{i})+blockText(i), to(1)...)
	}
	for range 5 {
		h.settle(h.take(1), done)
	}
	h.flush()
	h.stored()
	h.damage(blockText(2))
	h.open()
	if err := h.sweep(); err != nil {
		t.Fatal(err)
	}
	if s := h.Stats(); s.Unreadable == 0 {
		t.Errorf("stats %+v", s)
	}
	if n := h.payloadsReadable(); n != 0 {
		t.Errorf("%d payloads are left", n)
	}
}

// payloadsReadable counts the payloads that are stored and can be read.
func (h *house) payloadsReadable() (n int) {
	h.t.Helper()
	if err := h.eachReadable(h.db, []byte{prefixPayload}, []byte{prefixPayload + 1}, func(*pebble.Iterator) { n++ }); err != nil {
		h.t.Fatal(err)
	}
	return n
}
