package bench

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"hookline/jql"
	"hookline/matcher"
)

func TestMatch(t *testing.T) {
	if testing.Short() {
		t.Skip("has one goroutine, and takes long under the race detector")
	}
	var results []MatchResult
	c := MatchConfig{Filters: []int{200, 3000}, Events: 60, For: time.Millisecond, Seed: 7, Progress: t.Logf}
	err := Match(t.Context(), c, func(r MatchResult) error {
		results = append(results, r)
		return nil
	})
	if err != nil || len(results) != 2 {
		t.Fatalf("%d results, %v", len(results), err)
	}
	for i, r := range results {
		t.Logf("%+v", r)
		if r.Filters != c.Filters[i] || r.Mismatches != 0 || r.Checked != c.Events || r.Rounds < leastRounds {
			t.Errorf("%+v", r)
		}
		for name, figure := range map[string]float64{
			"ns": r.NS, "matches": r.Matches, "naive": r.NaiveNS, "floor": r.FloorNS, "naive over index": r.NaiveOverIndex,
			"index over floor": r.IndexOverFloor, "extract": r.ExtractNS, "extract and match": r.ExtractMatchNS,
			"median": r.ExtractMatchMedianNS, "bytes": r.Bytes, "build": r.BuildUS, "distinct": float64(r.Distinct),
		} {
			if figure <= 0 {
				t.Errorf("%s is %v", name, figure)
			}
		}
		if r.Allocs != 0 || r.ExtractAllocs != 0 {
			t.Errorf("%v and %v allocations", r.Allocs, r.ExtractAllocs)
		}
		if r.ExtractBytes < 2000 || r.ExtractBytes > 2600 {
			t.Errorf("bodies of %v bytes", r.ExtractBytes)
		}
	}
}

// An index that lacks a filter, has one too many or gives one twice is not overlooked.
func TestMatchNoticesWhatIsWrong(t *testing.T) {
	r := &registrations{of: []int32{0, 1, 0}, texts: []string{"a", "b"}}
	holds := newBitset(2)
	holds.add(0)
	for _, c := range []struct {
		ids  []matcher.ID
		want bool
	}{
		{[]matcher.ID{0, 2}, true}, {[]matcher.ID{2, 0}, true},
		{nil, false}, {[]matcher.ID{0}, false}, {[]matcher.ID{0, 1, 2}, false}, {[]matcher.ID{0, 2, 2}, false},
		{[]matcher.ID{0, 0, 2}, false}, {[]matcher.ID{0, 2, 3}, false},
	} {
		if got := r.agree(slices.Clone(c.ids), holds); got != c.want {
			t.Errorf("%v: %v", c.ids, got)
		}
	}
}

// Each side is compared: what differs from the plain evaluator is counted, be it of the index or of the loop.
func TestMatchCountsMismatches(t *testing.T) {
	c := MatchConfig{Filters: []int{1000}, Events: 10}.withDefaults()
	texts := newIssueTexts(filterSeed, 20, 1.1)
	run := &matchRun{config: &c, registrations: texts.register(1000), events: newIssueTexts(eventSeed, 20, 1.1).events(c.Events)}
	r := MatchResult{Filters: 1000}
	if err := run.build(t.Context(), &r); err != nil {
		t.Fatal(err)
	}
	mismatches := func() int {
		t.Helper()
		r.Mismatches = 0
		if err := run.check(t.Context(), &r); err != nil {
			t.Fatal(err)
		}
		return r.Mismatches
	}
	everything := func(*naiveIssue) bool { return true }
	nothing := func(*naiveIssue) bool { return false }
	if n := mismatches(); n != 0 {
		t.Fatalf("%d mismatches of nothing wrong", n)
	}
	run.naive.closures[0], run.naive.closures[1] = everything, nothing
	loop := mismatches()
	var gone []matcher.ID
	for i := range run.events {
		gone = append(gone, run.match(i)...)
	}
	run.index.Update(nil, gone)
	run.look()
	if all := mismatches(); loop == 0 || loop > c.Events || all < loop+3 {
		t.Errorf("%d mismatches of the loop, %d with those of the index", loop, all)
	}
}

