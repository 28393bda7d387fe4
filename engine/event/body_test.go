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
	"issue", "fields", "properties", "é",
}

var someTexts = []string{
	"", "k", "key", "review", "EX-1", "Done", "ÄÖÜ", "5b10:x", "a\"\\/\n\t", "😀", "issue_property_set", "10014",
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
		w.WriteString(rapid.SampledFrom([]string{"0", "-1", "10014", "5.0", "1E5", "12345678901234567890.25"}).Draw(w.t, "number"))
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

func (w *writer) body() {
	fields := func() {
		w.object(3, w.some("project", "issuetype", "status", "priority", "assignee", "reporter", "customfield_10014", "summary"), nil)
	}
	properties := func() { w.object(4, w.some("k", "key", "review", "other"), nil) }
	issue := func() {
		w.object(2, w.some("key", "id", "self", "fields", "properties"), map[string]func(){"fields": fields, "properties": properties})
	}
	event := func() {
		w.text(rapid.SampledFrom([]string{"issue_property_set", "issue_property_set", "jira:issue_updated", "made:up"}).Draw(w.t, "event"))
	}
	item := func() { w.object(1, w.some("field", "fieldId", "from", "to"), nil) }
	items := func() { w.WriteByte('['); item(); w.WriteByte(','); item(); w.WriteByte(']') }
	w.space()
	w.object(2, w.some("webhookEvent", "timestamp", "matchedWebhookIds", "issue", "changelog", "property", "mergedTo", "user"),
		map[string]func(){
			"webhookEvent": event,
			"issue":        issue,
			"property":     func() { w.object(4, w.some("key", "value", "self"), nil) },
			"changelog":    func() { w.object(2, []string{"id", "items"}, map[string]func(){"items": items}) },
		})
	w.space()
}
