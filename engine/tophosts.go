package engine

import (
	"cmp"
	"container/heap"
	"slices"

	"hookline/engine/dispatch"
	"hookline/queue"
)

// HostState is what is known of a host.
type HostState struct {
	dispatch.HostState

	// Backlog is how many deliveries wait for the host, due or due later, without those in flight. After a start it is too
	// small until the queue has counted what was there (queue.Stats.Counted).
	Backlog int
}

// Hosts calls yield for the hosts that something waits for, that deliveries went to lately, or whose breaker is not closed, in
// order of tenant, address and scheme, until it returns false. They are as they were when the call began.
//
// It costs a moment for each of these hosts and for each endpoint with something waiting or sent in the last minutes, and
// memory for all the hosts; nothing is read from the disk, and nobody waits.
func (e *Engine) Hosts(yield func(HostState) bool) {
	all := make([]HostState, 0, 64)
	e.eachHost(func(h HostState) { all = append(all, h) })
	slices.SortFunc(all, byName)
	for _, h := range all {
		if !yield(h) {
			return
		}
	}
}

// HostOrder compares hosts by what operators look for: it returns a positive number where a has more of it than b.
type HostOrder func(a, b *HostState) int

// The orders of TopHosts.
var (
	ByBacklog  HostOrder = func(a, b *HostState) int { return cmp.Compare(a.Backlog, b.Backlog) }
	ByFailures HostOrder = func(a, b *HostState) int { return cmp.Compare(a.Failures, b.Failures) } // in a row, since the last success
)

// TopHosts returns at most n of the hosts for which keep returns true, those with the most first, and of two with as much the
// one that is first by name. A nil keep is for all. It costs what Hosts does but for the sorting, as it holds on to n hosts alone.
func (e *Engine) TopHosts(order HostOrder, n int, keep func(*HostState) bool) []HostState {
	top := topHosts{order: order}
	e.eachHost(func(h HostState) {
		if keep == nil || keep(&h) {
			top.offer(h, n)
		}
	})
	return top.sorted()
}

// eachHost calls f for every host, in no order: those that the dispatcher knows, and those of paused endpoints,
// which it need not.
func (e *Engine) eachHost(f func(HostState)) {
	backlog := e.backlogs()
	for h := range e.dispatch.Hosts {
		f(HostState{h, backlog[h.Host]})
		delete(backlog, h.Host)
	}
	for host, n := range backlog {
		f(HostState{dispatch.HostState{Host: host, Limit: e.options.HostLimit}, n})
	}
}

// backlogs returns how many deliveries wait for hosts. What waits for endpoints that are gone is none's.
func (e *Engine) backlogs() map[Host]int {
	sums := map[Host]int{}
	e.queue.Backlogs(func(b queue.Backlog) bool {
		if t, ok := e.target(b.Endpoint); ok {
			sums[t.Host] += b.Waiting
		}
		return true
	})
	return sums
}

func byName(a, b HostState) int {
	return cmp.Or(cmp.Compare(a.Host.Tenant, b.Host.Tenant), cmp.Compare(a.Host.Address, b.Host.Address), cmp.Compare(a.Host.Scheme, b.Host.Scheme))
}

// topHosts is a heap of the hosts with the most so far, with the least of them at the root.
type topHosts struct {
	order HostOrder
	list  []HostState
}

// offer takes a host in where it is among the first n.
func (t *topHosts) offer(h HostState, n int) {
	switch {
	case len(t.list) < n:
		heap.Push(t, h)
	case n > 0 && t.compare(&h, &t.list[0]) > 0:
		t.list[0] = h
		heap.Fix(t, 0)
	}
}

// sorted returns the hosts, those with the most first. The heap is none after that.
func (t *topHosts) sorted() []HostState {
	slices.SortFunc(t.list, func(a, b HostState) int { return t.compare(&b, &a) })
	return t.list
}

func (t *topHosts) compare(a, b *HostState) int { return cmp.Or(t.order(a, b), byName(*b, *a)) }

// Len implements heap.Interface, as do the others.
func (t *topHosts) Len() int           { return len(t.list) }
func (t *topHosts) Less(i, j int) bool { return t.compare(&t.list[i], &t.list[j]) < 0 }
func (t *topHosts) Swap(i, j int)      { t.list[i], t.list[j] = t.list[j], t.list[i] }
func (t *topHosts) Push(h any)         { t.list = append(t.list, h.(HostState)) }
func (t *topHosts) Pop() any {
	last := len(t.list) - 1
	h := t.list[last]
	t.list = t.list[:last]
	return h
}
