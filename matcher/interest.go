package matcher

// interest says what filters want to know of a slot besides its symbols.
type interest uint8

const (
	wantPresent interest = 1 << iota // some filter is filed under "the field is not empty"
	wantEmpty                        // some filter is filed under "the field is empty"
	wantTerms                        // some condition looks at the terms themselves
)

// interests is what is wanted, by slot; slots beyond its end are not asked about. Snapshots share the
// slice, so a changed one is a copy.
type interests []interest

func (s interests) with(slot uint32, want interest) interests {
	if int(slot) < len(s) && s[slot]&want != 0 {
		return s
	}
	changed := make(interests, max(len(s), int(slot)+1))
	copy(changed, s)
	changed[slot] |= want
	return changed
}

// withKey adds the question that an access key asks about a slot, if it is of that kind.
func (s interests) withKey(key uint64) interests {
	if key < reserved || key>>32 != 0 {
		return s
	}
	slot, want := uint32(key)&^reserved>>1, wantPresent
	if key&1 != 0 {
		want = wantEmpty
	}
	return s.with(slot, want)
}
