package event

import (
	"slices"
	"testing"

	"hookline/jql"
)

// record keeps what a scan gave, slot by slot. As with a matcher.Event, a field with a term is present.
type record struct {
	terms   map[int][]string
	present map[int]bool
}

func newRecord() *record {
	return &record{terms: map[int][]string{}, present: map[int]bool{}}
}

func (r *record) SetPresent(slot int) { r.present[slot] = true }
func (r *record) Add(slot int, term []byte) {
	r.present[slot] = true
	r.terms[slot] = append(r.terms[slot], string(term))
}

// set returns the terms of a slot in order and without repeats, nil when there are none.
func (r *record) set(slot int) []string {
	return slices.Compact(slices.Sorted(slices.Values(r.terms[slot])))
}

// scanFor scans a body that must be fine for one field.
func scanFor(t *testing.T, f jql.Field, body string) (terms []string, present bool) {
	t.Helper()
	var s Scanner
	r := newRecord()
	if _, err := s.scan([]byte(body), NewPlan([]jql.Field{f}, jql.Env{}), r); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return r.set(0), r.present[0]
}

// The terms that values become, as jql makes them.
func folded(text string) string { return string(jql.FoldTerm(nil, []byte(text))) }
func text(text string) string   { return string(jql.AppendStringTerm(nil, []byte(text))) }
func boolean(b bool) string     { return string(jql.AppendBoolTerm(nil, b)) }
func number(raw string) string {
	term, ok := jql.AppendNumberTerm(nil, []byte(raw))
	if !ok {
		panic("no term for " + raw)
	}
	return string(term)
}
