package queue

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
)

// joined waits until the group that is open has n members.
func (h *house) joined(n int) {
	for {
		h.groups.mu.Lock()
		open := h.groups.open
		there := open != nil && len(open.members) == n
		h.groups.mu.Unlock()
		if there {
			return
		}
		runtime.Gosched()
	}
}

// What comes while a group is being written is one group, with one commit and one time; a message that is too large for that,
// and one that nothing is written of, wait for nobody.
func TestAcceptsShareACommit(t *testing.T) {
	p := newPausing("first")
	h := newHouse(t, Options{hooks: hooks{beforeCommit: p.hook}})
	finish := p.start(t, h, "first", to(1)...)
	const n = 10
	receipts := make([]Receipt, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			var err error
			receipts[i], err = h.Accept(context.Background(), Message{Payload: fmt.Append(nil, i), Deliveries: to(1, 2), Key: fmt.Sprint("key", i)})
			if err != nil {
				t.Error(err)
			}
		})
	}
	h.joined(n)
	large := strings.Repeat("x", maxShared)
	h.accept(large, to(3)...)
	h.takes(3, large)
	h.accept("nobody's")
	finish()
	all.Wait()
	slices.SortFunc(receipts, func(a, b Receipt) int { return int(a.Event) - int(b.Event) })
	for i, r := range receipts {
		if !r.Accepted.Equal(receipts[0].Accepted) || r.Event != receipts[0].Event+EventID(i) || r.Deliveries != 2 || r.Repeated {
			t.Errorf("receipt %d: %+v", i, r)
		}
	}
	h.reopen()
	h.takes(3, large)
	if got := len(h.takesAll(1)); got != n+1 {
		t.Errorf("endpoint 1 has %d deliveries", got)
	}
	if got := len(h.takesAll(2)); got != n {
		t.Errorf("endpoint 2 has %d deliveries", got)
	}
	for i := range n {
		r, err := h.Accept(context.Background(), Message{Payload: fmt.Append(nil, i), Deliveries: to(1), Key: fmt.Sprint("key", i)})
		if err != nil || !r.Repeated {
			t.Errorf("again: %+v, %v", r, err)
		}
	}
}

// takesAll takes what there is.
func (h *house) takesAll(ep EndpointID) (all []*Delivery) {
	for d, ok := h.Take(ep); ok; d, ok = h.Take(ep) {
		all = append(all, &d)
	}
	return all
}

// A group that is large enough takes in no more, and those behind it are written after it.
func TestGroupIsBounded(t *testing.T) {
	p := newPausing("first")
	h := newHouse(t, Options{hooks: hooks{beforeCommit: p.hook}})
	finish := p.start(t, h, "first", to(1)...)
	payload := []byte(strings.Repeat("x", maxShared-1024))
	n := maxGroup/len(payload) + 5
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			if _, err := h.Accept(context.Background(), Message{Payload: payload, Deliveries: to(1)}); err != nil {
				t.Error(err)
			}
		})
	}
	for h.Stats().Accepting < int64(n)+1 {
		runtime.Gosched()
	}
	h.groups.mu.Lock()
	if open := h.groups.open; open != nil && open.size > maxGroup {
		t.Errorf("a group of %d bytes", open.size)
	}
	h.groups.mu.Unlock()
	finish()
	all.Wait()
	if got := len(h.takesAll(1)); got != n+1 {
		t.Errorf("%d deliveries of %d", got, n+1)
	}
}
