package inspect

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"hookline/engine/event"
	"hookline/engine/registry"
	"hookline/jql"
	"hookline/matcher"
)

// Set is a list of filters to match events with. It belongs to one goroutine at a time.
type Set struct {
	env     jql.Env
	filters []filter
	entries []matcher.Entry
	view    *matcher.View // nil before the first Match
	plan    *event.Plan

	scanner event.Scanner
	event   matcher.Event
	matched []matcher.ID
}

// filter is one filter of a Set, with the types of event that it is for; none means every type, and the filter
// decides alone.
type filter struct {
	id     ID
	events []string
	query  *jql.Query
}

// line is a filter in the file of a set.
type line struct {
	ID     *ID      `json:"id"`
	JQL    *string  `json:"jql"`
	Events []string `json:"events"`
}

// ReadSet reads filters of the extended dialect of a site: one JSON object a line, with the members id (an integer or
// a string, once in the set), jql, and optionally events (names of event types). Blank lines are passed over. The
// error names every line with a problem, after the name of the file.
func ReadSet(r io.Reader, name string, env jql.Env) (*Set, error) {
	all, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	s := &Set{env: env}
	var problems []error
	dialect, seen := jql.Extended(env), map[ID]int{}
	number := 0
	all = bytes.TrimPrefix(all, []byte("\ufeff"))
	for text := range bytes.Lines(all) {
		number++
		if len(bytes.TrimSpace(text)) == 0 {
			continue
		}
		f, compiled, err := readFilter(text, dialect)
		if first, twice := seen[f.id]; err == nil && twice {
			err = fmt.Errorf("the id %s is that of line %d already", f.id, first)
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("%s:%d: %w", name, number, err))
			continue
		}
		seen[f.id] = number
		s.entries = append(s.entries, matcher.Entry{ID: matcher.ID(len(s.filters)), Filter: registry.Condition(f.events, compiled)})
		s.filters = append(s.filters, f)
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	return s, nil
}

// index builds the index.
func (s *Set) index() {
	x := matcher.New()
	x.Update(s.entries, nil)
	s.view = x.View()
	s.plan = event.NewPlan(s.view.Fields(), s.env)
}

func readFilter(text []byte, d *jql.Dialect) (filter, *jql.Filter, error) {
	var l line
	if err := strictly(text, &l); err != nil {
		return filter{}, nil, err
	}
	switch {
	case l.ID == nil:
		return filter{}, nil, errors.New("id is missing")
	case l.JQL == nil:
		return filter{}, nil, errors.New("jql is missing")
	case l.Events != nil && len(l.Events) == 0:
		return filter{}, nil, errors.New("events is empty; leave it out for every type of event")
	}
	q, f, err := registry.Compile(*l.JQL, d)
	if err != nil {
		return filter{}, nil, err
	}
	return filter{*l.ID, l.Events, q}, f, nil
}

// strictly decodes one JSON object whose members are all known, with nothing after it.
func strictly(text []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the JSON is incomplete")
	} else if err != nil {
		return err
	}
	if _, err := dec.Token(); err != io.EOF {
		return errors.New("there is more after the JSON object")
	}
	return nil
}

// Match returns the ids of the filters that select an event at a time, in ascending order, by way of the index. The
// error is an *event.Error.
func (s *Set) Match(body []byte, now time.Time) ([]ID, error) {
	if s.view == nil {
		s.index()
	}
	s.event.Reset(s.view)
	s.event.SetTime(now)
	if _, err := s.scanner.Scan(body, s.plan, &s.event); err != nil {
		return nil, err
	}
	s.matched = s.view.Match(s.matched[:0], &s.event)
	ids := make([]ID, len(s.matched))
	for i, n := range s.matched {
		ids[i] = s.filters[n].id
	}
	slices.SortFunc(ids, ID.Compare)
	return ids, nil
}

// Evaluate answers as Match does, by evaluating every filter on its own with [jql.Evaluate].
func (s *Set) Evaluate(body []byte, now time.Time) ([]ID, error) {
	sent, doc, err := decode(body)
	if err != nil {
		return nil, err
	}
	ids := []ID{}
	for i := range s.filters {
		if f := &s.filters[i]; f.selects(sent, doc, s.env, now) {
			ids = append(ids, f.id)
		}
	}
	slices.SortFunc(ids, ID.Compare)
	return ids, nil
}

// selects goes by the rule of the registry: a filter has no say on the families of events that Jira does not filter.
func (f *filter) selects(sent string, doc map[string]any, env jql.Env, now time.Time) bool {
	if len(f.events) == 0 {
		return jql.Evaluate(f.query, env, doc, now)
	}
	ofType := slices.DeleteFunc(slices.Clone(f.events), func(name string) bool { return !names(name, sent, doc) })
	unfiltered := func(name string) bool {
		t, known := event.Lookup(name)
		return known && !t.Filtered
	}
	return slices.ContainsFunc(ofType, unfiltered) || len(ofType) > 0 && jql.Evaluate(f.query, env, doc, now)
}

// names says whether an event that was sent under a type is one of those that a webhook registers for by name.
func names(name, sent string, doc map[string]any) bool {
	if name == "jira:version_merged" {
		if _, merged := doc["mergedTo"].(map[string]any); !merged {
			return false
		}
	}
	if t, ok := event.Lookup(name); ok && len(t.SentAs) > 0 {
		return slices.Contains(t.SentAs, sent)
	}
	return name == sent
}
