package server_test

import (
	"strings"
	"testing"
)

// FuzzPublishBody sends arbitrary bodies, alone and as lines: whatever comes is accepted or refused, and never a
// failure of the server.
func FuzzPublishBody(f *testing.F) {
	for _, seed := range []string{
		event, event + "\n" + event, "", "{}", "[]", "null", `{"webhookEvent":"x"} `, `{"webhookEvent":"x","webhookEvent":"y"}`,
		`{"webhookEvent":"jira:issue_updated","matchedWebhookIds":[1],"issue":{"fields":{"project":{"key":"A"}}}}`,
		`{"webhookEvent":"jira:issue_updated","timestamp":null,"issue":7}`, "{\"webhookEvent\":\"\xff\"}", strings.Repeat("[", 2000), "\n\n{\n}",
	} {
		f.Add(seed, true)
		f.Add(seed, false)
	}
	h := newHouse(f)
	h.subscribe()
	f.Fuzz(func(t *testing.T, body string, lines bool) {
		header := map[string]string{}
		if lines {
			header["Content-Type"] = "application/x-ndjson"
		}
		a := h.in(t).publish(body, header)
		if a.Status != 202 && !isProblem(a) && (a.Header.Get("Content-Type") != "application/x-ndjson" || a.Status < 400 || a.Status > 499) || a.Body == "" {
			t.Fatalf("the answer is %d %s", a.Status, a.Body)
		}
	})
}
