package queue

import (
	"cmp"
	"fmt"
	"slices"
	"sync"

	"github.com/cockroachdb/pebble/v2"
)

// groups makes accepts that come at the same time share a commit (group commit): while one group is being written and
// synced, whoever comes joins the next. So groups grow with the load and with the time that a sync takes, an accept that is
// alone is written at once, and the disk syncs no more often than it can.
//
// The database would let each of them have a commit of its own and sync several together. One batch for all costs the
// processor far less: one pass through the commit pipeline, one entry in the log, and keys that are put next to each
// other into the memtable.
type groups struct {
	mu   sync.Mutex
	open *group     // takes in who comes; nil if its first member is still to come
	turn sync.Mutex // held by the group that is being written
}

// group is accepts that are written as one: all of them or, after an error, none.
type group struct {
	members []*accepting
	size    int
	done    chan struct{} // closed when the group is written
	err     error
}

const (
	// maxShared is the largest accept, in bytes, that shares a commit. Larger ones are written next to the groups, so that
	// nobody waits for them.
	maxShared = 64 << 10

	// maxGroup is how large a group gets, in bytes. That is well under what makes the database write a batch in another way.
	maxGroup = 4 << 20
)

// join makes an accept a member of the group that is open. It reports whether it is the first, which has to lead the group.
func (gs *groups) join(a *accepting) (g *group, first bool) {
	gs.mu.Lock()
	defer gs.mu.Unlock()
	if gs.open == nil || gs.open.size+a.size > maxGroup {
		gs.open = &group{done: make(chan struct{})}
		first = true
	}
	g = gs.open
	g.members = append(g.members, a)
	g.size += a.size
	return g, first
}

// shut keeps a group from taking in more.
func (gs *groups) shut(g *group) {
	gs.mu.Lock()
	if gs.open == g {
		gs.open = nil
	}
	gs.mu.Unlock()
}

// write writes an accept, together with others if that is worth while. When it returns nil, what was accepted is durable and
// handed over.
func (q *Queue) write(a *accepting) error {
	if a.size > q.opts.maxShared || !a.writes() {
		alone := group{members: []*accepting{a}, size: a.size}
		return q.writeGroup(&alone)
	}
	g, first := q.groups.join(a)
	if !first {
		<-g.done
		return g.err
	}
	q.lead(g)
	return g.err
}

// lead writes a group when its turn has come. Its members are told before the next group gets its turn: those that accept again at
// once are in that one then, and groups are larger.
func (q *Queue) lead(g *group) {
	q.groups.turn.Lock()
	defer q.groups.turn.Unlock()
	q.groups.shut(g)
	slices.SortFunc(g.members, byEndpoint)
	g.err = q.writeGroup(g)
	close(g.done)
}

// writeGroup gives the fresh messages of a group their ids, commits them and hands their deliveries over.
func (q *Queue) writeGroup(g *group) error {
	if g.members[0].writes() { // who does not is alone, and gets on though the disk takes nothing
		q.admitted.writes()
		defer q.admitted.wrote()
	}
	fresh := 0
	for _, a := range g.members {
		fresh += a.fresh
	}
	t, err := q.writers.begin(fresh)
	if err != nil {
		return err
	}
	defer q.writers.end(t)
	stamp := q.endpoints.removals.Load() // behind the begin, so that the later ones know of the write
	id := t.event
	for _, a := range g.members {
		id = a.number(id, t.low)
		a.choose()
	}
	room := 64
	for _, a := range g.members {
		room += a.room
	}
	b := q.db.NewBatchWithSize(room)
	defer b.Close()
	if err := g.fill(b); err != nil {
		return err
	}
	if !b.Empty() {
		if err := q.commitGroup(g, b); err != nil {
			return err
		}
		for _, a := range g.members {
			if q.hooks.afterCommit != nil {
				q.hooks.afterCommit(a.messages)
			}
			a.handOver(stamp)
		}
	}
	q.counts.accepted.Add(uint64(fresh))
	return nil
}

// byEndpoint is the order of the keys of deliveries, as far as messages have one each. Accepts that come at the same time have no
// order of their own.
func byEndpoint(a, b *accepting) int { return cmp.Compare(a.endpoint(), b.endpoint()) }

// fill puts keys of a kind next to each other and in their order, since the memtable finds the place of a key from that of the
// one before.
func (g *group) fill(b *pebble.Batch) error {
	for _, add := range [...]func(*accepting, *pebble.Batch) error{
		(*accepting).addPayloads, (*accepting).addDeliveries, (*accepting).addParts, (*accepting).addKeys,
	} {
		for _, a := range g.members {
			if err := add(a, b); err != nil {
				return err
			}
		}
	}
	return nil
}

func (q *Queue) commitGroup(g *group, b *pebble.Batch) error {
	if q.hooks.beforeCommit != nil {
		for _, a := range g.members {
			q.hooks.beforeCommit(a.messages)
		}
	}
	before := q.syncs.committed.Load()
	if err := q.commitTimed(b, q.opts.acceptOptions); err != nil {
		return fmt.Errorf("queue: accept: %w", err)
	}
	q.syncs.covered(before)
	return nil
}
