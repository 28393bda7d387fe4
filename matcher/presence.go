package matcher

// presence says which keys of a slot besides its terms have filters.
type presence uint8

const (
	askPresent presence = 1 << iota
	askEmpty
)

// withPresence returns p with the question that key asks about a slot, if it is of that kind. Snapshots
// share the slice, so a changed one is a copy.
func withPresence(p []presence, key uint64) []presence {
	if key < reserved || key>>32 != 0 {
		return p
	}
	slot, ask := int(key&^reserved>>1), askPresent
	if key&1 != 0 {
		ask = askEmpty
	}
	if slot < len(p) && p[slot]&ask != 0 {
		return p
	}
	changed := make([]presence, max(len(p), slot+1))
	copy(changed, p)
	changed[slot] |= ask
	return changed
}
