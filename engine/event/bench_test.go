package event

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"hookline/jql"
	"hookline/matcher"
)

// usualFields is what a set of ordinary filters asks for.
var usualFields = []jql.Field{
	TypeField, ChangedField, IssueField,
	{Name: "project"}, {Name: "issuetype"}, {Name: "status"}, {Name: "priority"},
	{Name: "assignee"}, {Name: "reporter"}, {Name: "issuekey"}, {Name: "customfield_10014"},
	{Name: "issue.property", Key: "review", Path: "state"},
}

// usualView is an index of filters that ask for those fields, as far as the language has them.
func usualView(t testing.TB) *matcher.View {
	queries := []string{
		"project = LOOM AND issuetype IN (Bug, Task)", "status = 'In Review' OR priority = High",
		"assignee = '712020:4f0c7a52-9b1e-4b43-8a0e-5d1f1c3e9a77' AND reporter IS NOT EMPTY",
		"issuekey = LOOM-482 OR 'Epic Link' = LOOM-400", "issue.property[review].state = open",
	}
	var entries []matcher.Entry
	for i, text := range queries {
		q, err := jql.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		f, err := jql.Compile(q, jql.Env{})
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, matcher.Entry{ID: matcher.ID(i), Filter: f})
	}
	x := matcher.New()
	x.Update(entries, nil)
	return x.View()
}

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	body, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// wide is the body of an issue with several hundred custom fields, most of them null, as old
// installations have.
func wide(t testing.TB) []byte {
	body := fixture(t, "issue_updated.json")
	var more []byte
	for i := range 400 {
		more = fmt.Appendf(more, `"customfield_%d":`, 11000+i)
		switch i % 8 {
		case 0:
			more = fmt.Appendf(more, `{"self":"https://tracker.example.test/rest/api/2/customFieldOption/%d","value":"Option %d","id":"%d"},`, i, i, i)
		case 1:
			more = fmt.Appendf(more, `%d.0,`, i)
		default:
			more = append(more, `null,`...)
		}
	}
	const place = `"customfield_10029":null,`
	return bytes.Replace(body, []byte(place), append(more, place...), 1)
}

// namedBody is a body to measure with.
type namedBody struct {
	name string
	body []byte
}

// ownBodies are the bodies of a directory that the variable HOOKLINE_BODIES names, so that one can measure with one's own.
func ownBodies(b *testing.B) (list []namedBody) {
	files, err := filepath.Glob(filepath.Join(os.Getenv("HOOKLINE_BODIES"), "*.json"))
	if err != nil {
		b.Fatal(err)
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			b.Fatal(err)
		}
		list = append(list, namedBody{strings.TrimSuffix(filepath.Base(file), ".json"), body})
	}
	return list
}

func benchmarkBodies(b *testing.B, run func(b *testing.B, body []byte)) {
	for _, c := range append(ownBodies(b), []namedBody{
		{"1KiB", sized(1 << 10)},
		{"2KiB", sized(2 << 10)},
		{"9KiB", sized(9 << 10)},
		{"60KiB", sized(60 << 10)},
		{"comment", fixture(b, "comment_created.json")},
		{"issue", fixture(b, "issue_updated.json")},
		{"wide", wide(b)},
	}...) {
		b.Run(fmt.Sprintf("%s-%d", c.name, len(c.body)), func(b *testing.B) {
			b.SetBytes(int64(len(c.body)))
			b.ReportAllocs()
			run(b, c.body)
		})
	}
}

// BenchmarkScan is everything: the check, the terms, and their look-up in the matcher's dictionary.
func BenchmarkScan(b *testing.B) {
	view := usualView(b)
	plan := NewPlan(view.Fields(), jql.Env{})
	benchmarkBodies(b, func(b *testing.B, body []byte) {
		var s Scanner
		var ev matcher.Event
		for b.Loop() {
			ev.Reset(view)
			if _, err := s.Scan(body, plan, &ev); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkScanAndMatch is what an event costs where 10,000 filters are about such events.
func BenchmarkScanAndMatch(b *testing.B) {
	benchmarkBodies(b, func(b *testing.B, body []byte) {
		view := newWorkload(body).index(b, 10_000)
		plan := NewPlan(view.Fields(), jql.Env{})
		var s Scanner
		var ev matcher.Event
		var ids []matcher.ID
		for b.Loop() {
			ev.Reset(view)
			if _, err := s.Scan(body, plan, &ev); err != nil {
				b.Fatal(err)
			}
			ids = view.Match(ids[:0], &ev)
		}
		b.ReportMetric(float64(len(ids)), "matches/op")
	})
}

// BenchmarkMatchAlone leaves the extraction out.
func BenchmarkMatchAlone(b *testing.B) {
	benchmarkBodies(b, func(b *testing.B, body []byte) {
		view := newWorkload(body).index(b, 10_000)
		var s Scanner
		var ev matcher.Event
		ev.Reset(view)
		if _, err := s.Scan(body, NewPlan(view.Fields(), jql.Env{}), &ev); err != nil {
			b.Fatal(err)
		}
		var ids []matcher.ID
		for b.Loop() {
			ids = view.Match(ids[:0], &ev)
		}
		b.ReportMetric(float64(len(ids)), "matches/op")
	})
}

// BenchmarkScanAlone leaves the matcher out.
func BenchmarkScanAlone(b *testing.B) {
	plan := NewPlan(usualFields, jql.Env{})
	benchmarkBodies(b, func(b *testing.B, body []byte) {
		var s Scanner
		for b.Loop() {
			if _, err := s.scan(body, plan, discard{}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkScanEveryField asks for every field of a site under every aspect, which no set of filters does.
func BenchmarkScanEveryField(b *testing.B) {
	plan := NewPlan(oracleFields, oracleSite)
	benchmarkBodies(b, func(b *testing.B, body []byte) {
		var s Scanner
		for b.Loop() {
			if _, err := s.scan(body, plan, discard{}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkStored is what is done to an accepted body on its way to the receivers.
func BenchmarkStored(b *testing.B) {
	ids := []int64{1000, 1001, 1002}
	benchmarkBodies(b, func(b *testing.B, body []byte) {
		var s Scanner
		h, err := s.scan(body, NewPlan(nil, jql.Env{}), discard{})
		if err != nil {
			b.Fatal(err)
		}
		var kept, sent []byte
		for b.Loop() {
			kept = h.AppendStored(kept[:0], body, noon)
			sent = AppendMatched(sent[:0], kept, ids)
		}
	})
}

// BenchmarkIsValid is the decoder's own check of the grammar and of repeated names, with nothing taken
// out of the body.
func BenchmarkIsValid(b *testing.B) {
	benchmarkBodies(b, func(b *testing.B, body []byte) {
		for b.Loop() {
			if !jsontext.Value(body).IsValid() {
				b.Fatal("invalid")
			}
		}
	})
}

// BenchmarkIsValidLax is the same check without repeated names.
func BenchmarkIsValidLax(b *testing.B) {
	benchmarkBodies(b, func(b *testing.B, body []byte) {
		for b.Loop() {
			if !jsontext.Value(body).IsValid(jsontext.AllowDuplicateNames(true)) {
				b.Fatal("invalid")
			}
		}
	})
}

// discard takes terms and forgets them, so that the cost of the matcher's dictionary stays out.
type discard struct{}

func (discard) Add(int, []byte) {}
func (discard) SetPresent(int)  {}
