package engine_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"

	"hookline/engine"
	"hookline/engine/egress"
	"hookline/engine/flavor"
	"hookline/engine/flavor/jira"
	"hookline/engine/registry"
	"hookline/engine/webhook"
)

// An event comes in, the webhooks whose filters hold are found, and the receiver gets one request that
// names them all.
func Example() {
	ctx := context.Background()
	got := make(chan string)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- string(body)
	}))
	defer receiver.Close()
	dir, _ := os.MkdirTemp("", "hookline")
	defer os.RemoveAll(dir)

	dynamic := jira.NewDynamic(jira.DynamicOptions{PlainHTTP: true})
	e, err := engine.Open(engine.Options{
		Dir: dir, Flavors: []flavor.Flavor{dynamic}, Egress: egress.Options{Allow: egress.Loopback()}, // public addresses only, if left out
	})
	if err != nil {
		panic(err)
	}
	defer e.Close(ctx)
	e.PutTenant(ctx, webhook.Tenant{ID: "acme"})
	e.PutApp(ctx, webhook.App{Tenant: "acme", Key: "ci"})
	e.Register(ctx, engine.Registration{
		Owner: webhook.Owner{Tenant: "acme", App: "ci"},
		URL:   receiver.URL + "/hook",
		Webhooks: []registry.Item{
			{Filter: "project = EX AND status != Done", Events: []string{"jira:issue_updated"}},
			{Filter: "assignee = EMPTY", Events: []string{"jira:issue_updated"}},
		},
	})
	receipt, err := e.Publish(ctx, webhook.Event{Tenant: "acme", Body: []byte(
		`{"timestamp":1,"webhookEvent":"jira:issue_updated","issue":{"key":"EX-1","fields":{"project":{"key":"EX"},"status":{"name":"Open"}}}}`)})
	fmt.Println(receipt.Matched, "webhooks,", receipt.Deliveries, "request,", err)
	fmt.Println(<-got)
	// Output:
	// 2 webhooks, 1 request, <nil>
	// {"timestamp":1,"webhookEvent":"jira:issue_updated","issue":{"key":"EX-1","fields":{"project":{"key":"EX"},"status":{"name":"Open"}}},"matchedWebhookIds":[1000,1001]}
}
