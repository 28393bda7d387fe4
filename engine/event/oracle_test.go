package event

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"hookline/jql"
)

// oracle gives the terms of a decoded body the obvious way.
type oracle struct {
	root  map[string]any
	terms []string
	there bool
}

func askOracle(root map[string]any, f jql.Field) (terms []string, present bool) {
	o := &oracle{root: root}
	o.field(f)
	slices.Sort(o.terms)
	return slices.Compact(o.terms), o.there || len(o.terms) > 0
}

func (o *oracle) field(f jql.Field) {
	issue := object(o.root["issue"])
	fields := object(issue["fields"])
	switch f.Name {
	case "event":
		o.exact(o.root["webhookEvent"])
	case "event.property":
		if key, ok := object(o.root["property"])["key"].(string); ok {
			o.exact(key)
		}
	case "event.issue":
		_, o.there = o.root["issue"].(map[string]any)
	case "event.merged":
		_, o.there = o.root["mergedTo"].(map[string]any)
	case "event.changed":
		items, _ := object(o.root["changelog"])["items"].([]any)
		for _, item := range items {
			if !o.exact(object(item)["fieldId"]) {
				o.exact(object(item)["field"])
			}
		}
	case "issuekey":
		if _, ok := o.root["issue"].(map[string]any); ok {
			o.named(issue, "key", "id")
		}
	case "project":
		o.named(fields[f.Name], "key", "name", "id")
	case "issuetype", "status", "priority":
		o.named(fields[f.Name], "name", "id")
	case "assignee", "reporter":
		o.user(fields[f.Name])
	case "issue.property":
		o.property(object(issue["properties"])[f.Key], f.Path)
		if set := object(o.root["property"]); o.root["webhookEvent"] == "issue_property_set" && set["key"] == f.Key {
			o.property(set["value"], f.Path)
		}
	default:
		o.named(fields[f.Name], "key", "id")
	}
}

// object returns a decoded object, or one without members for any other value.
func object(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

// written is what a string or a number says.
func written(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return ""
}

func (o *oracle) exact(v any) bool {
	s := written(v)
	if s != "" {
		o.terms = append(o.terms, s)
	}
	return s != ""
}

func (o *oracle) folded(v any) {
	if s := written(v); s != "" {
		o.terms = append(o.terms, folded(s))
	}
}

// each visits the values that v stands for and notes that there are some.
func (o *oracle) each(v any, visit func(any)) {
	switch v := v.(type) {
	case []any:
		for _, element := range v {
			o.each(element, visit)
		}
		return
	case nil:
		return
	case string:
		if v == "" {
			return
		}
	}
	o.there = true
	visit(v)
}

func (o *oracle) named(v any, members ...string) {
	o.each(v, func(v any) {
		o.folded(v)
		for _, name := range members {
			o.folded(object(v)[name])
		}
	})
}

func (o *oracle) user(v any) {
	o.each(v, func(v any) {
		u := object(v)
		if !o.exact(v) && !o.exact(u["accountId"]) {
			o.exact(u["key"])
			o.exact(u["name"])
		}
	})
}

func (o *oracle) property(v any, path string) {
	if path == "" {
		o.each(v, o.propertyValue)
		return
	}
	step, rest, _ := strings.Cut(path, ".")
	switch v := v.(type) {
	case []any:
		for _, element := range v {
			o.property(element, path)
		}
	case map[string]any:
		o.property(v[step], rest)
	}
}

func (o *oracle) propertyValue(v any) {
	switch v := v.(type) {
	case string:
		o.terms = append(o.terms, text(v))
	case json.Number:
		o.terms = append(o.terms, number(v.String()))
	case bool:
		o.terms = append(o.terms, boolean(v))
	}
}

// oracleFields is every kind of field, with paths that overlap.
var oracleFields = append(slices.Clone(usualFields), PropertyField, MergedField,
	jql.Field{Name: "issue.property", Key: "k"},
	jql.Field{Name: "issue.property", Key: "k", Path: "key"},
	jql.Field{Name: "issue.property", Key: "k", Path: "key.id"},
	jql.Field{Name: "issue.property", Key: "key", Path: "value"},
)

func decode(t *rapid.T, body []byte) map[string]any {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var root map[string]any
	if err := d.Decode(&root); err != nil {
		t.Fatalf("the generator made %s: %v", body, err)
	}
	return root
}

// TestAgainstOracle compares a scan of random bodies with the obvious walk over the decoded body. One
// scanner serves all of them.
func TestAgainstOracle(t *testing.T) {
	var s Scanner
	plan := NewPlan(oracleFields)
	rapid.Check(t, func(t *rapid.T) {
		w := writer{t: t}
		w.body()
		body := []byte(w.String())
		root := decode(t, body)
		got := newRecord()
		h, err := s.scan(body, plan, got)
		if name, _ := root["webhookEvent"].(string); name == "" {
			if err == nil {
				t.Fatalf("accepted without a type: %s", body)
			}
			return
		}
		if err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		for slot, f := range oracleFields {
			terms, present := askOracle(root, f)
			if have := got.set(slot); !slices.Equal(have, terms) || got.present[slot] != present {
				t.Errorf("%v: %q, present %v; want %q, present %v", f, have, got.present[slot], terms, present)
			}
		}
		checkOutput(t, &h, body)
		if t.Failed() {
			t.Fatalf("body %s", body)
		}
	})
}

// checkOutput checks what is stored and sent of an accepted body.
func checkOutput(t rapid.TB, h *Header, body []byte) {
	want := topLevel(t, body)
	delete(want, "matchedWebhookIds")
	if _, ok := want["timestamp"]; !ok {
		want["timestamp"] = "1789377600123"
	}
	kept := h.AppendStored(nil, body, noon)
	if got := topLevel(t, kept); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("stored %s", kept)
	}
	want["matchedWebhookIds"] = "[1,-2]"
	sent := AppendMatched(nil, kept, []int64{1, -2})
	if got := topLevel(t, sent); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("sent %s", sent)
	}
}

// topLevel returns the texts of the members of the root object.
func topLevel(t rapid.TB, body []byte) map[string]string {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(body, &raw); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	out := map[string]string{}
	for name, text := range raw {
		out[name] = string(text)
	}
	return out
}
