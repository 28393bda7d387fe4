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
		sortDealt(dealt, ends, func(x, y item) int { return cmp.Compare(y.number, x.number) })
		slices.SortFunc(all, func(x, y item) int { return cmp.Or(cmp.Compare(x.place, y.place), cmp.Compare(y.number, x.number)) })
		if !slices.Equal(dealt, all) {
			t.Fatalf("sorted %v, want %v", dealt, all)
		}
	})
}

// TestFilingsByKey: filings are in the order of their keys, and those of one key in that of before, wherever they are cut.
func TestFilingsByKey(t *testing.T) {
	const symbols, slots = 9, 3
	rapid.Check(t, func(t *rapid.T) {
		l := layout{symbols: symbols, slots: slots}
		key := rapid.Custom(func(t *rapid.T) uint64 {
			symbol := rapid.Uint32Range(1, symbols-1)
			slot := rapid.Uint32Range(0, slots-1)
			return rapid.SampledFrom([]uint64{
				always, uint64(symbol.Draw(t, "symbol")), pairKey(symbol.Draw(t, "first"), symbol.Draw(t, "second")),
				uint64(presentSymbol(slot.Draw(t, "slot"))), uint64(emptySymbol(slot.Draw(t, "slot"))),
			}).Draw(t, "key")
		})
		var parts [][]filing
		var all []filing
		for range rapid.IntRange(0, 3).Draw(t, "parts") {
			var part []filing
			for _, k := range rapid.SliceOf(key).Draw(t, "keys") {
				part = append(part, filing{key: k, filter: uint32(len(all) + len(part))})
			}
			parts, all = append(parts, part), append(all, part...)
		}
		sorted := l.byKey(parts)
		slices.SortStableFunc(all, func(x, y filing) int { return cmp.Compare(x.key, y.key) })
		if !slices.Equal(sorted, all) {
			t.Fatalf("%v, want %v", sorted, all)
		}
		cuts := cut(sorted, rapid.IntRange(1, 5).Draw(t, "cuts"))
		if !slices.Equal(slices.Concat(cuts...), sorted) {
			t.Fatalf("cut into %v of %v", cuts, sorted)
		}
		cuts = slices.DeleteFunc(cuts, func(fs []filing) bool { return len(fs) == 0 })
		for i := 1; i < len(cuts); i++ {
			if last := cuts[i-1]; last[len(last)-1].key == cuts[i][0].key {
				t.Fatalf("key %x in two parts: %v", cuts[i][0].key, cuts)
			}
		}
	})
}
