package inspect_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hookline/engine/event"
	"hookline/engine/inspect"
	"hookline/jql"
)

var now = time.Date(2026, 9, 14, 12, 0, 0, 0, time.UTC)

// TestMatchAgainstEvaluate holds the index against evaluating filters one by one, on random sets of filters and events
// of all types: also those without an issue, merged versions, and types that nobody knows.
func TestMatchAgainstEvaluate(t *testing.T) {
	t.Parallel()
	types := append(event.Names(), "unheard_of")
	filters := []string{
		"", "project = A", "project != A", "project IS EMPTY", "status CHANGED", "NOT status CHANGED", "created >= -1d",
		"summary ~ thread", "event = comment_created", "actor = ines", "issuekey > A-1", "updated < now() OR labels = x",
	}
	rapid.Check(t, func(t *rapid.T) {
		var text strings.Builder
		for id := range rapid.IntRange(0, 12).Draw(t, "filters") {
			line := map[string]any{"id": id, "jql": rapid.SampledFrom(filters).Draw(t, "filter")}
			if rapid.Bool().Draw(t, "typed") {
				line["events"] = rapid.SliceOfN(rapid.SampledFrom(types), 1, 4).Draw(t, "events")
			}
			if err := json.NewEncoder(&text).Encode(line); err != nil {
				t.Fatal(err)
			}
		}
		set, err := inspect.ReadSet(strings.NewReader(text.String()), "f", jql.Env{})
		if err != nil {
			t.Fatal(err)
		}
		body, err := json.Marshal(randomEvent(t, types))
		if err != nil {
			t.Fatal(err)
		}
		got, err := set.Match(body, now)
		if err != nil {
			t.Fatal(err)
		}
		want, err := set.Evaluate(body, now)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("filters\n%s\nevent %s\n got %v\nwant %v", &text, body, got, want)
		}
	})
}

func randomEvent(t *rapid.T, types []string) map[string]any {
	body := map[string]any{"webhookEvent": rapid.SampledFrom(types).Draw(t, "type")}
	some := func(name string, values ...any) any {
		return rapid.SampledFrom(append(values, nil)).Draw(t, name)
	}
	body["user"] = some("user", map[string]any{"accountId": "ines"}, map[string]any{"accountId": "otto"})
	body["mergedTo"] = some("merged", map[string]any{"id": "1"})
	if rapid.Bool().Draw(t, "issue") {
		body["issue"] = map[string]any{"key": some("key", "A-1", "A-2", "B-3"), "fields": map[string]any{
			"project": some("project", map[string]any{"key": "A"}, map[string]any{"key": "B"}),
			"summary": some("summary", "A thread", "Nothing"),
			"created": some("created", "2026-09-14T10:00:00Z", "2026-09-12"),
			"updated": some("updated", "2026-09-14T11:00:00Z", "2027-01-01"),
			"labels":  some("labels", []string{"x", "y"}, []string{}),
		}}
	}
	if rapid.Bool().Draw(t, "changelog") {
		body["changelog"] = map[string]any{"items": []any{map[string]any{"field": some("changed", "status", "labels"), "fromString": "Open"}}}
	}
	return body
}

func TestIDs(t *testing.T) {
	t.Parallel()
	set, err := inspect.ReadSet(strings.NewReader(`{"id":"b","jql":""}
{"id":10,"jql":""}
{"id":"10","jql":""}

{"id":-9223372036854775808,"jql":""}
{"id":"a","jql":""}
{"id":9,"jql":""}`), "f", jql.Env{})
	if err != nil {
		t.Fatal(err)
	}
	const want = `[-9223372036854775808,9,10,"10","a","b"]`
	for name, match := range map[string]func([]byte, time.Time) ([]inspect.ID, error){"match": set.Match, "evaluate": set.Evaluate} {
		ids, err := match([]byte(`{"webhookEvent":"user_created"}`), now)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := json.Marshal(ids); err != nil || string(got) != want {
			t.Errorf("%s: %s, %v; want %s", name, got, err, want)
		}
	}
}

func TestNoMatchIsAnEmptyList(t *testing.T) {
	t.Parallel()
	set, err := inspect.ReadSet(strings.NewReader(""), "f", jql.Env{})
	if err != nil {
		t.Fatal(err)
	}
	for _, match := range []func([]byte, time.Time) ([]inspect.ID, error){set.Match, set.Evaluate} {
		ids, err := match([]byte(`{"webhookEvent":"user_created"}`), now)
		if text, _ := json.Marshal(ids); err != nil || string(text) != "[]" {
			t.Errorf("%s, %v", text, err)
		}
	}
}

// Whatever stands in a file of filters, reading it ends in a set or in an error that names the file and a line.
func FuzzReadSet(f *testing.F) {
	f.Add(`{"id":1,"jql":"project = A","events":["comment_created"]}`)
	f.Add("{\"id\":\"x\",\"jql\":\"\"}\n\n{\"id\":\"x\",\"jql\":\"\"}")
	f.Add(`{"id":1e3,"jql":"created > -1d"}`)
	f.Add(`{"id":null,"jql":"a ~ \"b\""} {}`)
	f.Fuzz(func(t *testing.T, text string) {
		set, err := inspect.ReadSet(strings.NewReader(text), "file", jql.Env{})
		if err != nil {
			for line := range strings.Lines(err.Error()) {
				var n int
				if _, err := fmt.Sscanf(line, "file:%d: ", &n); err == nil && n > 0 {
					return
				}
			}
			t.Fatalf("no place in %v", err)
		}
		body := []byte(`{"webhookEvent":"comment_created","issue":{"key":"A-1","fields":{"project":{"key":"A"}}}}`)
		got, err := set.Match(body, now)
		if err != nil {
			t.Fatal(err)
		}
		want, err := set.Evaluate(body, now)
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("got %v, want %v, %v", got, want, err)
		}
	})
}
