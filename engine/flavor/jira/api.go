package jira

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/valyala/fasthttp"

	"hookline/engine/flavor"
	"hookline/engine/registry"
	"hookline/engine/webhook"
	"hookline/jql"
)

// call is one request to the dynamic API by an authenticated app.
type call struct {
	*flavor.Call
	caller registry.Caller
}

// authenticated admits requests of apps. Without credentials the answer is 401; with a token that is the tenant's or
// the installation's but no app's it is 403, as the API is for apps only.
func (d *Dynamic) authenticated(handle func(*call)) flavor.Handler {
	return func(c *flavor.Call) {
		caller, err := c.Caller()
		var refused *flavor.RefusedError
		switch {
		case err == nil:
			handle(&call{Call: c, caller: caller})
		case errors.Is(err, flavor.ErrNoCredentials):
			flavor.Challenge(c.HTTP, err)
			fail(c.HTTP, 401, "Client must be authenticated to access this resource: send the app's token as Authorization: Bearer, or as a Connect app Authorization: JWT.")
		case errors.As(err, &refused):
			flavor.Challenge(c.HTTP, err)
			fail(c.HTTP, 401, refused.Problem)
		case errors.Is(err, flavor.ErrNotApp):
			fail(c.HTTP, 403, "Only apps can use this resource.")
		default:
			c.HTTP.SetUserValue(flavor.ErrorKey, err)
			fail(c.HTTP, 500, "The app's secrets cannot be read.")
		}
	}
}

// fail answers with Jira's error form.
func fail(ctx *fasthttp.RequestCtx, status int, messages ...string) {
	answer(ctx, status, map[string]any{"errorMessages": messages, "errors": struct{}{}})
}

func answer(ctx *fasthttp.RequestCtx, status int, v any) {
	flavor.Answer(ctx, status, "application/json;charset=UTF-8", v)
}

// read decodes the request's body.
func (c *call) read(into any) bool {
	if err := decode(c.HTTP.PostBody(), into); err != nil {
		fail(c.HTTP, 400, "The request body cannot be read: "+readable(err))
		return false
	}
	return true
}

// decode reads a request's body: one JSON object, unknown members passed over. What is not UTF-8 is refused, as filters
// would be kept with other characters than were meant, and so is null, which would be taken for an object that changes
// nothing.
func decode(body []byte, into any) error {
	switch {
	case !utf8.Valid(body):
		return errors.New("it is not UTF-8")
	case string(bytes.TrimSpace(body)) == "null":
		return errors.New("a JSON object is expected, not null")
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	err := dec.Decode(into)
	if err == nil {
		if _, more := dec.Token(); more != io.EOF {
			err = errors.New("there is more after the JSON object")
		}
	}
	return err
}

func readable(err error) string {
	var wrong *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &wrong) && wrong.Field != "":
		return fmt.Sprintf("%s must not be of type %s.", wrong.Field, wrong.Value)
	case errors.As(err, &wrong):
		return fmt.Sprintf("a JSON object is expected, not a value of type %s.", wrong.Value)
	case errors.As(err, &syntax):
		return fmt.Sprintf("%v, at byte %d.", syntax, syntax.Offset)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the JSON is incomplete."
	}
	return err.Error() + "."
}

// refuse answers a request that failed as a whole.
func (c *call) refuse(err error) {
	var invalid *webhook.InvalidError
	var base *registry.BaseURLError
	switch {
	case errors.As(err, &invalid):
		fail(c.HTTP, 400, "url: "+invalid.Problem+".")
	case errors.As(err, &base):
		fail(c.HTTP, 400, "url: "+base.Error()+".")
	case errors.Is(err, registry.ErrUnknownWebhook):
		fail(c.HTTP, 404, "The app has no such webhook.")
	case errors.Is(err, webhook.ErrUnknownApp), errors.Is(err, webhook.ErrUnknownTenant):
		fail(c.HTTP, 403, "The app is not installed in this tenant.")
	case errors.Is(err, registry.ErrReadOnly):
		flavor.RetryAfter(c.HTTP, flavor.RetryReadOnly)
		fail(c.HTTP, 503, flavor.ReadOnly)
	case flavor.Stopped(err):
		flavor.RetryAfter(c.HTTP, 1)
		fail(c.HTTP, 503, "The server is stopping; send the request again.")
	default:
		c.HTTP.SetUserValue(flavor.ErrorKey, err)
		fail(c.HTTP, 500, "The request could not be carried out; nothing was changed.")
	}
}

// members are the names that a webhook's lists have in requests.
var members = map[string]string{"events": "events", "fieldIDs": "fieldIdsFilter", "propertyKeys": "issuePropertyKeysFilter"}

// wording says what is wrong with an item in Jira's words.
func wording(err error) []string {
	var check *jql.CheckError
	var event *registry.EventError
	var noEvents *registry.NoEventsError
	var list *registry.ListError
	var used *registry.URLInUseError
	var limit *registry.LimitError
	var full *registry.TenantLimitError
	switch {
	case errors.As(err, &check):
		messages := make([]string, len(check.Problems))
		for i, p := range check.Problems {
			messages[i] = p.Message
		}
		return messages
	case errors.As(err, &event):
		return []string{"The event " + event.Event + " is unsupported"}
	case errors.As(err, &noEvents):
		return []string{"At least one event has to be named"}
	case errors.As(err, &list):
		return []string{fmt.Sprintf("%s may have at most %d entries of at most %d bytes", members[list.List], list.Entries, list.Bytes)}
	case errors.As(err, &used):
		return []string{fmt.Sprintf("Only a single URL per %s is allowed to be registered via REST API. The currently used URL: %s", per(used.Kind, "app", "user"), used.URL)}
	case errors.As(err, &limit):
		return []string{fmt.Sprintf("Maximum of %d webhooks is allowed %s", limit.Limit, per(limit.Kind, "per app", "per app per user"))}
	case errors.As(err, &full):
		return []string{fmt.Sprintf("Maximum of %d webhooks is allowed per site, and there would be %d", full.Limit, full.Given)}
	}
	return []string{err.Error()}
}

func per(kind webhook.AppKind, connect, oauth string) string {
	if kind == webhook.OAuth {
		return oauth
	}
	return connect
}

type idsRequest struct {
	WebhookIDs *[]int64 `json:"webhookIds"`
}

func (c *call) ids() ([]int64, bool) {
	var req idsRequest
	if !c.read(&req) {
		return nil, false
	}
	if req.WebhookIDs == nil {
		fail(c.HTTP, 400, "webhookIds is missing.")
		return nil, false
	}
	return *req.WebhookIDs, true
}

func (d *Dynamic) remove(c *call) {
	ids, ok := c.ids()
	if !ok {
		return
	}
	if err := c.Registry.Delete(c.Context, c.caller.Owner, DynamicFlavor, ids); err != nil {
		c.refuse(err)
		return
	}
	c.HTTP.SetStatusCode(202)
}

func (d *Dynamic) refresh(c *call) {
	ids, ok := c.ids()
	if !ok {
		return
	}
	expires, err := c.Registry.Refresh(c.Context, d.rules, c.caller.Owner, ids)
	if err != nil {
		c.refuse(err)
		return
	}
	answer(c.HTTP, 200, map[string]string{"expirationDate": date(expires)})
}
