package jira

import (
	"strconv"
	"time"

	"github.com/valyala/fasthttp"

	"hookline/engine/event"
	"hookline/engine/flavor"
)

// Render implements flavor.Flavor: the headers that Jira Cloud sends, with a fresh token where the app has a secret,
// and the event's body with the numbers of the webhooks that matched added at its end. It fails where the secret
// cannot be opened: what the app could not verify is not sent.
func (d *Dynamic) Render(req *fasthttp.Request, del *flavor.Delivery) error {
	req.Header.SetMethod(fasthttp.MethodPost)
	flavor.SetURL(req, del.Endpoint.URL)
	setHeaders(&req.Header, del)
	token, err := authorization(del, fasthttp.MethodPost, del.Endpoint.URL, time.Now())
	if err != nil {
		return err
	}
	if token != "" {
		req.Header.Set("Authorization", token)
	}
	// The request's own buffer is filled in place, so that it is used again from attempt to attempt.
	body := req.SwapBody(nil)
	req.SwapBody(event.AppendMatched(body[:0], del.Body, del.Webhooks))
	return nil
}

func setHeaders(h *fasthttp.RequestHeader, del *flavor.Delivery) {
	h.SetContentType("application/json; charset=utf-8")
	h.SetUserAgent("Atlassian Webhook HTTP Client")
	h.Set("X-Atlassian-Webhook-Identifier", del.Identifier)
	h.Set("X-Atlassian-Webhook-Flow", del.Flow.String())
	if del.Attempt > 1 {
		h.Set("X-Atlassian-Webhook-Retry", strconv.Itoa(del.Attempt-1))
	}
	if del.Trace != "" {
		h.Set("X-Atlassian-Webhook-Trace", del.Trace)
	}
}
