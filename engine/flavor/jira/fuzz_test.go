package jira_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"hookline/engine/flavor/jira"
)

// FuzzRegisterBody sends arbitrary bodies to the registration: whatever comes, the answer is 200 with results, of which
// the webhooks that were made are in the list, or 400 in Jira's error form.
func FuzzRegisterBody(f *testing.F) {
	for _, seed := range []string{
		registration(callback, "project = A", "myClause = something"), registration("", "x"), registration("http://h", ""),
		`{"url":"https://h.example/","webhooks":[{"jqlFilter":"project in (A,\"\\u00fc\")","events":["comment_created"],"fieldIdsFilter":[""]}]}`,
		`{"url":"https://h.example/","webhooks":[{"jqlFilter":"((((((","events":[]},null,{}]}`,
		``, `{`, `null`, `[]`, `{}{}`, "{\"url\":\"\xff\"}", `{"URL":1}`, `{"webhooks":[[]]}`,
	} {
		f.Add(seed)
	}
	h := newHouse(f, jira.DynamicOptions{ConnectLimit: 1 << 30, ManyURLs: true})
	f.Fuzz(func(t *testing.T, body string) {
		h := h.in(t)
		a := h.do("POST", v3, tokenCI, body)
		var got struct {
			Results []struct {
				ID     int64    `json:"createdWebhookId"`
				Errors []string `json:"errors"`
			} `json:"webhookRegistrationResult"`
			Messages []string `json:"errorMessages"`
		}
		if err := json.Unmarshal([]byte(a.Body), &got); err != nil {
			t.Fatalf("%v in the answer %d %q", err, a.Status, a.Body)
		}
		switch {
		case a.Status == 200 && len(got.Results) > 0:
			made := []int64{}
			for _, r := range got.Results {
				if (r.ID != 0) == (len(r.Errors) > 0) {
					t.Fatalf("a result is %+v", r)
				}
				if r.ID != 0 {
					made = append(made, r.ID)
				}
			}
			if l := h.list(tokenCI, ""); l.Total != len(made) || !slices.Equal(l.ids(), made[:min(len(made), 100)]) {
				t.Fatalf("the answer is %s, and listed are %v", a.Body, l.ids())
			}
			ids, _ := json.Marshal(map[string]any{"webhookIds": made})
			h.Want(h.do("DELETE", v3, tokenCI, string(ids)), 202, "")
		case a.Status == 400 && len(got.Messages) == 1:
		default:
			t.Fatalf("the answer is %d %s", a.Status, a.Body)
		}
	})
}

// FuzzIDs sends arbitrary bodies to the operations that take numbers: 202 or 200, or 400 in Jira's error form.
func FuzzIDs(f *testing.F) {
	for _, seed := range []string{
		`{"webhookIds":[1000]}`, `{"webhookIds":[]}`, `{"webhookIds":null}`, `{"webhookIds":[-1,1e3,9223372036854775807]}`, ``, `[`, `null`, `{"webhookIds":[[1]]} x`,
	} {
		f.Add(seed)
	}
	h := newHouse(f, jira.DynamicOptions{})
	f.Fuzz(func(t *testing.T, body string) {
		for method, status := range map[string]int{"PUT": 200, "DELETE": 202} {
			a := h.in(t).do(method, v3, tokenCI, body)
			if a.Status != status && !isRefusal(a) {
				t.Fatalf("%s: the answer is %d %s", method, a.Status, a.Body)
			}
		}
	})
}

// FuzzPatchBody sends arbitrary changes of one webhook: it is listed as it is answered, or unchanged and 400.
func FuzzPatchBody(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"jqlFilter":"project = B","events":["comment_created"],"fieldIdsFilter":[],"issuePropertyKeysFilter":["k","k"]}`,
		`{"jqlFilter":""}`, `{"events":[]}`, `{"url":"https://h.example/"}`, `null`, `[]`, ``, `{"JQLFILTER":"x"}`, "{\"jqlFilter\":\"project = \xff\"}",
	} {
		f.Add(seed)
	}
	h := newHouse(f, jira.DynamicOptions{Patch: true})
	h.register(tokenCI, callback, "project = A")
	f.Fuzz(func(t *testing.T, body string) {
		h := h.in(t)
		before := h.do("GET", v3, tokenCI, "").Body
		a := h.do("PATCH", v3+"/1000", tokenCI, body)
		after := h.do("GET", v3, tokenCI, "").Body
		switch {
		case a.Status == 200 && strings.HasSuffix(after, `"values":[`+a.Body+`]}`):
		case isRefusal(a) && before == after:
		default:
			t.Fatalf("the answer is %d %s; listed is %s, before %s", a.Status, a.Body, after, before)
		}
	})
}

// FuzzDescriptor puts arbitrary descriptors: what is accepted is installed whole, and what is refused changes nothing.
func FuzzDescriptor(f *testing.F) {
	good := `{"event":"jira:issue_updated","url":"/in","filter":"project = A"}`
	for _, seed := range []string{
		descriptor("https://h.example", good, good), descriptor("https://h.example/b/", `{"event":"x","url":"/../"}`), descriptor("https://h.example", `{}`), ``, `{`, `null`,
		strings.Replace(descriptor("https://h.example"), `{"key"`, `{"regionBaseUrls":{"EU":"x"},"cloudAppMigration":{},"key"`, 1),
	} {
		f.Add(seed)
	}
	h := newDescriptorHouse(f, jira.DescriptorOptions{})
	h.install(descriptor("https://h.example", good), 201)
	f.Fuzz(func(t *testing.T, text string) {
		h := h.in(t)
		before := h.do("GET", descriptorPath, tokenAdmin, "")
		a := h.do("PUT", descriptorPath, tokenAdmin, text)
		after := h.do("GET", descriptorPath, tokenAdmin, "")
		switch {
		case a.Status == 200 && after.Body == a.Body:
		case a.Status == 400 && after.Body == before.Body && strings.HasPrefix(a.Body, `{"error":{"code":"invalid"`):
		default:
			t.Fatalf("the answer is %d %s; there is %s, before %s", a.Status, a.Body, after.Body, before.Body)
		}
	})
}

// isRefusal says whether an answer is 400 in Jira's error form.
func isRefusal(a answer) bool {
	var got struct {
		Messages []string        `json:"errorMessages"`
		Errors   map[string]bool `json:"errors"`
	}
	return a.Status == 400 && json.Unmarshal([]byte(a.Body), &got) == nil && len(got.Messages) > 0 && got.Errors != nil
}
