package jira

import (
	"fmt"
	"time"

	"hookline/engine/event"
	"hookline/engine/flavor"
	"hookline/engine/webhook"
)

type failedWebhook struct {
	ID   string `json:"id"` // X-Atlassian-Webhook-Identifier
	Body string `json:"body,omitempty"`
	URL  string `json:"url"`
	Time int64  `json:"failureTime"` // milliseconds since 1970
}

type failedPage struct {
	Values     []failedWebhook `json:"values"`
	MaxResults int             `json:"maxResults"`
	Next       string          `json:"next,omitempty"`
}

// latest is the largest time that is looked for, in milliseconds since 1970: the end of the year 9999.
const latest = 253402300799999

// failed lists the deliveries whose attempts are used up. The reference names the parameter after, and its example
// failedAfter; what failed at that very time is not listed again.
func (d *Dynamic) failed(c *call) {
	if d.options.FailedConnectOnly && c.caller.App.Kind != webhook.Connect {
		fail(c.HTTP, 403, "Only Connect apps can use this resource.")
		return
	}
	size, ok := c.number("maxResults", maxPage)
	if !ok {
		return
	}
	since, ok := c.number("failedAfter", -1)
	if !ok {
		return
	}
	after, ok := c.number("after", since)
	if !ok {
		return
	}
	p := failedPage{Values: []failedWebhook{}, MaxResults: min(size, maxPage)}
	if size > 0 && !c.fill(&p, time.UnixMilli(int64(min(after, latest))+1)) {
		return
	}
	answer(c.HTTP, 200, p)
}

// fill puts into a page what failed at a time or later.
func (c *call) fill(p *failedPage, from time.Time) bool {
	failures, err := c.Failed(c.Context, c.caller.Owner, DynamicFlavor, flavor.FailureQuery{
		From: from, Reason: "exhausted", Size: p.MaxResults,
	})
	if err != nil {
		c.refuse(err)
		return false
	}
	for _, f := range failures {
		p.Values = append(p.Values, failedValue(&f))
	}
	if n := len(p.Values); n > 0 {
		p.Next = fmt.Sprintf("%s?failedAfter=%d&maxResults=%d", flavor.ExternalURL(c.HTTP), p.Values[n-1].Time, p.MaxResults)
	}
	return true
}

func failedValue(f *flavor.Failure) failedWebhook {
	v := failedWebhook{ID: f.Identifier, URL: f.Endpoint.URL, Time: f.Time.UnixMilli()}
	if len(f.Body) > 0 {
		v.Body = string(event.AppendMatched(nil, f.Body, f.Webhooks))
	}
	return v
}
