package matcher

import (
	"runtime"
	"sync"
)

// crew is how many goroutines work at a merge.
type crew int

// crewFor returns the crew of a merge of so many subscribers that an update waits for. What one of them makes the others may make
// again, so there are never many.
func crewFor(subscribers int, t *tuning) crew {
	const most = 4
	return crew(max(1, min(runtime.GOMAXPROCS(0), subscribers/max(1, t.crewShare), most)))
}

// each has the crew do one piece of work for each of its members, all at once.
func (c crew) each(work func(part int)) {
	var others sync.WaitGroup
	for part := 1; part < int(c); part++ {
		others.Go(func() { work(part) })
	}
	work(0)
	others.Wait()
}

// share is each, where a part is a range of n things.
func (c crew) share(n int, work func(part, lo, hi int)) {
	c.each(func(part int) { work(part, n*part/int(c), n*(part+1)/int(c)) })
}