// The floor does what it is there for: it finds the terms that filters name and no others, and writes as much as is asked for.
func TestFloor(t *testing.T) {
	r := newIssueTexts(filterSeed, 20, 1.1).register(500)
	entries, err := r.entries()
	if err != nil {
		t.Fatal(err)
	}
	f := newFloor()
	for _, e := range entries {
		f.learn(e.Filter.Root())
	}
	f.file()
	loop, err := newNaiveLoop(r)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[uint32]bool{}
	for a := range loop.symbols {
		for term := range loop.symbols[a] {
			n := f.find(floorHash(uint32(a), term), uint32(a), term)
			if n == 0 || seen[n] || f.probe(n) != n {
				t.Fatalf("%s %q is number %d, filed under %d", attributes[a].jql, term, n, f.probe(n))
			}
			seen[n] = true
		}
		if n := f.find(floorHash(uint32(a), "\x00"), uint32(a), "\x00"); n != 0 {
			t.Errorf("%s: an unknown text is number %d", attributes[a].jql, n)
		}
	}
	if len(seen) < 500 {
		t.Errorf("only %d terms", len(seen))
	}
	events := newIssueTexts(eventSeed, 20, 1.1).events(1)
	for _, n := range []int{0, 3, 1000} {
		if got := f.match(nil, &events[0].terms, n); len(got) != n {
			t.Errorf("%d numbers, want %d", len(got), n)
		}
	}
}

// The workload has the shares that it says it has.
func TestMatchWorkload(t *testing.T) {
	const n = 20_000
	r := newIssueTexts(1, 200, 1.1).register(n)
	share := func(holds func(string) bool) float64 {
		count := 0
		for _, text := range r.texts {
			if holds(text) {
				count++
			}
		}
		return float64(count) / float64(len(r.texts))
	}
	contains := func(part string) func(string) bool {
		return func(text string) bool { return strings.Contains(text, part) }
	}
	for name, c := range map[string]struct{ got, least, most float64 }{
		"different":  {float64(len(r.texts)) / n, 0.78, 0.82},
		"everything": {share(func(text string) bool { return text == "" }), 0.005, 0.015},
		"or":         {share(contains(" OR ")), 0.13, 0.16},
		"two wholes": {share(contains(") OR (")), 0.05, 0.07},
		"project":    {share(contains("project ")), 0.82, 0.88},
		"negated": {share(func(text string) bool {
			return strings.Contains(text, "!=") || strings.Contains(text, "NOT IN")
		}), 0.2, 0.25},
	} {
		if c.got < c.least || c.got > c.most {
			t.Errorf("%s: %.3f, want %v to %v", name, c.got, c.least, c.most)
		}
	}
	if again := newIssueTexts(1, 200, 1.1).register(n); !slices.Equal(again.texts, r.texts) {
		t.Error("one seed makes different filters")
	}
}

// The fields and kinds of the attributes are what the language makes of their spellings.
func TestAttributes(t *testing.T) {
	for a := range attributes {
		q, err := jql.Parse(attributes[a].jql + " = x")
		if err != nil {
			t.Fatal(err)
		}
		field, info, ok := jql.Env{}.Resolve(q.Where.(*jql.Clause).Field)
		if !ok || field != attributes[a].field || info.Kind != attributes[a].kind {
			t.Errorf("%s is %v of kind %v", attributes[a].jql, field, info.Kind)
		}
	}
}

func TestMatchConfigProblems(t *testing.T) {
	err := Match(t.Context(), MatchConfig{Filters: []int{-1}, Events: -1, Skew: -1, Projects: -1, For: -1}, nil)
	var problem *ConfigError
	if !errors.As(err, &problem) {
		t.Fatalf("got %v", err)
	}
	for _, name := range []string{"Filters", "Events", "Skew", "Projects", "For"} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%s is not named in %q", name, err)
		}
	}
}
