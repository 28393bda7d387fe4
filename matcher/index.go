package matcher

import (
	"sync"
	"sync/atomic"
	"time"

	"hookline/jql"
)

// ID is a subscriber, numbered by the caller.
type ID uint32

// Entry says that a subscriber wants the events for which a filter holds.
type Entry struct {
	ID     ID
	Filter *jql.Filter
}

// Index is a set of subscribers, each with one filter. Equal filters are kept once, however many
// subscribers share them. Filters are compiled into the index, which retains nothing of them but their
// fields and conditions. Only those of updates that come while a merge runs are kept until that is over,
// so the filters of a [jql.Decoder], which are good until its Reset, are for the first update of an index.
//
// An empty Index takes some hundred bytes, and an Index has no goroutine except while a large one
// merges, so there may be thousands.
type Index struct {
	view atomic.Pointer[View]

	mu     sync.Mutex // held by Update
	writer *writer    // nil before the first subscriber
}

// emptyView is the state of all indexes that never had a subscriber.
var emptyView View

// New returns an empty Index.
func New() *Index {
	x := new(Index)
	x.view.Store(&emptyView)
	return x
}

// Update removes subscribers, then adds others; one that is present already gets its new filter.
// Removing an unknown subscriber does nothing. Views taken before the call do not change, and views
// taken after it see all of it.
//
// The cost follows the number of changes. After changes in proportion to its size, fewer where the last time is long
// ago, an index is rebuilt as a whole, which takes about a microsecond per filter: a small one within the call, a large
// one in a goroutine beside the calls that follow. A call that itself brings very many is the exception: it
// rebuilds before it returns, on up to four processors, unless a merge is under way already. Readers
// are never held up. Passing many entries in one call is cheaper than many calls. Update panics on an
// entry without a filter, before anything is changed.
func (x *Index) Update(add []Entry, remove []ID) {
	for _, e := range add {
		if e.Filter == nil {
			panic("matcher: an entry without a filter")
		}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.writer == nil {
		if len(add) == 0 {
			return
		}
		x.writer = newWriter(&standard)
	}
	if x.writer.update(add, remove) {
		x.publish()
		if x.writer.mergeDue() {
			x.mergeBeside()
		}
	}
}

// publish makes the writer's state the present one. Called with x.mu held.
func (x *Index) publish() {
	x.writer.seen = x.writer.seen.covering(len(x.writer.symbols.terms), time.Now())
	x.writer.ownInterests = false
	x.view.Store(&View{x.writer.snapshot})
}

// View returns the present state. It is one atomic load.
func (x *Index) View() *View { return x.view.Load() }

// Len returns the present number of subscribers. Like View, it never blocks.
func (x *Index) Len() int { return x.View().subscribers }
