package event

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

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
	switch f {
	case TypeField:
		o.exact(o.root["webhookEvent"])
		return
	case PropertyField:
		if key, ok := object(o.root["property"])["key"].(string); ok {
			o.exact(key)
		}
		return
	case IssueField:
		_, o.there = o.root["issue"].(map[string]any)
		return
	case MergedField:
		_, o.there = o.root["mergedTo"].(map[string]any)
		return
	case ChangedField:
		for _, item := range o.items() {
			id, name := about(item)
			o.exact(cmp.Or(id, name))
		}
		return
	}
	info, ok := oracleSite.Lookup(f)
	switch {
	case !ok:
	case f.Aspect.History():
		for _, item := range o.items() {
			o.change(info, f.Aspect, item)
		}
	case info.Kind == jql.KindProperty:
		o.walk(object(object(o.root["issue"])["properties"])[f.Key], f.Steps(), info.Kind, f.Aspect)
		if set := object(o.root["property"]); o.root["webhookEvent"] == "issue_property_set" && set["key"] == f.Key {
			o.walk(set["value"], f.Steps(), info.Kind, f.Aspect)
		}
	default:
		for _, path := range info.Paths {
			o.walk(o.root, path, info.Kind, f.Aspect)
		}
	}
}

// walk follows a path to the values that stand at its end. An issue that is not an object is none.
func (o *oracle) walk(v any, path []string, k jql.Kind, a jql.Aspect) {
	if len(path) == 0 {
		o.each(v, func(v any) { o.value(k, a, v) })
		return
	}
	switch v := v.(type) {
	case []any:
		for _, element := range v {
			o.walk(element, path, k, a)
		}
	case map[string]any:
		next := v[path[0]]
		if _, ok := next.(map[string]any); path[0] == "issue" && !ok {
			return
		}
		o.walk(next, path[1:], k, a)
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

// kindsWith are the kinds that have terms under an aspect.
var kindsWith = map[jql.Aspect][]jql.Kind{
	jql.Names: {jql.KindUser}, jql.Ranks: {jql.KindIssue, jql.KindLink}, jql.Dates: {jql.KindProperty, jql.KindAny},
	jql.Words: {jql.KindText, jql.KindProperty, jql.KindAny}, jql.Phrases: {jql.KindText, jql.KindProperty, jql.KindAny},
}

func (o *oracle) value(k jql.Kind, a jql.Aspect, v any) {
	x, isObject := v.(map[string]any)
	s, isString := v.(string)
	if !slices.Contains(kindsWith[a], k) && a != jql.Values {
		return
	}
	switch a {
	case jql.Values:
		if isObject {
			o.names(k, x)
		} else {
			o.plain(k, v)
		}
	case jql.Names:
		o.folded(x["displayName"])
	case jql.Ranks:
		o.rank(s)
		o.rank(written(x["key"]))
	case jql.Dates:
		if isString {
			o.date(s)
		}
	case jql.Words, jql.Phrases:
		texts := []string{s}
		if k == jql.KindAny {
			texts = append(texts, written(x["value"]), written(x["name"]))
		}
		for _, text := range texts {
			o.text(a, text)
		}
	}
}

func (o *oracle) names(k jql.Kind, x map[string]any) {
	child := object(x["child"])
	switch k {
	case jql.KindIssue, jql.KindLink:
		o.folded(x["key"], x["id"])
	case jql.KindProject:
		o.folded(x["key"], x["id"], x["name"])
	case jql.KindNamed, jql.KindSprint:
		o.folded(x["id"], x["name"])
	case jql.KindOption:
		o.folded(x["value"], x["id"], child["value"], child["id"])
	case jql.KindUser:
		if !o.exact(x["accountId"]) {
			o.exact(x["key"])
			o.exact(x["name"])
		}
	case jql.KindAny:
		for _, name := range []any{
			x["value"], x["name"], x["key"], x["id"], x["accountId"], child["value"], child["id"],
		} {
			if s := written(name); s != "" {
				o.terms = append(o.terms, text(folded(s)))
			}
		}
	}
}

func (o *oracle) plain(k jql.Kind, v any) {
	s, isString := v.(string)
	b, isBool := v.(bool)
	switch k {
	case jql.KindText:
	case jql.KindUser, jql.KindExact:
		o.exact(v)
	case jql.KindNumber:
		o.number(written(v))
	case jql.KindDate:
		if isString {
			o.date(s)
		} else if !isBool {
			o.millis(written(v))
		}
	case jql.KindProperty, jql.KindAny:
		switch {
		case isBool:
			o.terms = append(o.terms, boolean(b))
		case !isString:
			o.number(written(v))
		case k == jql.KindProperty:
			o.terms = append(o.terms, text(s))
		default:
			for _, s := range append(sprintNames(s), s) {
				o.terms = append(o.terms, text(folded(s)))
			}
		}
	case jql.KindSprint:
		if names := sprintNames(s); isOldSprint(s) {
			for _, name := range names {
				o.folded(name)
			}
			return
		}
		o.folded(v)
	default:
		o.folded(v)
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

func (o *oracle) folded(values ...any) {
	for _, v := range values {
		if s := written(v); s != "" {
			o.terms = append(o.terms, folded(s))
		}
	}
}

func (o *oracle) number(literal string) bool {
	term, ok := jql.AppendNumberTerm(nil, []byte(literal))
	if ok {
		o.terms = append(o.terms, string(term))
	}
	return ok
}

func (o *oracle) text(a jql.Aspect, s string) {
	words := strings.FieldsFunc(folded(s), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r)
	})
	if a == jql.Words {
		o.terms = append(o.terms, words...)
	} else if len(words) > 0 {
		o.terms = append(o.terms, " "+strings.Join(words, " ")+" ")
	}
}

var issueKey = regexp.MustCompile(`^([\p{L}\p{Nd}_]+-)([0-9]+)$`)

func (o *oracle) rank(s string) {
	if m := issueKey.FindStringSubmatch(s); m != nil {
		number, _ := strings.CutPrefix(number(m[2]), "n")
		o.terms = append(o.terms, folded(m[1])+number)
	}
}

// The forms of dates. The fraction of a second may stand there without being asked for.
var dateLayouts = func() []string {
	layouts := []string{"2006-01-02"}
	for _, between := range []string{"T", " "} {
		for _, clock := range []string{"15:04", "15:04:05"} {
			for _, zone := range []string{"", "Z07:00", "Z0700", "Z07"} {
				layouts = append(layouts, "2006-01-02"+between+clock+zone)
			}
		}
	}
	return layouts
}()

func (o *oracle) date(s string) bool {
	for _, layout := range dateLayouts {
		if at, err := time.ParseInLocation(layout, s, oracleSite.Zone); err == nil {
			o.terms = append(o.terms, string(jql.AppendDateTerm(nil, at)))
			return true
		}
	}
	return false
}

func (o *oracle) millis(literal string) {
	n, err := strconv.ParseFloat(literal, 64)
	if at := time.UnixMilli(int64(math.Floor(n))).UTC(); err == nil && math.Abs(n) < 1e15 && at.Year() >= 0 && at.Year() <= 9999 {
		o.terms = append(o.terms, string(jql.AppendDateTerm(nil, at)))
	}
}

var oldSprint = regexp.MustCompile(`^com\.atlassian\.greenhopper\.service\.sprint\.Sprint@[^\[]*\[(.*)\]$`)

func isOldSprint(s string) bool { return oldSprint.MatchString(s) }

// sprintNames are the id and name in the older form of a sprint. What comes after a comma without looking
// like an attribute belongs to the one before.
func sprintNames(s string) (names []string) {
	m := oldSprint.FindStringSubmatch(s)
	if m == nil {
		return nil
	}
	var attributes []string
	for i, piece := range strings.Split(m[1], ",") {
		if i > 0 && !regexp.MustCompile(`^[A-Za-z]+=`).MatchString(piece) {
			attributes[len(attributes)-1] += "," + piece
		} else {
			attributes = append(attributes, piece)
		}
	}
	for _, a := range attributes {
		if name, value, _ := strings.Cut(a, "="); (name == "id" || name == "name") && value != "" {
			names = append(names, value)
		}
	}
	return names
}

// items are the items of the changelog.
func (o *oracle) items() (items []map[string]any) {
	list, _ := object(o.root["changelog"])["items"].([]any)
	for _, item := range list {
		items = append(items, object(item))
	}
	return items
}

// about is what an item is about, by its fieldId or else by its field.
func about(item map[string]any) (id, name string) {
	if id, _ = item["fieldId"].(string); id == "" {
		name, _ = item["field"].(string)
	}
	return id, name
}

func (o *oracle) change(info jql.FieldInfo, a jql.Aspect, item map[string]any) {
	id, name := about(item)
	if !slices.ContainsFunc(info.History, func(h string) bool { return h == id || strings.EqualFold(h, name) }) {
		return
	}
	o.there = true
	from := changed(info.Kind, written(item["from"]), written(item["fromString"]), written(item["tmpFromAccountId"]))
	to := changed(info.Kind, written(item["to"]), written(item["toString"]), written(item["tmpToAccountId"]))
	switch a {
	case jql.ChangedFrom:
		o.terms = append(o.terms, from...)
	case jql.ChangedTo:
		o.terms = append(o.terms, to...)
	case jql.ChangedBoth:
		for _, from := range from {
			for _, to := range to {
				o.terms = append(o.terms, string(jql.AppendChangeTerm(nil, []byte(from), []byte(to))))
			}
		}
	}
}

// changed are the terms of an old or new value.
func changed(k jql.Kind, id, name, account string) []string {
	if id == "" && name == "" {
		return []string{""}
	}
	o := &oracle{}
	switch k {
	case jql.KindUser:
		o.exact(id)
		o.exact(account)
	case jql.KindExact:
		for _, label := range strings.Split(name, " ") {
			o.exact(label)
		}
	case jql.KindSprint:
		o.folded(id, name)
		for _, piece := range append(strings.Split(id, ", "), strings.Split(name, ", ")...) {
			o.folded(piece)
		}
	case jql.KindNumber:
		if !o.number(name) {
			o.number(id)
		}
	case jql.KindDate:
		if !o.date(id) {
			o.date(name)
		}
	case jql.KindText:
		o.folded(name)
	case jql.KindAny:
		for _, s := range []string{id, name} {
			if s != "" {
				o.terms = append(o.terms, text(folded(s)))
			}
			o.number(s)
		}
	default:
		o.folded(id, name)
	}
	return o.terms
}

// oracleSite declares a custom field of every kind.
var oracleSite = jql.Env{
	Zone:         time.FixedZone("", -3*60*60),
	Priorities:   []string{"k", "Done", "High"},
	DisplayNames: true,
	Custom: []jql.CustomField{
		{ID: 1, Name: "Tester", Kind: jql.KindUser}, {ID: 2, Name: "Team", Kind: jql.KindNamed},
		{ID: 3, Name: "Origin", Kind: jql.KindProject}, {ID: 4, Name: "Cause", Kind: jql.KindLink},
		{ID: 5, Name: "Tags", Kind: jql.KindExact}, {ID: 6, Name: "Colour", Kind: jql.KindOption},
		{ID: 7, Name: "Sprint", Kind: jql.KindSprint}, {ID: 8, Name: "Points", Kind: jql.KindNumber},
		{ID: 9, Name: "Launch", Kind: jql.KindDate}, {ID: 10, Name: "Notes", Kind: jql.KindText},
	},
}

// oracleFields is every field under every aspect, with paths that overlap.
var oracleFields = func() (all []jql.Field) {
	names := []jql.Field{
		{Name: "customfield_11"}, // of unknown kind
		{Name: "issue.property", Key: "k"},
		{Name: "issue.property", Key: "k", Path: "key"},
		{Name: "issue.property", Key: "k", Path: "key.id"},
		{Name: "issue.property", Key: "key", Path: "value"},
		{Name: "issue.property", Key: "review", Path: "state"},
	}
	for _, row := range oracleSite.Catalogue() {
		if row.Name != TypeField.Name && row.Kind != jql.KindProperty {
			names = append(names, jql.Field{Name: row.Name})
		}
	}
	for _, f := range names {
		for a := jql.Values; a <= jql.ChangedBoth; a++ {
			all = append(all, f.Of(a))
		}
	}
	return append(all, TypeField, ChangedField, IssueField, PropertyField, MergedField)
}()

func decode(t rapid.TB, body []byte) map[string]any {
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
func TestAgainstOracle(t *testing.T) { rapid.Check(t, againstOracle()) }

// FuzzAgainstOracle does so with bodies that the fuzzer leads to what has not been tried.
func FuzzAgainstOracle(f *testing.F) { f.Fuzz(rapid.MakeFuzz(againstOracle())) }

func againstOracle() func(*rapid.T) {
	var s Scanner
	plan := NewPlan(oracleFields, oracleSite)
	return func(t *rapid.T) {
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
	}
}

// checkOutput checks what is stored and sent of an accepted body.
func checkOutput(t rapid.TB, h *Header, body []byte) {
	want := topLevel(t, body)
	delete(want, "matchedWebhookIds")
	transition := want["transition"]
	if h.HasTransition {
		delete(want, "transition")
	}
	if _, ok := want["timestamp"]; !ok {
		want["timestamp"] = "1789377600123"
	}
	kept := h.AppendStored(nil, body, noon)
	if got := topLevel(t, kept); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("stored %s", kept)
	}
	fired := topLevel(t, h.AppendTransition(nil, body, noon))
	if fired["transition"] != transition {
		t.Errorf("a post-function sends %v", fired)
	}
	if h.HasTransition {
		delete(fired, "transition")
	}
	if fmt.Sprint(fired) != fmt.Sprint(want) {
		t.Errorf("a post-function sends %v", fired)
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
