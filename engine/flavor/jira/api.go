package jira

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

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

// authenticated admits requests with an app's token. Without one the answer is 401; with a token that is
// the tenant's or the installation's but no app's it is 403, as the API is for apps only.
func (d *Dynamic) authenticated(handle func(*call)) flavor.Handler {
	return func(c *flavor.Call) {
		token := flavor.Bearer(&c.HTTP.Request.Header)
		if token == "" {
			c.HTTP.Response.Header.Set("WWW-Authenticate", "Bearer")
			fail(c.HTTP, 401, "Client must be authenticated to access this resource: send the app's token as Authorization: Bearer.")
			return
		}
		caller, ok := c.Registry.Authenticate(c.Tenant.ID, token)
		switch {
		case ok:
			handle(&call{Call: c, caller: caller})
		case c.Admin || c.Tenant.Admits(token):
			fail(c.HTTP, 403, "Only apps can use this resource.")
		default:
			c.HTTP.Response.Header.Set("WWW-Authenticate", `Bearer error="invalid_token"`)
			fail(c.HTTP, 401, "The token is not known in this tenant.")
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

// decode reads a request's body: one JSON object, unknown members passed over.
func decode(body []byte, into any) error {
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
	results, err := c.Registry.Register(c.Context, d.rules, c.caller.Owner, req.URL, items)
	if err != nil {
		c.refuse(err)
		return
	}
	answer(c.HTTP, 200, map[string]any{"webhookRegistrationResult": itemResults(results)})
}

type itemResult struct {
	ID     int64    `json:"createdWebhookId,omitempty"`
	Errors []string `json:"errors,omitempty"`
}

func itemResults(results []registry.Result) []itemResult {
	list := make([]itemResult, len(results))
	for i, r := range results {
		list[i].ID = r.ID
		for _, err := range r.Errors {
			list[i].Errors = append(list[i].Errors, wording(err)...)
		}
	}
	return list
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
	case errors.Is(err, webhook.ErrUnknownApp), errors.Is(err, webhook.ErrUnknownTenant):
		fail(c.HTTP, 403, "The app is not installed in this tenant.")
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
	}
	return []string{err.Error()}
}

func per(kind webhook.AppKind, connect, oauth string) string {
	if kind == webhook.OAuth {
		return oauth
	}
	return connect
}

type listedWebhook struct {
	ID           int64    `json:"id"`
	JQLFilter    string   `json:"jqlFilter"`
	FieldIDs     []string `json:"fieldIdsFilter,omitempty"`
	PropertyKeys []string `json:"issuePropertyKeysFilter,omitempty"`
	Events       []string `json:"events"`
	Expiration   string   `json:"expirationDate,omitempty"`
	URL          string   `json:"url"`
}

type page struct {
	Self       string          `json:"self"`
	NextPage   string          `json:"nextPage,omitempty"`
	MaxResults int             `json:"maxResults"`
	StartAt    int             `json:"startAt"`
	Total      int             `json:"total"`
	IsLast     bool            `json:"isLast"`
	Values     []listedWebhook `json:"values"`
}

// maxPage is both the default and the most that one page of a list holds.
const maxPage = 100

func (d *Dynamic) list(c *call) {
	start, ok := c.number("startAt", 0)
	if !ok {
		return
	}
	size, ok := c.number("maxResults", maxPage)
	if !ok {
		return
	}
	size = min(size, maxPage)
	all := c.Registry.List(c.caller.Owner, DynamicFlavor)
	from := min(start, len(all))
	to := min(from+size, len(all))
	p := page{
		Self: c.pageURL(start, size), MaxResults: size, StartAt: start, Total: len(all),
		IsLast: to == len(all), Values: make([]listedWebhook, 0, to-from),
	}
	if !p.IsLast && size > 0 {
		p.NextPage = c.pageURL(to, size)
	}
	for _, w := range all[from:to] {
		p.Values = append(p.Values, listed(w))
	}
	answer(c.HTTP, 200, p)
}

func listed(w *webhook.Webhook) listedWebhook {
	l := listedWebhook{
		ID: w.ID, JQLFilter: w.Filter, FieldIDs: w.FieldIDs, PropertyKeys: w.PropertyKeys, Events: w.Events, URL: w.URL,
	}
	if !w.Expires.IsZero() {
		l.Expiration = date(w.Expires)
	}
	return l
}

// date is how Jira prints times: in UTC, with milliseconds and an offset without colon.
func date(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000-0700") }

func (c *call) number(name string, absent int) (int, bool) {
	raw := c.HTTP.QueryArgs().Peek(name)
	if len(raw) == 0 {
		return absent, true
	}
	n, err := strconv.Atoi(string(raw))
	if err != nil || n < 0 {
		fail(c.HTTP, 400, fmt.Sprintf("%s is %q; a number from 0 up is expected.", name, raw))
		return 0, false
	}
	return n, true
}

// pageURL is the address of a page of the list under the name by which the client called.
func (c *call) pageURL(start, size int) string {
	return fmt.Sprintf("%s?startAt=%d&maxResults=%d", flavor.ExternalURL(c.HTTP), start, size)
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
