package jira

import (
	"fmt"

	"hookline/engine/registry"
)

type registerRequest struct {
	URL      string `json:"url"`
	Webhooks []struct {
		JQLFilter    string   `json:"jqlFilter"`
		Events       []string `json:"events"`
		FieldIDs     []string `json:"fieldIdsFilter"`
		PropertyKeys []string `json:"issuePropertyKeysFilter"`
	} `json:"webhooks"`
}

// maxItems bounds the webhooks in one request. The limits per app are far below it; it keeps a hostile
// list from being worked through.
const maxItems = 1000

func (d *Dynamic) register(c *call) {
	dry, ok := c.flag("dryRun")
	if !ok {
		return
	}
	var req registerRequest
	if !c.read(&req) {
		return
	}
	switch {
	case req.URL == "":
		fail(c.HTTP, 400, "url is missing.")
		return
	case len(req.Webhooks) == 0:
		fail(c.HTTP, 400, "webhooks is missing or empty.")
		return
	case len(req.Webhooks) > maxItems:
		fail(c.HTTP, 400, fmt.Sprintf("webhooks has %d items; at most %d are allowed in one request.", len(req.Webhooks), maxItems))
		return
	}
	items := make([]registry.Item, len(req.Webhooks))
	for i, w := range req.Webhooks {
		items[i] = registry.Item{Filter: w.JQLFilter, Events: w.Events, FieldIDs: w.FieldIDs, PropertyKeys: w.PropertyKeys}
	}
	if dry {
		results, err := c.Registry.Try(d.rules, c.caller.Owner, req.URL, items)
		d.registered(c, results, err)
		return
	}
	results, err := c.Registry.Register(c.Context, d.rules, c.caller.Owner, req.URL, items)
	d.registered(c, results, err)
}

// registered answers a registration, or a dry run of one.
func (d *Dynamic) registered(c *call, results []registry.Result, err error) {
	if err != nil {
		c.refuse(err)
		return
	}
	list := itemResults(results)
	if d.options.BareArray {
		answer(c.HTTP, 200, list)
		return
	}
	answer(c.HTTP, 200, map[string]any{"webhookRegistrationResult": list})
}

type itemResult struct {
	ID     int64    `json:"createdWebhookId,omitempty"`
	Valid  bool     `json:"valid,omitempty"` // in a dry run, where there is no number
	Errors []string `json:"errors,omitempty"`
}

func itemResults(results []registry.Result) []itemResult {
	list := make([]itemResult, len(results))
	for i, r := range results {
		list[i].ID = r.ID
		list[i].Valid = r.ID == 0 && len(r.Errors) == 0
		for _, err := range r.Errors {
			list[i].Errors = append(list[i].Errors, wording(err)...)
		}
	}
	return list
}

// flag reads a parameter that is true or false, and false where it is not given.
func (c *call) flag(name string) (on, ok bool) {
	switch raw := c.HTTP.QueryArgs().Peek(name); string(raw) {
	case "", "false":
		return false, true
	case "true":
		return true, true
	default:
		fail(c.HTTP, 400, fmt.Sprintf("%s is %q; true or false is expected.", name, raw))
		return false, false
	}
}
