package server_test

import (
	"strings"
	"testing"
)

// fuzzChange sends arbitrary bodies to an operation: each is carried out, or refused in the native API's error form, and
// then what the operation changes, which is shown at a path, is as it was.
func fuzzChange(f *testing.F, method, path, shown string, bodies ...string) {
	for _, body := range append(bodies, ``, `{}`, `{`, `null`, `[]`, `7`, `{}{}`, `{"a":1}`, "{\"secret\":\"\xff\"}", strings.Repeat(`{"jql":`, 2000)) {
		f.Add(body)
	}
	h := newHouse(f)
	h.register("https://a.example/", "jira:issue_updated")
	f.Fuzz(func(t *testing.T, body string) {
		h := h.in(t)
		h.Check = nil // null counts as left out, which the document does not promise
		before := h.admin("GET", shown, "")
		a := h.admin(method, path, body)
		if a.Status < 300 {
			return
		}
		if after := h.admin("GET", shown, ""); !isProblem(a) || before.Body != after.Body {
			t.Fatalf("the answer is %d %s; before it was %s, and then %s", a.Status, a.Body, before.Body, after.Body)
		}
	})
}

func FuzzWebhookChange(f *testing.F) {
	const path = "/t/acme/v1/webhooks/1000"
	fuzzChange(f, "PATCH", path, path, `{"secret":"a secret of some length","autoExtend":true}`, `{"secret":null}`, `{"autoExtend":true,"secret":"short"}`, `{"autoExtend":null,"secret":"`+strings.Repeat("x", 5000)+`"}`)
}

func FuzzEndpointChange(f *testing.F) {
	const path = "/t/acme/v1/webhooks/1000"
	fuzzChange(f, "PATCH", path, path, `{"policy":"steady","rate":0.5}`, `{"policy":null,"rate":null}`, `{"policy":"","rate":1}`, `{"rate":1e-400}`, `{"rate":1e400,"secret":"a secret of some length"}`, `{"policy":["steady"],"rate":-1}`)
}

func FuzzSigning(f *testing.F) {
	const path = "/t/acme/v1/webhooks/1000/signing"
	fuzzChange(f, "PUT", path+"/hub", path, `{"secret":"a secret of some length"}`, `{"secret":"short"}`, `{"secret":null}`, `{"secret":["a secret of some length"]}`)
}

func FuzzSigningRotation(f *testing.F) {
	const path = "/t/acme/v1/webhooks/1000/signing"
	fuzzChange(f, "POST", path+"/standard/rotate", path, `{"secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}`, `{"overlap":"24h"}`, `{"overlap":"-1s"}`, `{"overlap":"169h"}`, `{"overlap":24}`, `{"secret":null,"overlap":"9223372036854775808ns"}`)
}

func FuzzReplay(f *testing.F) {
	// Of replays the list is no measure: those that were started before go on.
	fuzzChange(f, "POST", "/t/acme/v1/replays", "/t/acme/v1/deliveries",
		`{"status":"dead","webhook":1000,"reason":"exhausted","since":"2026-11-01T00:00:00Z","until":"2026-11-02T00:00:00Z","jql":"project = EX","events":["a"],"rate":1,"dryRun":true}`,
		`{"status":"delivered","jql":"a b"}`, `{"status":"dead","rate":0}`, `{"status":"dead","webhook":-1,"since":"yesterday"}`, `{"status":"waiting"}`)
}

func FuzzSecretOfApp(f *testing.F) {
	const path = "/v1/tenants/acme/apps/ci"
	fuzzChange(f, "POST", path+"/secrets", path, `{"secret":"a secret of some length"}`, `{"secret":"short"}`, `{"secret":null}`, `{"secret":["a secret of some length"]}`)
}

func FuzzHostReset(f *testing.F) {
	fuzzChange(f, "POST", "/v1/hosts/reset", "/v1/hosts",
		`{"tenant":"acme","host":"https://hooks.example:443"}`, `{"tenant":"acme","host":"https://[::1%25x]:99999/"}`, `{"tenant":"nobody","host":""}`, `{"tenant":"acme","host":"https://u:p@h"}`)
}

func FuzzDescriptorOfApp(f *testing.F) {
	const path = "/v1/tenants/acme/apps/ci/descriptor"
	fuzzChange(f, "PUT", path, path, descriptor, `{"key":"ci","baseUrl":"https://a.example","authentication":{"type":"none"},"modules":{"webhooks":[{"event":"jira:issue_created","url":"/${issue.key}?{project.id}","filter":"project ="}]}}`,
		`{"key":"ci","baseUrl":"https://a.example","modules":{"webhooks":[null,{"event":7}]},"cloudAppMigration":{"migrationWebhookPath":"//b.example"}}`)
}
