package matcher

import (
	"fmt"
	"slices"
	"testing"

	"hookline/jql"
)

// TestBulkAndSingleUpdates goes on from a first base, made of subscribers in any order and some of them repeatedly, with single
// changes and with batches that end in a merge.
func TestBulkAndSingleUpdates(t *testing.T) {
	within, beside := standard, standard
	within.largeUpdate, within.crewShare = 100, 50
	beside.backgroundFrom, beside.largeUpdate, beside.smallIndex = 0, 300, 0
	for name, tuned := range map[string]tuning{"merges within updates": within, "merges beside updates": beside} {
		t.Run(name, func(t *testing.T) {
			w := newWorkload(11)
			w.conditions = 0.2
			docs := w.documents(6)
			x, m := New(), model{}
			x.writer = newWriter(&tuned)
			defer x.settle()
			update := func(n int, remove []ID) {
				add := w.entries(0, n)
				for i := range add {
					add[i].ID = ID(w.rng.IntN(600))
				}
				x.Update(add, remove)
				m.apply(add, remove)
				if x.Len() != len(m) {
					t.Fatalf("%d subscribers, want %d", x.Len(), len(m))
				}
				var e Event
				for _, d := range docs {
					compareTo(t, x.View(), m, d, &e)
				}
			}
			for range 4 {
				update(400, nil)
				for range 5 {
					update(1, nil)
					update(0, []ID{ID(w.rng.IntN(600))})
				}
				update(30, []ID{1, 2, 3})
			}
		})
	}
}

// TestFillKeepsWhatIsEqualOnce: filters are told apart by what they say and not by where they are.
func TestFillKeepsWhatIsEqualOnce(t *testing.T) {
	x := New()
	var add []Entry
	for i := range 100 {
		add = append(add, Entry{ID(100 - i), jql.NewFilter(all(is(fieldP, "a"), is(fieldS, fmt.Sprint(i%3))))})
	}
	x.Update(add, nil)
	if s := x.Stats(); s.Subscribers != 100 || s.Filters != 3 {
		t.Errorf("%d filters of %d subscribers", s.Filters, s.Subscribers)
	}
}

// TestFillAsksForNoIdentities: of filters that were just decoded nothing is worked out, which would take longer than all the rest.
func TestFillAsksForNoIdentities(t *testing.T) {
	const n = 2000
	written := formsOf(t, newWorkload(3).entries(0, n))
	var d jql.Decoder
	allocations := testing.AllocsPerRun(1, func() { New().Update(decoded(t, &d, written), nil) })
	if allocations > n {
		t.Errorf("%v allocations for %d filters", allocations, n)
	}
}

// TestIndexOutlivesItsDecoder: an index goes on to answer, and is merged, when its decoder has read other filters.
func TestIndexOutlivesItsDecoder(t *testing.T) {
	w := newWorkload(4)
	w.conditions = 0.3
	first := w.entries(0, 3000)
	var d jql.Decoder
	x, m := New(), model{}
	x.Update(decoded(t, &d, formsOf(t, first)), nil)
	m.apply(first, nil)
	decoded(t, &d, formsOf(t, w.entries(0, 3000)))
	docs := w.documents(6)
	var e Event
	for _, some := range [][]Entry{nil, w.entries(2900, 5), w.entries(2000, 1500)} {
		x.Update(some, nil)
		m.apply(some, nil)
		for _, doc := range docs {
			compareTo(t, x.View(), m, doc, &e)
		}
	}
}

// formsOf returns the binary forms of filters.
func formsOf(t *testing.T, entries []Entry) (written []string) {
	for _, e := range entries {
		form, err := e.Filter.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		written = append(written, string(form))
	}
	return written
}

// decoded reads filters, which are those of the subscribers from 0 on.
func decoded(t *testing.T, d *jql.Decoder, written []string) []Entry {
	d.Reset(nil)
	entries := make([]Entry, len(written))
	for i, form := range written {
		f, err := d.Decode(form)
		if err != nil {
			t.Fatal(err)
		}
		entries[i] = Entry{ID(i), f}
	}
	return entries
}

// TestPairsAreFoundInAnyOrder: of many filters some say which pairs are worth a lookup. Those are not all of one kind where the
// kinds take turns, as they do when many apps register the same few.
func TestPairsAreFoundInAnyOrder(t *testing.T) {
	kinds := [][2]jql.Field{{fieldP, fieldS}, {fieldP, fieldL}, {fieldS, fieldL}, {fieldP, {Name: "k"}}}
	var add []Entry
	for i := range 4 * sampleSize {
		kind, n := kinds[i%len(kinds)], i/len(kinds)
		add = append(add, Entry{ID(i), jql.NewFilter(all(is(kind[0], fmt.Sprint(n%64)), is(kind[1], fmt.Sprint(n/64))))})
	}
	x := New()
	x.Update(add, nil)
	v := x.View()
	slot := func(f jql.Field) uint32 { return uint32(slices.Index(v.Fields(), f)) }
	for _, kind := range kinds {
		a, b := slot(kind[0]), slot(kind[1])
		if !v.base.admits(schema{min(a, b), max(a, b)}) {
			t.Errorf("no pairs of %s and %s", kind[0].Name, kind[1].Name)
		}
	}
}

// TestFieldsAreHashedInFull: fields that differ in one part only, of which filters may bring any number, have hashes that differ.
func TestFieldsAreHashedInFull(t *testing.T) {
	hashes := map[uint32]bool{}
	const n = 100
	for i := range n {
		text := fmt.Sprint(i)
		for _, f := range []jql.Field{
			{Name: text}, {Name: "p", Key: text}, {Name: "p", Path: text}, {Name: "p", Key: "k", Path: text}, {Name: "p", Aspect: jql.Aspect(i)},
		} {
			hashes[hashField(&f)] = true
		}
	}
	if len(hashes) < 5*n-5 {
		t.Errorf("%d hashes of %d fields", len(hashes), 5*n)
	}
}
