package matcher

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"hookline/jql"
)

// genEntries draws subscribers out of a small range, so that some are replaced and some share filters.
func genEntries(ids, atMost int) *rapid.Generator[[]Entry] {
	return rapid.Custom(func(t *rapid.T) []Entry {
		pool := rapid.SliceOfN(genFilter(), 1, 30).Draw(t, "pool")
		add := make([]Entry, rapid.IntRange(0, atMost).Draw(t, "size"))
		for i := range add {
			add[i] = Entry{
				ID:     ID(rapid.IntRange(0, ids).Draw(t, "id")),
				Filter: rapid.SampledFrom(pool).Draw(t, "filter"),
			}
		}
		return add
	})
}

// genIndex draws an empty index that changes its ways early or late.
func genIndex() *rapid.Generator[*Index] {
	return rapid.Custom(func(t *rapid.T) *Index {
		x := New()
		x.writer = newWriter(&tuning{
			smallIndex:      rapid.SampledFrom([]int{0, 64}).Draw(t, "smallIndex"),
			backgroundFrom:  rapid.SampledFrom([]int{0, 8192}).Draw(t, "backgroundFrom"),
			largeUpdate:     rapid.SampledFrom([]int{1, 1024}).Draw(t, "largeUpdate"),
			crewShare:       rapid.SampledFrom([]int{1, 2048}).Draw(t, "crewShare"),
			maxKeys:         rapid.SampledFrom([]int{2, 256}).Draw(t, "maxKeys"),
			minSaved:        rapid.SampledFrom([]float64{0, 1.5}).Draw(t, "minSaved"),
			maxSchemas:      48,
			maxCombinations: rapid.SampledFrom([]uint64{0, 3, 1024}).Draw(t, "maxCombinations"),
			switchFrom:      rapid.SampledFrom([]int{1, 2, 16}).Draw(t, "switchFrom"),
			exceptFrom:      rapid.SampledFrom([]int{1, 2, 4}).Draw(t, "exceptFrom"),
		})
		return x
	})
}

// settle waits for the merges that run beside the updates.
func (x *Index) settle() {
	for {
		x.mu.Lock()
		var over chan struct{}
		if x.writer != nil {
			over = x.writer.merging
		}
		x.mu.Unlock()
		if over == nil {
			return
		}
		<-over
	}
}

func genIDs(ids, atMost int) *rapid.Generator[[]ID] {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) ID {
		return ID(rapid.IntRange(0, ids).Draw(t, "id"))
	}), 0, atMost)
}

func checkAgainst(t *rapid.T, v *View, m model, e *Event) {
	d := genDocument().Draw(t, "document")
	d.fill(e, v, rapid.Bool().Draw(t, "backwards"))
	if got, want := matchSorted(v, e), m.match(d); !slices.Equal(got, want) {
		t.Fatalf("matched %v, want %v, event %v", got, want, d)
	}
}

// TestHistories holds the index against the plain evaluation through random updates, and every view
// against the state that it was taken from, however much later it is asked.
func TestHistories(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, m := genIndex().Draw(t, "index"), model{}
		defer x.settle()
		var e Event
		type kept struct {
			view  *View
			model model
		}
		var old []kept
		ids := rapid.SampledFrom([]int{20, 400}).Draw(t, "ids")
		for range rapid.IntRange(1, 8).Draw(t, "updates") {
			add := genEntries(ids, ids/4).Draw(t, "add")
			remove := genIDs(ids, ids/8).Draw(t, "remove")
			x.Update(add, remove)
			m.apply(add, remove)
			if rapid.Bool().Draw(t, "settle") {
				x.settle()
			}
			if x.Len() != len(m) {
				t.Fatalf("%d subscribers, want %d", x.Len(), len(m))
			}
			old = append(old, kept{x.View(), m.clone()})
		}
		for _, k := range old {
			checkAgainst(t, k.view, k.model, &e)
		}
	})
}

// TestDelta lets an index of some size change little by little, so that most filters are in the base
// and the changes in the delta.
func TestDelta(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, m := genIndex().Draw(t, "index"), model{}
		defer x.settle()
		pool := rapid.SliceOfN(genFilter(), 40, 40).Draw(t, "pool")
		var first []Entry
		for id := range ID(300) {
			first = append(first, Entry{id, pool[int(id)%len(pool)]})
		}
		x.Update(first, nil)
		m.apply(first, nil)
		var e Event
		for range rapid.IntRange(1, 12).Draw(t, "updates") {
			add := genEntries(400, 4).Draw(t, "add")
			remove := genIDs(400, 4).Draw(t, "remove")
			x.Update(add, remove)
			m.apply(add, remove)
			checkAgainst(t, x.View(), m, &e)
		}
	})
}

func TestEmptyIndex(t *testing.T) {
	x := New()
	x.Update(nil, []ID{1})
	var e Event
	e.Reset(x.View())
	if ids := x.View().Match(nil, &e); ids != nil || x.Len() != 0 || len(x.View().Fields()) != 0 {
		t.Errorf("an empty index matched %v", ids)
	}
}

func TestUpdateWithoutEffectKeepsTheView(t *testing.T) {
	x := New()
	f := jql.NewFilter(&jql.Test{Field: testFields[0], Terms: []string{"a"}})
	x.Update([]Entry{{1, f}}, nil)
	v := x.View()
	x.Update([]Entry{{1, jql.NewFilter(f.Root())}}, []ID{9})
	if x.View() != v {
		t.Error("a new view although nothing changed")
	}
}

func TestReplaceWithinOneUpdate(t *testing.T) {
	a := jql.NewFilter(&jql.Test{Field: testFields[0], Terms: []string{"a"}})
	b := jql.NewFilter(&jql.Test{Field: testFields[0], Terms: []string{"b"}})
	x := New()
	x.Update([]Entry{{1, a}, {1, b}, {2, a}}, nil)
	x.Update([]Entry{{2, b}}, []ID{2, 1})
	m := model{2: b}
	for _, term := range []string{"a", "b"} {
		d := document{terms: map[jql.Field][]string{testFields[0]: {term}}}
		var e Event
		d.fill(&e, x.View(), false)
		if got, want := matchSorted(x.View(), &e), m.match(d); !slices.Equal(got, want) {
			t.Errorf("%s: matched %v, want %v", term, got, want)
		}
	}
}

func TestMatchRefusesAnEventOfAnotherView(t *testing.T) {
	x := New()
	var e Event
	e.Reset(x.View())
	x.Update([]Entry{{1, jql.NewFilter(&jql.AllOf{})}}, nil)
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	x.View().Match(nil, &e)
}
