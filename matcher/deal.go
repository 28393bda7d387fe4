package matcher

import "slices"

// deal returns items in the order of their places, of which there are so many, and the ends of those of each place. Items of one place
// stay in their order. It takes two passes, where a sort looks at every item again and again.
func deal[T any](places int, place func(*T) int, items ...[]T) (dealt []T, ends []uint32) {
	ends = make([]uint32, places+1)
	all := 0
	for _, part := range items {
		for i := range part {
			ends[place(&part[i])+1]++
		}
		all += len(part)
	}
	for i := range places {
		ends[i+1] += ends[i]
	}
	// Each place begins where the last one ends, and has its end where it belongs when all its items are there.
	dealt = make([]T, all)
	for _, part := range items {
		for i := range part {
			at := &ends[place(&part[i])]
			dealt[*at] = part[i]
			*at++
		}
	}
	return dealt, ends[:places]
}

// sortDealt sorts what was dealt to each place.
func sortDealt[T any](dealt []T, ends []uint32, compare func(x, y T) int) {
	lo := uint32(0)
	for _, hi := range ends {
		if hi-lo > 1 {
			slices.SortFunc(dealt[lo:hi], compare)
		}
		lo = hi
	}
}
