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

func TestDeltaKeepsKeys(t *testing.T) {
	var d delta
	var old []delta
	key := func(i int) uint64 { return uint64(i)<<33 | 7 }
	for i := range 100 {
		old = append(old, d)
		d.file(d.add([]uint32{1 << opBits}, 0, ID(i)), []uint64{key(i)}, false)
	}
	for size, o := range old {
		for i := range 100 {
			if found := o.find(key(i)) != 0; found != (i < size) {
				t.Fatalf("snapshot of %d: key %d found: %v", size, i, found)
			}
		}
	}
}

// Keys are shared by filters, and filters by subscribers, of whom some go.
func TestDeltaKeepsSnapshots(t *testing.T) {
	const keys, filters = 7, 40
	type state struct {
		delta  delta
		under  [keys][]uint32 // filters, newest first
		having [filters][]ID  // oldest first
	}
	var now state
	var old []state
	subscriptions := map[ID]place{}
	for i := range 300 {
		version, id := uint32(i+1), ID(i)
		switch n := i * i % filters; {
		case len(now.delta.filters) <= n:
			key := n * n % keys
			filter := now.delta.add([]uint32{1 << opBits}, uint32(len(now.delta.filters)+1), id)
			now.delta.file(filter, []uint64{uint64(key)}, true)
			n = len(now.delta.filters) - 1
			subscriptions[id] = place{filter, filter + filterFirst}
			now.under[key] = append([]uint32{filter}, now.under[key]...)
			now.having[n] = []ID{id}
		case i%3 == 0:
			n := i / 2
			if at, ok := subscriptions[ID(n)]; ok {
				now.delta.unsubscribe(at.subscription, version)
				had := &now.having[now.delta.number(at.filter)]
				*had = slices.DeleteFunc(slices.Clone(*had), func(id ID) bool { return id == ID(n) })
				delete(subscriptions, ID(n))
			}
		default:
			filter := now.delta.filters[n]
			subscriptions[id] = place{filter, now.delta.subscribe(filter, id)}
			now.having[n] = append(slices.Clone(now.having[n]), id)
		}
		old = append(old, now)
	}
	for i, o := range old {
		d, version := &o.delta, uint32(i+1)
		for key, want := range o.under {
			var got []uint32
			if list := d.find(uint64(key)); list != 0 {
				for post := d.newest(list); post != 0; post = d.words[post] {
					got = append(got, d.words[post+postFilter])
				}
			}
			if !slices.Equal(got, want) {
				t.Fatalf("version %d, key %d: %v, want %v", version, key, got, want)
			}
		}
		for n, filter := range d.filters {
			got := d.collect(nil, filter, version)
			slices.Sort(got)
			if want := o.having[n]; !slices.Equal(got, want) || d.subscribed(filter, version) != (len(want) > 0) {
				t.Fatalf("version %d, filter %d: subscribers %v, want %v", version, n, got, want)
			}
			if twin, ok := d.twinOf(uint32(n)); !ok || twin != filter {
				t.Fatalf("version %d, filter %d: found as a twin at %d, %v; want %d", version, n, twin, ok, filter)
			}
		}
		if _, ok := d.twinOf(uint32(len(d.filters))); ok {
			t.Fatalf("version %d: a later twin is found", version)
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
