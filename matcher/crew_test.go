package matcher

import (
	"reflect"
	"testing"

	"hookline/jql"
)

// TestCrewsMakeTheSame: what a merge makes does not depend on how many work at it.
func TestCrewsMakeTheSame(t *testing.T) {
	never := jql.NewFilter(&jql.AnyOf{})
	made := func(c crew) *Index {
		x, w := New(), newWorkload(8)
		w.conditions = 0.1
		x.Update(append(w.entries(1, 3000), Entry{3001, never}), nil)
		for i := range ID(20) {
			x.Update([]Entry{{i * 7, never}}, []ID{i * 5})
		}
		m := x.writer.newMerger()
		m.run(c)
		x.writer.adopt(m)
		x.publish()
		return x
	}
	alone := made(1).writer.base
	if len(alone.sets) == 0 || len(alone.lists) == 0 || len(alone.code) == 0 {
		t.Fatalf("%d sets, %d lists, %d words of programs", len(alone.sets), len(alone.lists), len(alone.code))
	}
	for c := crew(2); c < 5; c++ {
		if together := made(c).writer.base; !reflect.DeepEqual(together, alone) {
			t.Errorf("%d made another base than one", c)
		}
	}
}
