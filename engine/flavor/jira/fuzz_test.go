package jira_test

import (
	"encoding/json"
	"testing"

	"hookline/engine/flavor/jira"
)

// FuzzRegisterBody sends arbitrary bodies to the registration: whatever comes, the answer is 200 with results or 400
// in Jira's error form.
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
		a := h.in(t).do("POST", v3, tokenCI, body)
		var got struct {
			Results []struct {
				ID     int64    `json:"createdWebhookId"`
				Errors []string `json:"errors"`
			} `json:"webhookRegistrationResult"`
			Messages []string `json:"errorMessages"`
		}
		if err := json.Unmarshal([]byte(a.body), &got); err != nil {
			t.Fatalf("%v in the answer %d %q", err, a.status, a.body)
		}
		switch {
		case a.status == 200 && len(got.Results) > 0:
			for _, r := range got.Results {
				if (r.ID != 0) == (len(r.Errors) > 0) {
					t.Fatalf("a result is %+v", r)
				}
			}
		case a.status == 400 && len(got.Messages) == 1:
		default:
			t.Fatalf("the answer is %d %s", a.status, a.body)
		}
	})
}
