package queue

import (
	"testing"

	"pgregory.net/rapid"
)

// TestEventSet compares the set with a map, with ids that are near to each other and ids that are not.
func TestEventSet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		first := rapid.Uint64Range(1, 2*pageEvents).Draw(t, "first")
		stride := rapid.SampledFrom([]uint64{1, 3, 61, pageEvents - 1, 1 << 40}).Draw(t, "stride")
		ids := make([]uint64, rapid.IntRange(0, 4*fewIDs).Draw(t, "ids"))
		for i := range ids {
			ids[i] = first + uint64(i)*stride
		}
		set, want := eventSet{}, map[uint64]bool{}
		for _, id := range ids {
			set.add(EventID(id))
			set.add(EventID(id))
			want[id] = true
		}
		for _, id := range ids {
			for _, near := range []uint64{id - 1, id, id + 1, id + pageEvents} {
				if set.has(EventID(near)) != want[near] {
					t.Fatalf("%d is in the set: %v", near, !want[near])
				}
			}
		}
	})
}

// Events that are few and far between, as those of one receiver that is down, take little each.
func TestEventSetOfFew(t *testing.T) {
	const n = 1000
	set := eventSet{}
	for i := range EventID(n) {
		set.add(i * pageEvents)
	}
	for page, p := range set {
		if p.all != nil || cap(p.few) > 8 {
			t.Fatalf("page %d has room for %d, or for all", page, cap(p.few))
		}
	}
}
