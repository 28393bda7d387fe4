package jira

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/valyala/fasthttp"

	"hookline/engine/flavor"
	"hookline/engine/registry"
	"hookline/engine/sign"
	"hookline/engine/webhook"
)

// adminCall is one request to the admin resource by an administrator.
type adminCall struct {
	*flavor.Call
	owner webhook.Owner // the tenant itself
	by    string        // who asks, as answers tell it
}

// authenticated admits requests with a token of the tenant itself or the installation's. An app's token is answered
// with 403, as the resource is for administrators.
func (a *Admin) authenticated(handle func(*adminCall)) flavor.Handler {
	return func(c *flavor.Call) {
		call := &adminCall{Call: c, owner: webhook.Owner{Tenant: c.Tenant.ID}, by: c.Tenant.ID}
		token := credential(&c.HTTP.Request.Header)
		switch {
		case c.Admin:
			call.by = "admin"
			handle(call)
		case token == "":
			c.HTTP.Response.Header.Set("WWW-Authenticate", "Bearer")
			adminFail(c.HTTP, 401, "Client must be authenticated to access this resource: send a token of the tenant as Authorization: Bearer, or as the password of Authorization: Basic.")
		case c.Tenant.Admits(token):
			handle(call)
		case isApp(c, token):
			adminFail(c.HTTP, 403, "Only administrators can use this resource; this is the token of an app.")
		default:
			c.HTTP.Response.Header.Set("WWW-Authenticate", `Bearer error="invalid_token"`)
			adminFail(c.HTTP, 401, "The token is not known in this tenant.")
		}
	}
}

func isApp(c *flavor.Call, token string) bool {
	_, ok := c.Registry.Authenticate(c.Tenant.ID, token)
	return ok
}

// credential returns a request's token. Jira's administrators send a user name with it, which says nothing here.
func credential(h *fasthttp.RequestHeader) string {
	scheme, rest, _ := strings.Cut(string(h.Peek("Authorization")), " ")
	if !strings.EqualFold(scheme, "basic") {
		return flavor.Bearer(h)
	}
	pair, err := base64.StdEncoding.DecodeString(strings.TrimSpace(rest))
	if err != nil {
		return ""
	}
	_, password, _ := strings.Cut(string(pair), ":")
	return password
}

func (a *Admin) create(c *adminCall) {
	var req adminRequest
	if !c.read(&req) {
		return
	}
	var url string
	var item registry.Item
	if err := req.edit(&url, &item, c.by, c.seal); err != nil {
		c.refuse(err)
		return
	}
	results, err := c.Registry.Register(c.Context, a.rules, c.owner, url, []registry.Item{item})
	if err != nil {
		c.refuse(err)
		return
	}
	if c.wrong(results[0].Errors) {
		return
	}
	if w := c.find(results[0].ID); w != nil {
		answer(c.HTTP, 201, shown(w, c.self(w)))
	}
}

func (a *Admin) list(c *adminCall) {
	all, err := c.Registry.List(c.owner, AdminFlavor)
	if err != nil {
		c.refuse(err)
		return
	}
	list := make([]adminWebhook, 0, len(all))
	for _, w := range all {
		list = append(list, shown(w, c.self(w)))
	}
	answer(c.HTTP, 200, list)
}

func (a *Admin) get(c *adminCall) {
	if w := c.named(); w != nil {
		answer(c.HTTP, 200, shown(w, c.self(w)))
	}
}

func (a *Admin) change(c *adminCall) {
	old := c.named()
	if old == nil {
		return
	}
	var req adminRequest
	if !c.read(&req) {
		return
	}
	w, result, err := c.Registry.Change(c.Context, a.rules, c.owner, old.ID, func(url *string, item *registry.Item) error {
		return req.edit(url, item, c.by, c.seal)
	})
	if err != nil {
		c.refuse(err)
		return
	}
	if !c.wrong(result.Errors) {
		c.Wake(w.Endpoint) // it may lead to a host that works, away from one that does not
		answer(c.HTTP, 200, shown(w, c.self(w)))
	}
}

