package inspect

import (
	"bytes"
	"encoding/json"
	"time"

	"hookline/engine/event"
	"hookline/engine/registry"
	"hookline/jql"
	"hookline/matcher"
)

// Explained tells whether a filter selects an event, and why.
type Explained struct {
	Matches     bool             `json:"matches"`
	Canonical   string           `json:"canonical"`
	Explanation *jql.Explanation `json:"explanation"`
}

// Explain tells whether a filter selects an event at a time, and why. It is about the filter alone: which types of
// event a webhook is registered for has no part in it.
//
// Errors: *jql.SyntaxError or *jql.CheckError about the filter, *event.Error about the body.
func Explain(d *jql.Dialect, src string, body []byte, now time.Time) (*Explained, error) {
	q, f, err := registry.Compile(src, d)
	if err != nil {
		return nil, err
	}
	_, doc, err := decode(body)
	if err != nil {
		return nil, err
	}
	e := jql.Explain(q, d.Env, doc, now)
	return &Explained{Matches: e.Holds, Canonical: f.String(), Explanation: e}, nil
}

// decode reads a body that passes as a published one, and returns its event type and the body as package jql
// evaluates it. The error is an *event.Error.
func decode(body []byte) (string, map[string]any, error) {
	var s event.Scanner
	var ev matcher.Event
	header, err := s.Scan(body, event.NewPlan(nil, jql.Env{}), &ev)
	if err != nil {
		return "", nil, err
	}
	var doc map[string]any
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	if err := dec.Decode(&doc); err != nil {
		return "", nil, err
	}
	return header.Type, doc, nil
}
