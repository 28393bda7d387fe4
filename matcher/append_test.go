package matcher

import (
	"fmt"
	"slices"
	"testing"
)

// The append-only parts, each with a snapshot after every addition that must go on seeing exactly what
// there was.

func TestSymbolsKeepSnapshots(t *testing.T) {
	var s symbols
	var old []symbols
	text := func(i int) []byte { return []byte(fmt.Sprint(i / 2)) }
	for i := range 200 {
		old = append(old, s)
		if sym := s.intern(uint32(i%2), string(text(i))); sym != uint32(i+1) || s.intern(uint32(i%2), string(text(i))) != sym {
			t.Fatalf("symbol %d for number %d", sym, i)
		}
	}
	for size, o := range append(old, s) {
		for i := range 200 {
			want := uint32(i + 1)
			if i >= min(size, 200) {
				want = 0
			}
			if got := o.find(uint32(i%2), text(i)); got != want {
				t.Fatalf("snapshot of %d: symbol %d for number %d", size, got, i)
			}
		}
		if o.find(2, text(0)) != 0 {
			t.Fatal("found in another slot")
		}
	}
}

func TestChainsKeepSnapshots(t *testing.T) {
	const lists = 7
	var c chains
	var old []chains
	var want [][lists][]uint32
	var now [lists][]uint32
	for i := range 300 {
		old, want = append(old, c), append(want, now)
		list := i * i % lists
		c.push(uint32(list), uint32(i))
		now[list] = append([]uint32{uint32(i)}, now[list]...)
	}
	for i, o := range old {
		for list := range lists {
			var got []uint32
			for n := o.first(uint32(list)); n != 0; n = o.nodes[n].next {
				got = append(got, o.nodes[n].value)
			}
			if !slices.Equal(got, want[i][list]) {
				t.Fatalf("snapshot %d, list %d: %v, want %v", i, list, got, want[i][list])
			}
		}
	}
}

func TestDeltaKeepsSnapshots(t *testing.T) {
	var d delta
	var old []delta
	for i := range 100 {
		old = append(old, d)
		d.file(uint64(i)<<33|7, post(i))
	}
	for size, o := range old {
		for i := range 100 {
			if found := o.find(uint64(i)<<33|7) != 0; found != (i < size) {
				t.Fatalf("snapshot of %d: key %d found: %v", size, i, found)
			}
		}
	}
}

func TestBaseFindsEveryKey(t *testing.T) {
	const n = 5000
	var buckets []bucket
	for i := range uint32(n) {
		buckets = append(buckets, bucket{uint64(i*90) << 32, i, i + 1})
	}
	var b base
	b.tabulate(buckets)
	for _, k := range buckets {
		if r := b.find(k.key); r != (run{k.lo, k.hi}) {
			t.Errorf("%v under key %x, want %v", r, k.key, k)
		}
		if r := b.find(k.key + 1); !r.empty() {
			t.Errorf("%v under a key that is not there", r)
		}
	}
}

func TestFiltersAreFound(t *testing.T) {
	var part filer
	text := func(i int) []byte { return []byte(fmt.Sprint("program ", i)) }
	for i := range 300 {
		part.starts = append(part.starts, uint32(len(part.packed)))
		part.packed = append(part.packed, text(i)...)
	}
	var f filters
	f.collect([]*filer{&part})
	f.file()
	for i := range 300 {
		if n, ok := f.find(text(i)); !ok || n != uint32(i) {
			t.Errorf("filter %d found as %d, %v", i, n, ok)
		}
	}
	if _, ok := f.find(text(300)); ok {
		t.Error("found what was not added")
	}
}
