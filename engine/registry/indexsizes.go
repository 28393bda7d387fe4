package registry

import "hookline/matcher"

// IndexSizes are sizes of an index, or of several together.
type IndexSizes struct {
	// Filed counts filters by what an event has to have for them to be looked at, the names of [matcher.Filing]. Of
	// these, nowhere is the name of those that nothing matches.
	Filed map[string]int

	Keys       int // access keys that filters stand under
	Terms      int // values that they name
	Conditions int // orders and patterns in them
	Pending    int // subscriptions that came or went since the last rebuild
	Bytes      int // in memory, about
}

func newIndexSizes() IndexSizes {
	z := IndexSizes{Filed: map[string]int{}}
	for filing := range (matcher.Filings{}) {
		z.Filed[matcher.Filing(filing).String()] = 0
	}
	return z
}

func (z *IndexSizes) add(x *index) {
	s := x.set.Stats()
	for filing, n := range s.Filed {
		z.Filed[matcher.Filing(filing).String()] += n
	}
	z.Keys += s.Keys
	z.Terms += s.Terms
	z.Conditions += s.Conditions
	z.Pending += s.Delta
	z.Bytes += s.Bytes + x.observed.bytes()
}

// IndexSizes adds up the sizes of all indexes that are built. It visits every tenant.
func (r *Registry) IndexSizes() IndexSizes {
	sum := newIndexSizes()
	for _, x := range r.indexes() {
		sum.add(x)
	}
	return sum
}

// indexes lists the indexes that are built. The figures of one wait while it is rebuilt, which must hold up nobody else.
func (r *Registry) indexes() []*index {
	var list []*index
	for _, t := range r.allTenants() {
		if x := t.indexed(); x != nil {
			list = append(list, x)
		}
	}
	return list
}
