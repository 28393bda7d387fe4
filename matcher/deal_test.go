package matcher

import (
	"cmp"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestDeal: dealt items are in the order of a stable sort by place, and the ends are those of their places.
func TestDeal(t *testing.T) {
	type item struct{ place, number int }
	rapid.Check(t, func(t *rapid.T) {
		places := rapid.IntRange(1, 12).Draw(t, "places")
		var parts [][]item
		var all []item
		for range rapid.IntRange(0, 3).Draw(t, "parts") {
			var part []item
			for _, p := range rapid.SliceOf(rapid.IntRange(0, places-1)).Draw(t, "part") {
				part = append(part, item{p, len(all) + len(part)})
			}
			parts, all = append(parts, part), append(all, part...)
		}
		dealt, ends := deal(places, func(i *item) int { return i.place }, parts...)
		slices.SortStableFunc(all, func(x, y item) int { return cmp.Compare(x.place, y.place) })
		if !slices.Equal(dealt, all) {
			t.Fatalf("dealt %v, want %v", dealt, all)
		}
		if len(ends) != places {
			t.Fatalf("%d ends of %d places", len(ends), places)
		}
		for place, end := range ends {
			want, _ := slices.BinarySearchFunc(all, place+1, func(i item, p int) int { return cmp.Compare(i.place, p) })
			if int(end) != want {
				t.Fatalf("place %d ends at %d, want %d: %v", place, end, want, all)
			}
		}
		sortDealt(dealt, 0, ends, func(x, y item) int { return cmp.Compare(y.number, x.number) })
		slices.SortFunc(all, func(x, y item) int { return cmp.Or(cmp.Compare(x.place, y.place), cmp.Compare(y.number, x.number)) })
		if !slices.Equal(dealt, all) {
			t.Fatalf("sorted %v, want %v", dealt, all)
		}
	})
}

// TestCut: the parts of what was dealt hold all of it, once, however it is spread.
func TestCut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var ends []uint32
		end := uint32(0)
		for _, n := range rapid.SliceOfN(rapid.Uint32Range(0, 5), 1, 20).Draw(t, "sizes") {
			end += n
			ends = append(ends, end)
		}
		c := crew(rapid.IntRange(1, 5).Draw(t, "crew"))
		place, item := 0, uint32(0)
		for part := range int(c) {
			from, first := c.cut(ends, part)
			to, next := c.cut(ends, part+1)
			if from != place || first != item || to < from || next < first {
				t.Fatalf("part %d begins at %d, %d and ends at %d, %d; the last one ended at %d, %d", part, from, first, to, next, place, item)
			}
			if to > 0 && next != ends[to-1] {
				t.Fatalf("part %d ends at item %d, its last place at %d", part, next, ends[to-1])
			}
			place, item = to, next
		}
		if item != end {
			t.Fatalf("the last part ends at %d of %d", item, end)
		}
	})
}
