package matcher

// work is what it took to match an event.
type work struct{ candidates, tests int }

// Candidates returns how many filters the keys of the event have led to since the last Reset, one that
// stands under several of its keys counted for each: how well the keys narrow the choice, to hold against what was
// found.
func (e *Event) Candidates() int { return e.work.candidates }

// Tests returns how many tests it took to tell which of the candidates hold. Filters share tests.
func (e *Event) Tests() int { return e.work.tests }
