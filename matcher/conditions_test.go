package matcher

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"hookline/jql"
)

// spy is a condition that notes what it is asked.
type spy struct {
	jql.Condition
	asked *[]asked
}

type asked struct {
	terms int
	now   time.Time
}

func newSpy(n jql.Node) spy { return spy{n.(jql.Condition), new([]asked)} }

func (s spy) Holds(terms [][]byte, present bool, now time.Time) bool {
	*s.asked = append(*s.asked, asked{len(terms), now})
	return s.Condition.Holds(terms, present, now)
}

func entriesFor(nodes ...jql.Node) (entries []Entry) {
	for i, n := range nodes {
		entries = append(entries, Entry{ID(i), jql.NewFilter(n)})
	}
	return entries
}

// TestConditionsAreDecidedOnce: many filters share a condition, and an event asks it once, with all its
// terms and its time.
func TestConditionsAreDecidedOnce(t *testing.T) {
	for _, bound := range []string{"a", "z"} {
		shared := newSpy(after(fieldP, bound))
		var nodes []jql.Node
		for i := range 50 {
			nodes = append(nodes, all(is(fieldL, fmt.Sprint("l", i%3)), some(shared, is(fieldS, fmt.Sprint(i)))))
		}
		x := New()
		x.Update(entriesFor(nodes...), nil)
		v := x.View()
		d := document{now: firstDay, terms: map[jql.Field][]string{
			fieldL: {"l0", "l1", "l2"}, fieldP: {"b", "c", "b", "unknown"},
		}}
		var e Event
		for event := range 3 {
			d.fill(&e, v, false)
			if n, want := len(v.Match(nil, &e)), 50; bound == "a" && n != want || bound == "z" && n != 0 {
				t.Errorf("%d matches after %s", n, bound)
			}
			if want := slices.Repeat([]asked{{4, firstDay}}, event+1); !slices.Equal(*shared.asked, want) {
				t.Fatalf("after %d events: asked %v, want %v", event+1, *shared.asked, want)
			}
		}
		if s := x.Stats(); s.Conditions != 1 {
			t.Errorf("%d conditions", s.Conditions)
		}
	}
}

// TestConditionsOfCandidatesOnly: neither filters that no key leads to, nor those that a comparison of
// symbols rules out, nor fields that are empty ask a condition.
func TestConditionsOfCandidatesOnly(t *testing.T) {
	other, ruledOut, empty := newSpy(after(fieldP, "a")), newSpy(after(fieldP, "b")), newSpy(after(fieldL, "c"))
	x := New()
	x.Update(entriesFor(
		all(other, is(fieldS, "other")),
		all(ruledOut, is(fieldS, "s"), not(fieldS, "t")),
		all(empty, is(fieldS, "s")),
		empty,
	), nil)
	d := document{terms: map[jql.Field][]string{fieldP: {"x"}, fieldS: {"s", "t"}}}
	var e Event
	d.fill(&e, x.View(), false)
	if got := x.View().Match(nil, &e); len(got) != 0 {
		t.Errorf("matched %v", got)
	}
	for _, c := range []spy{other, ruledOut, empty} {
		if len(*c.asked) != 0 {
			t.Errorf("%s was asked", c)
		}
	}
}

// TestTimeOfAnEvent: it is good for one event, and matching again may be at another time.
func TestTimeOfAnEvent(t *testing.T) {
	c := newSpy(after(fieldP, "a"))
	x := New()
	x.Update(entriesFor(c), nil)
	v := x.View()
	var e Event
	for _, now := range []time.Time{firstDay, {}} {
		e.Reset(v)
		if !now.IsZero() {
			e.SetTime(now)
		}
		e.Add(0, []byte("b"))
		v.Match(nil, &e)
	}
	e.SetTime(firstDay)
	v.Match(nil, &e)
	if want := []asked{{1, firstDay}, {1, time.Time{}}, {1, firstDay}}; !slices.Equal(*c.asked, want) {
		t.Errorf("asked %v, want %v", *c.asked, want)
	}
}

// TestConditionsGo: a merge leaves behind what no filter names, and a View from before keeps it.
func TestConditionsGo(t *testing.T) {
	x := New()
	x.Update(entriesFor(after(fieldP, "a"), all(after(fieldS, "b"), after(fieldP, "a")), after(fieldS, "c")), nil)
	old := x.View()
	x.Update(nil, []ID{1, 2})
	if s := x.Stats(); s.Conditions != 1 {
		t.Errorf("%d conditions are left", s.Conditions)
	}
	now := x.View()
	if want := []interest{wantTerms | wantPresent}; !slices.Equal(now.interests.bySlot, want) {
		t.Errorf("interests %v, want %v", now.interests.bySlot, want)
	}
	d := document{terms: map[jql.Field][]string{fieldP: {"b"}, fieldS: {"c"}}}
	var e Event
	d.fill(&e, old, false)
	if got := matchSorted(old, &e); !slices.Equal(got, []ID{0, 1}) {
		t.Errorf("the old view matched %v", got)
	}
	d.fill(&e, now, false)
	if got := matchSorted(now, &e); !slices.Equal(got, []ID{0}) || len(e.texts.bytes) != 1 {
		t.Errorf("the new view matched %v, keeping %q", got, e.texts.bytes)
	}
}

// TestConditionsOfAnOldView: a field that becomes interesting later is none of a View's business.
func TestConditionsOfAnOldView(t *testing.T) {
	x := New()
	x.writer = newWriter(&tuning{backgroundFrom: 1 << 30, maxKeys: 256})
	x.Update(entriesFor(is(fieldP, "x"), after(fieldS, "a")), nil)
	old := x.View()
	x.Update([]Entry{{7, jql.NewFilter(after(fieldP, "a"))}}, nil)
	d := document{terms: map[jql.Field][]string{fieldP: {"x"}, fieldS: {"b"}}}
	var e Event
	for _, test := range []struct {
		view *View
		ids  []ID
		kept string
	}{{old, []ID{0, 1}, "b"}, {x.View(), []ID{0, 1, 7}, "xb"}, {old, []ID{0, 1}, "b"}} {
		d.fill(&e, test.view, false)
		if got := matchSorted(test.view, &e); !slices.Equal(got, test.ids) || string(e.texts.bytes) != test.kept {
			t.Errorf("matched %v, want %v; kept %q, want %q", got, test.ids, e.texts.bytes, test.kept)
		}
	}
}

// TestLargeTextsGo: one event with a huge text does not weigh on those after it.
func TestLargeTextsGo(t *testing.T) {
	x := New()
	x.Update(entriesFor(after(fieldP, "a")), nil)
	v := x.View()
	var e Event
	e.Reset(v)
	e.Add(0, make([]byte, keptText+1))
	e.Reset(v)
	if n := cap(e.texts.bytes); n != 0 {
		t.Errorf("%d bytes kept", n)
	}
	e.Add(0, []byte("b"))
	if got := v.Match(nil, &e); len(got) != 1 {
		t.Errorf("matched %v", got)
	}
}