func (a *Admin) remove(c *adminCall) {
	w := c.named()
	if w == nil {
		return
	}
	if err := c.Registry.Delete(c.Context, c.owner, AdminFlavor, []int64{w.ID}); err != nil {
		c.refuse(err)
		return
	}
	c.Drop(w.Endpoint)
	c.HTTP.SetStatusCode(204)
}

// named returns the webhook that the path names; without one the request is answered.
func (c *adminCall) named() *webhook.Webhook {
	name := c.id()
	id, err := strconv.ParseInt(name, 10, 64)
	if err == nil && strconv.FormatInt(id, 10) == name {
		return c.find(id)
	}
	c.unknown()
	return nil
}

func (c *adminCall) id() string {
	name, _ := c.HTTP.UserValue("id").(string)
	return name
}

// find returns a webhook of the tenant; without one the request is answered.
func (c *adminCall) find(id int64) *webhook.Webhook {
	w, err := c.Registry.Webhook(c.owner.Tenant, id)
	switch {
	case err != nil:
		c.refuse(err)
		return nil
	case w.Owner != c.owner || w.Flavor != AdminFlavor:
		c.unknown()
		return nil
	}
	return w
}

func (c *adminCall) unknown() { adminFail(c.HTTP, 404, "There is no such webhook.") }

// self is the address of a webhook under the name by which the client called.
func (c *adminCall) self(w *webhook.Webhook) string {
	return strings.TrimSuffix(flavor.ExternalURL(c.HTTP), "/"+c.id()) + "/" + strconv.FormatInt(w.ID, 10)
}

func (c *adminCall) seal(secret string) (string, error) {
	return c.Keys.Seal(sign.NewSecret(secret), c.owner.SecretRecord())
}

func (c *adminCall) read(into any) bool {
	if err := decode(c.HTTP.PostBody(), into); err != nil {
		adminFail(c.HTTP, 400, "The request body cannot be read: "+readable(err))
		return false
	}
	return true
}

// wrong answers a request that has something wrong with it, and says whether it had.
func (c *adminCall) wrong(problems []error) bool {
	var messages []string
	for _, err := range problems {
		var limit *registry.LimitError
		if errors.As(err, &limit) {
			messages = append(messages, fmt.Sprintf("Maximum of %d webhooks is allowed", limit.Limit))
		} else {
			messages = append(messages, wording(err)...)
		}
	}
	if len(messages) > 0 {
		adminFail(c.HTTP, 400, messages...)
	}
	return len(messages) > 0
}

// refuse answers a request that failed.
func (c *adminCall) refuse(err error) {
	var invalid *webhook.InvalidError
	var used *registry.InUseError
	switch {
	case errors.As(err, &invalid):
		adminFail(c.HTTP, 400, invalid.Problem+".")
	case errors.As(err, &used):
		adminFail(c.HTTP, 409, fmt.Sprintf("The webhook cannot be deleted: a post-function of the transition %q of the workflow %q uses it. Remove the post-function first.", used.By.Transition, used.By.Workflow))
	case errors.Is(err, registry.ErrUnknownWebhook), errors.Is(err, webhook.ErrUnknownTenant): // deleted just now
		c.unknown()
	case errors.Is(err, registry.ErrReadOnly):
		flavor.RetryAfter(c.HTTP, flavor.RetryReadOnly)
		adminFail(c.HTTP, 503, flavor.ReadOnly)
	case flavor.Stopped(err):
		flavor.RetryAfter(c.HTTP, 1)
		adminFail(c.HTTP, 503, "The server is stopping; send the request again.")
	default:
		c.HTTP.SetUserValue(flavor.ErrorKey, err)
		adminFail(c.HTTP, 500, "The request could not be carried out; nothing was changed.")
	}
}

// adminFail answers with an error in both forms that clients of the resource read: that of Jira's REST API, and the
// messages of its predecessor.
func adminFail(ctx *fasthttp.RequestCtx, status int, messages ...string) {
	type message struct {
		Key       string   `json:"key"`
		Arguments []string `json:"arguments"`
	}
	both := struct {
		ErrorMessages []string  `json:"errorMessages"`
		Errors        struct{}  `json:"errors"`
		Messages      []message `json:"messages"`
	}{ErrorMessages: messages}
	for _, m := range messages {
		both.Messages = append(both.Messages, message{Key: m, Arguments: []string{}})
	}
	answer(ctx, status, both)
}
