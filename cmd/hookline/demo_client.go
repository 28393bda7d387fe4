package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// demoClient calls the server as any program would: over HTTP, with a token.
type demoClient struct {
	api   string // base URL of the tenant
	token string // of the tenant
	http  *http.Client
}

// demoRequests is the number of requests that are made at a time.
const demoRequests = 64

func newDemoClient(api, token string) *demoClient {
	return &demoClient{api: api, token: token, http: &http.Client{
		Timeout:   10 * time.Second,
		Transport: &http.Transport{MaxIdleConnsPerHost: demoRequests},
	}}
}

func (c *demoClient) close() { c.http.CloseIdleConnections() }

// demoReceipt is what the server answers to an event.
type demoReceipt struct {
	ID         string `json:"id"`
	Matched    int    `json:"matched"`
	Deliveries int    `json:"deliveries"`
}

// publish sends an event. The trace comes back with the deliveries and tells the receivers which event it is.
func (c *demoClient) publish(ctx context.Context, body []byte, trace string) (r demoReceipt, err error) {
	err = c.post(ctx, "/v1/events", c.token, trace, body, http.StatusAccepted, &r)
	return r, err
}

// demoRegistration is the request of Jira's API for dynamic webhooks.
type demoRegistration struct {
	URL      string     `json:"url"`
	Webhooks []demoItem `json:"webhooks"`
}

type demoItem struct {
	Filter string   `json:"jqlFilter"`
	Events []string `json:"events"`
}

// register registers the webhooks of an app and enters their numbers.
func (c *demoClient) register(ctx context.Context, a *demoApp) error {
	request := demoRegistration{URL: a.url}
	for _, w := range a.webhooks {
		request.Webhooks = append(request.Webhooks, demoItem{Filter: w.filter, Events: w.events})
	}
	body, err := json.Marshal(request)
	if err != nil {
		return err
	}
	var answer struct {
		Results []struct {
			ID     int64    `json:"createdWebhookId"`
			Errors []string `json:"errors"`
		} `json:"webhookRegistrationResult"`
	}
	if err := c.post(ctx, demoWebhookPath, a.token, "", body, http.StatusOK, &answer); err != nil {
		return err
	}
	if len(answer.Results) != len(a.webhooks) {
		return fmt.Errorf("%d results for %d webhooks", len(answer.Results), len(a.webhooks))
	}
	for i, r := range answer.Results {
		if len(r.Errors) > 0 {
			return fmt.Errorf("%s: %s", a.webhooks[i].filter, strings.Join(r.Errors, "; "))
		}
		a.webhooks[i].id = r.ID
	}
	return nil
}

// demoWebhookPath is where Jira has its dynamic webhooks.
const demoWebhookPath = "/rest/api/3/webhook"

func (c *demoClient) post(ctx context.Context, path, token, trace string, body []byte, want int, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.api+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	if trace != "" {
		req.Header.Set(traceHeader, trace)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != want {
		return fmt.Errorf("%s: %s", resp.Status, bytes.TrimSpace(answer))
	}
	return json.Unmarshal(answer, into)
}
