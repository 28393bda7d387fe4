package matcher

// tuning holds the limits at which an index changes its ways. None of them changes an answer, which is
// why the tests vary them.
type tuning struct {
	// smallIndex is the number of subscribers up to which every update rebuilds the index: that takes
	// less than a millisecond and keeps small indexes as compact as they can be.
	smallIndex int

	// backgroundFrom is the number of subscribers from which on a merge runs beside the updates that
	// follow, unless a single update brings largeUpdate changes or more, and a twentieth of what there is.
	backgroundFrom int
	largeUpdate    int

	// crewShare is how many subscribers each goroutine has at least in a merge that an update waits for.
	crewShare int

	// maxKeys bounds the keys of one filter. A filter with more stands under the presence of its fields
	// instead, where it costs a verification per event and no memory.
	maxKeys int

	// minSaved is how many visits per event the filters of a schema must save together. A schema costs
	// every event a lookup and is worth it when it saves more than that. Of those that do, the
	// maxSchemas most rewarding ones are used.
	minSaved   float64
	maxSchemas int

	// maxCombinations bounds the pairs made for one schema and event. An event with more - thousands of
	// labels and components - is answered by walking the pairs that exist, so its cost is bounded by
	// the index and not by the product.
	maxCombinations uint64

	// Nodes of one field that stand beside each other are worth a node of their own, which leads to those that an event can
	// reach, when there are so many. Fewer are tried one by one in less time.
	switchFrom, exceptFrom int
}

var standard = tuning{
	smallIndex:      64,
	backgroundFrom:  8192,
	largeUpdate:     1024,
	crewShare:       2048,
	maxKeys:         256,
	minSaved:        1.5,
	maxSchemas:      48,
	maxCombinations: 1024,
	switchFrom:      16,
	exceptFrom:      4,
}
