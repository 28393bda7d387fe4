package arcxp_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"hookline/engine/flavor/arcxp"
)

func badDocuments() []string {
	return []string{
		``, `{`, `null`, `"x"`, `7`, `{}`, `{"record":null}`, `{"record":[]}`, `{"record":"x"}`, `{"record":{}}`, `{"record":{"status":null}}`,
		`{"record":{"status":7}}`, `{"record":{"status":["Success"]}}`, `{"Record":{"status":"Success"}}`,
		`{"record":{"status":"Success"}}x`, `{"record":{"status":"Success"}}{}`, `{"record":{"status":"Success"},}`,
		`{"record":{"status":"Success","status":"Pending"}}`, `{"record":{"status":"Success"},"record":{"status":"Success"}}`,
		`{"record":{"status":"Success","a":{"b":1,"\u0062":2}}}`, `{"tags":{},"tags":{},"record":{"status":"Success"}}`,
		`{"tags":[],"record":{"status":"Success"}}`, `{"tags":"s","record":{"status":"Success"}}`,
		`{"tags":{"webhookSubscriber":7},"record":{"status":"Success"}}`, `{"tags":{"webhookSubscriber":{}},"record":{"status":"Success"}}`,
		`{"tags":{"webhookSubscriber":"a","webhookSubscriber":"b"},"record":{"status":"Success"}}`,
		"{\"record\":{\"status\":\"Success\",\"x\":\"\xff\"}}", `{"record":{"status":"Success","x":01}}`,
		`{"record":{"status":"Success","x":` + strings.Repeat("[", 101) + strings.Repeat("]", 101) + `}}`,
		`{"x":` + strings.Repeat("[", 100000),
	}
}

func TestBadDocuments(t *testing.T) {
	t.Parallel()
	h := newHouse(t, arcxp.Options{})
	h.register("https://a.example/", "s")
	for _, body := range badDocuments() {
		a := h.do("POST", events, body)
		var got struct {
			Error struct{ Code, Message string }
		}
		if err := json.Unmarshal([]byte(a.Body), &got); err != nil || a.Status != 400 || got.Error.Code != "invalid_event" || len(got.Error.Message) < 20 {
			t.Errorf("%.80s: the answer is %d %s", body, a.Status, a.Body)
		}
	}
}

// Statuses are compared as they are spelt; one has two spellings.
func TestStatuses(t *testing.T) {
	t.Parallel()
	h := newHouse(t, arcxp.Options{})
	h.register("https://a.example/", "s")
	for _, status := range []string{
		"Success", "Circulated", "Published", "Scheduled", "FailVideo", "FailImage", "FailStory", "FallStory", "FailGallery", "FailAuthor", "FailTag",
	} {
		want := strings.Replace(status, "Fall", "Fail", 1)
		if r := h.publish(document(1, "s", status)); r.Matched != 1 || r.Deliveries != 1 || r.Type != want {
			t.Errorf("%s: %+v", status, r)
		}
	}
	for _, status := range []string{"", "success", "SUCCESS", "Success ", "Processing", "FailOther", "FallTag", "fallStory"} {
		if r := h.publish(document(1, "s", status)); r.Matched != 0 || r.Deliveries != 0 || r.Type != status {
			t.Errorf("%q: %+v", status, r)
		}
	}
}

// TestRouting compares the webhooks that documents are for with the rules, for every number of webhooks up to three.
func TestRouting(t *testing.T) {
	t.Parallel()
	const disabled = `"isEnabled":false`
	for _, tt := range []struct {
		untagged arcxp.Untagged
		hooks    []string // subscribers; with a minus in front switched off
		tag      string   // as JSON; empty for no tags
		want     int
	}{
		{"", nil, ``, 0},
		{"", []string{"a"}, ``, 1},
		{"", []string{"a"}, `{}`, 1},
		{"", []string{"a"}, `null`, 1},
		{"", []string{"a"}, `{"webhookSubscriber":null}`, 1},
		{"", []string{"a"}, `{"other":"b"}`, 1},
		{"", []string{"a"}, `{"webhookSubscriber":""}`, 0},
		{"", []string{"a"}, `{"webhookSubscriber":"b"}`, 0},
		{"", []string{"a"}, `{"webhookSubscriber":"A"}`, 0},
		{"", []string{"a"}, `{"webhookSubscriber":" a"}`, 0},
		{"", []string{"a"}, `{"webhookSubscriber":"\u0061"}`, 1},
		{"", []string{"-a"}, ``, 0},
		{"", []string{"-a"}, `{"webhookSubscriber":"a"}`, 0},
		{"", []string{"a", "b"}, ``, 0},
		{"", []string{"a", "-b"}, ``, 0},
		{"", []string{"a", "b", "-c"}, `{"webhookSubscriber":"b"}`, 1},
		{arcxp.None, []string{"a"}, ``, 0},
		{arcxp.None, []string{"a"}, `{"webhookSubscriber":"a"}`, 1},
		{arcxp.All, nil, ``, 0},
		{arcxp.All, []string{"a", "b", "-c"}, ``, 2},
		{arcxp.All, []string{"a", "b", "-c"}, `{"webhookSubscriber":"a"}`, 1},
		{arcxp.All, []string{"a", "b", "-c"}, `{"webhookSubscriber":"x"}`, 0},
	} {
		h := newHouse(t, arcxp.Options{Untagged: tt.untagged})
		for _, name := range tt.hooks {
			if name, off := strings.CutPrefix(name, "-"); off {
				h.register("https://a.example/", name, disabled)
			} else {
				h.register("https://a.example/", name)
			}
		}
		body := fmt.Sprintf(`{"record":%s}`, record(1, "Success"))
		if tt.tag != "" {
			body = fmt.Sprintf(`{"tags":%s,"record":%s}`, tt.tag, record(1, "Success"))
		}
		if r := h.publish(body); r.Matched != tt.want || r.Deliveries != tt.want {
			t.Errorf("rule %q, webhooks %q, tag %s: %+v; want %d", tt.untagged, tt.hooks, tt.tag, r, tt.want)
		}
	}
}

// A webhook's new name is what documents ask for from then on.
func TestRename(t *testing.T) {
	t.Parallel()
	h := newHouse(t, arcxp.Options{})
	id := h.register("https://a.example/", "old").ID
	h.patch(id, `{"subscriber":"new"}`)
	for name, want := range map[string]int{"old": 0, "new": 1} {
		if r := h.publish(document(1, name, "Success")); r.Matched != want {
			t.Errorf("%s: %+v", name, r)
		}
	}
}
