package jira

import (
	"fmt"
	"strconv"

	"hookline/engine/registry"
)

// patchRequest is what of a webhook can be changed. A member that is left out, or null, stays as it is; an empty list
// takes a narrowing away.
type patchRequest struct {
	URL          *string   `json:"url"` // only the one that it has
	JQLFilter    *string   `json:"jqlFilter"`
	Events       *[]string `json:"events"`
	FieldIDs     *[]string `json:"fieldIdsFilter"`
	PropertyKeys *[]string `json:"issuePropertyKeysFilter"`
}

func (r *patchRequest) apply(url *string, item *registry.Item) error {
	replace(url, r.URL)
	replace(&item.Filter, r.JQLFilter)
	replace(&item.Events, r.Events)
	replace(&item.FieldIDs, r.FieldIDs)
	replace(&item.PropertyKeys, r.PropertyKeys)
	return nil
}

// replace sets what a request has a member for.
func replace[T any](setting, member *T) {
	if member != nil {
		*setting = *member
	}
}

// patch changes a webhook, which keeps its number, its URL and the date of its expiry. The answer is the webhook as it is
// listed. What would be the errors of an item in a registration are those of the request.
func (d *Dynamic) patch(c *call) {
	raw, _ := c.HTTP.UserValue("id").(string)
	id, err := strconv.ParseInt(raw, 10, 64)
	if err != nil {
		fail(c.HTTP, 404, fmt.Sprintf("%q is no number of a webhook.", raw))
		return
	}
	var req patchRequest
	if !c.read(&req) {
		return
	}
	w, result, err := c.Registry.Change(c.Context, d.rules, c.caller.Owner, id, req.apply)
	if err != nil {
		c.refuse(err)
		return
	}
	if w == nil {
		fail(c.HTTP, 400, itemResults([]registry.Result{result})[0].Errors...)
		return
	}
	answer(c.HTTP, 200, listed(w))
}
