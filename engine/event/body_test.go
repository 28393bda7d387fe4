package event

import (
	"encoding/json"
	"fmt"
	"strings"

	"pgregory.net/rapid"
)

// someNames mean something somewhere, so that random bodies say something.
var someNames = []string{
	"key", "id", "name", "accountId", "value", "k", "review", "state", "fieldId", "field", "items", "self",
	"issue", "fields", "properties", "é", "child", "displayName", "comments", "body", "from", "fromString", "to", "toString",
}

var someTexts = []string{
	"", "k", "key", "review", "EX-1", "Done", "ÄÖÜ", "5b10:x", "a\"\\/\n\t", "😀", "issue_property_set", "10014",
	"The disk, the DISK is full!", "disk full", "a b", "S 1, S 2", "5.0", "1e3", "EX-12", "2026-01-05", "2026-01-05T09:00:00.123+0100",
	"2026-02-30", "2026-01-05 09:00",
	"com.atlassian.greenhopper.service.sprint.Sprint@1f[id=12,state=ACTIVE,name=Sprint 7, Done=x,goal=,end=<null>]",
}

// writer makes the text of a random body, with the freedom of spelling that JSON leaves.
type writer struct {
	t *rapid.T
	strings.Builder
}

func (w *writer) space() {
	w.WriteString(rapid.SampledFrom([]string{"", "", "", " ", "\n\t", "\r\n  "}).Draw(w.t, "space"))
}

func (w *writer) text(s string) {
	if rapid.IntRange(0, 3).Draw(w.t, "escape") > 0 {
		quoted, _ := json.Marshal(s)
		w.Write(quoted)
		return
	}
	w.WriteByte('"')
	for _, r := range s {
		if r > 0xffff {
			r -= 0x10000
			fmt.Fprintf(w, `\u%04x\u%04X`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		} else {
			fmt.Fprintf(w, `\u%04X`, r)
		}
	}
	w.WriteByte('"')
}

func (w *writer) value(depth int) {
	kind := rapid.IntRange(0, 9).Draw(w.t, "kind")
	switch {
	case kind < 2 && depth > 0:
		w.object(depth-1, rapid.SliceOfNDistinct(rapid.SampledFrom(someNames), 0, 6, rapid.ID).Draw(w.t, "names"), nil)
	case kind < 4 && depth > 0:
		w.array(depth - 1)
	case kind == 4:
		w.WriteString(rapid.SampledFrom([]string{"null", "true", "false"}).Draw(w.t, "word"))
	case kind == 5:
		w.WriteString(rapid.SampledFrom([]string{"0", "-1", "10014", "5.0", "1E5", "12345678901234567890.25", "1500000000123", "-1.5", "1.5e12", "1e400"}).Draw(w.t, "number"))
	default:
		w.text(rapid.SampledFrom(someTexts).Draw(w.t, "text"))
	}
}

func (w *writer) array(depth int) {
	w.WriteByte('[')
	for i := range rapid.IntRange(0, 3).Draw(w.t, "length") {
		if i > 0 {
			w.WriteByte(',')
		}
		w.space()
		w.value(depth)
		w.space()
	}
	w.WriteByte(']')
}

// object writes an object; members not in fixed get random values.
func (w *writer) object(depth int, names []string, fixed map[string]func()) {
	w.WriteByte('{')
	for i, name := range names {
		if i > 0 {
			w.WriteByte(',')
		}
		w.space()
		w.text(name)
		w.space()
		w.WriteByte(':')
		w.space()
		if write := fixed[name]; write != nil && rapid.IntRange(0, 7).Draw(w.t, "odd") > 0 {
			write()
		} else {
			w.value(depth)
		}
		w.space()
	}
	w.WriteByte('}')
}

// some returns some of the names in any order.
func (w *writer) some(names ...string) []string {
	shuffled := rapid.Permutation(names).Draw(w.t, "order")
	return shuffled[:len(shuffled)-rapid.IntRange(0, len(shuffled)/2).Draw(w.t, "left out")]
}

// customFields are those of the site that the oracle knows, and one more.
var customFields = func() (names []string) {
	for id := range 11 {
		names = append(names, fmt.Sprintf("customfield_%d", id+1))
	}
	return append(names, "customfield_10014")
}()

func (w *writer) fields() {
	names := w.some("project", "issuetype", "status", "priority", "resolution", "assignee", "reporter", "creator", "labels",
		"components", "fixVersions", "versions", "created", "updated", "duedate", "resolutiondate",
		"summary", "description", "environment", "comment")
	named := func() { w.object(2, w.some("key", "name", "id", "value", "self"), nil) }
	user := func() { w.object(1, w.some("accountId", "key", "name", "displayName"), nil) }
	option := func() { w.object(1, w.some("value", "id", "child"), map[string]func(){"child": named}) }
	comment := func() { w.object(1, w.some("body", "author"), nil) }
	comments := func() { w.object(1, []string{"comments"}, map[string]func(){"comments": w.listOf(comment)}) }
	w.object(3, append(names, w.some(customFields...)...), map[string]func(){
		"project": named, "status": named, "components": w.listOf(named), "assignee": user, "reporter": user, "comment": comments,
		"customfield_1": user, "customfield_2": w.listOf(named), "customfield_4": named, "customfield_6": option,
		"customfield_7": w.listOf(named), "customfield_11": option,
	})
}

// listOf writes two of something as an array.
func (w *writer) listOf(write func()) func() {
	return func() { w.WriteByte('['); write(); w.WriteByte(','); write(); w.WriteByte(']') }
}

// changedNames are names that changelogs have for fields.
var changedNames = append([]string{"status", "STATUS", "assignee", "labels", "Fix Version", "fix version", "duedate", "summary", "k", ""}, customFields...)

func (w *writer) item() {
	about := func() { w.text(rapid.SampledFrom(changedNames).Draw(w.t, "about")) }
	w.object(1, w.some("fieldId", "field", "from", "fromString", "to", "toString", "tmpFromAccountId", "tmpToAccountId"), map[string]func(){"fieldId": about, "field": about})
}

func (w *writer) body() {
	properties := func() { w.object(4, w.some("k", "key", "review", "other"), nil) }
	issue := func() {
		w.object(2, w.some("key", "id", "self", "fields", "properties"), map[string]func(){"fields": w.fields, "properties": properties})
	}
	event := func() {
		w.text(rapid.SampledFrom([]string{"issue_property_set", "issue_property_set", "jira:issue_updated", "made:up"}).Draw(w.t, "event"))
	}
	w.space()
	w.object(2, w.some("webhookEvent", "timestamp", "matchedWebhookIds", "issue", "changelog", "property", "mergedTo", "user", "comment"),
		map[string]func(){
			"webhookEvent": event,
			"issue":        issue,
			"property":     func() { w.object(4, w.some("key", "value", "self"), nil) },
			"changelog":    func() { w.object(2, []string{"id", "items"}, map[string]func(){"items": w.listOf(w.item)}) },
			"comment":      func() { w.object(1, w.some("body", "author"), nil) },
			"user":         func() { w.object(1, w.some("accountId", "key", "name", "displayName"), nil) },
		})
	w.space()
}
