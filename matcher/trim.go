package matcher

// largestKept is how many terms, keys, runs or lists an Event keeps room for from event to event. One that sees a larger event
// allocates for it, so that whoever publishes events cannot make every Event of a service as large as its largest.
const largestKept = 1 << 16

// trim lets go of what an unusually large event has grown. What grows with the index stays.
func (e *Event) trim() {
	e.syms, e.keys, e.runs, e.lists = within(e.syms), within(e.keys), within(e.runs), within(e.lists)
}

// within returns a slice that is not larger than what is kept, and nil in place of one that is.
func within[T any](s []T) []T {
	if cap(s) > largestKept {
		return nil
	}
	return s
}
