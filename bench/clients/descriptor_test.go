package clients

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
)

// descriptor is the one that the app serves to sites that install it.
func (a *connectApp) descriptor() json.RawMessage {
	a.t.Helper()
	resp, err := http.Get(a.base + "/atlassian-connect.json")
	if err != nil {
		a.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		a.t.Fatalf("the descriptor is answered with %d: %s (%v)", resp.StatusCode, text, err)
	}
	return text
}

// TestDescriptor: an app is installed by the descriptor that it serves, and the framework's own check of the JWT accepts
// what is sent to the webhooks and the migration path that are declared there.
func TestDescriptor(t *testing.T) {
	for _, c := range []struct{ name, basePath string }{{"plain", ""}, {"base path", "/deep/app"}} {
		t.Run(c.name, func(t *testing.T) {
			a := newConnectApp(t, c.basePath, sharedSecret)
			a.site.put("/apps/"+appKey+"/descriptor", a.descriptor())
			for _, e := range []struct{ system, body string }{
				{"", strings.TrimSuffix(issueCreated, "}") + `,"user":{"accountId":"5b10a2844c20165700ede21g"}}`}, // puts a query in the URL
				{"", issueUpdated}, // to a path with an ampersand
				{"/migration", uploaded},
			} {
				a.site.publish(e.system, e.body)
				a.accepts(t, e.body)
			}
		})
	}
}
