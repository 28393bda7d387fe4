package dispatch

import (
	"slices"
	"testing"

	"hookline/queue"
)

func TestRing(t *testing.T) {
	var r ring
	turns := func(n int) (ids []queue.EndpointID) {
		for range n {
			id, _ := r.turn()
			ids = append(ids, id)
		}
		return ids
	}
	for id := queue.EndpointID(1); id <= 3; id++ {
		r.wake(id)
	}
	r.wake(2)
	if got, want := turns(4), []queue.EndpointID{1, 2, 3, 1}; !slices.Equal(got, want) {
		t.Errorf("turns %v, want %v", got, want)
	}

	id, wake := r.turn()
	r.wake(id)
	if r.rest(id, wake) {
		t.Error("an endpoint rests although it was woken after its turn began")
	}
	if !r.rest(id, wake+1) || r.rest(id, wake+1) {
		t.Error("an endpoint should rest once")
	}
	if got, want := turns(3), []queue.EndpointID{3, 1, 3}; !slices.Equal(got, want) {
		t.Errorf("turns %v, want %v", got, want)
	}

	r.wake(id)
	if r.rest(id, wake+1) {
		t.Error("the number of a wake-up of the past was accepted")
	}
	for r.len() > 0 {
		if !r.rest(r.turn()) {
			t.Fatal("an endpoint does not rest")
		}
	}
	if r.head != nil {
		t.Error("an empty ring has a head")
	}
}
