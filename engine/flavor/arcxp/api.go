package arcxp

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"

	"hookline/engine/flavor"
	"hookline/engine/registry"
	"hookline/engine/sign"
	"hookline/engine/webhook"
)

// authenticated admits requests with a token of the organisation, or with the admin token.
func authenticated(handle flavor.Handler) flavor.Handler {
	return func(c *flavor.Call) {
		token := flavor.Bearer(&c.HTTP.Request.Header)
		switch {
		case token == "":
			c.HTTP.Response.Header.Set("WWW-Authenticate", "Bearer")
			fail(c.HTTP, 401, "A token is needed: send it as Authorization: Bearer.")
		case c.Admin || c.Tenant.Admits(token):
			handle(c)
		default:
			fail(c.HTTP, 403, "The token is not one of this organization.")
		}
	}
}

// failure is the API's error form.
type failure struct {
	Success bool   `json:"success"`
	Message string `json:"message"`
}

func fail(ctx *fasthttp.RequestCtx, status int, message string) {
	answer(ctx, status, failure{Message: message})
}

func answer(ctx *fasthttp.RequestCtx, status int, v any) {
	flavor.Answer(ctx, status, "application/json", v)
}

// view is a webhook as the API shows it: its token is never in it.
type view struct {
	Success    bool              `json:"success,omitempty"`
	ID         int64             `json:"id"`
	Endpoint   string            `json:"endpoint"`
	Headers    map[string]string `json:"headers"`
	IsEnabled  bool              `json:"isEnabled"`
	CreateDate string            `json:"createDate"`
	UpdateDate string            `json:"updateDate"`
	Subscriber string            `json:"subscriber"`
}

func viewOf(w *webhook.Webhook) view {
	v := view{
		ID: w.ID, Endpoint: w.URL, Headers: w.Settings.Headers, IsEnabled: !w.Disabled(),
		CreateDate: date(w.Created), UpdateDate: date(w.Created), Subscriber: w.Settings.Name,
	}
	if v.Headers == nil {
		v.Headers = map[string]string{}
	}
	if !w.Settings.Updated.IsZero() {
		v.UpdateDate = date(w.Settings.Updated)
	}
	return v
}

func date(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func (c *Center) list(call *flavor.Call) {
	all, err := call.Registry.List(owner(call.Tenant), Flavor)
	if err != nil {
		refuse(call.HTTP, err)
		return
	}
	views := []view{}
	for _, w := range all {
		views = append(views, viewOf(w))
	}
	answer(call.HTTP, 200, struct {
		HasMore  bool   `json:"hasMore"`
		Webhooks []view `json:"webhooks"`
	}{Webhooks: views})
}

func (c *Center) register(call *flavor.Call) {
	b, err := parse(call.HTTP.PostBody())
	if err == nil {
		err = b.missing()
	}
	if err != nil {
		malformed(call.HTTP, err)
		return
	}
	item, err := itemOf(call, b)
	if err != nil {
		refuse(call.HTTP, err)
		return
	}
	o := owner(call.Tenant)
	results, err := call.Registry.Register(call.Context, c.rules, o, *b.Endpoint, []registry.Item{item})
	if err == nil {
		err = errors.Join(results[0].Errors...)
	}
	if err != nil {
		refuse(call.HTTP, err)
		return
	}
	w, err := call.Registry.Webhook(call.Tenant.ID, results[0].ID)
	if err != nil { // another request has deleted it since
		refuse(call.HTTP, err)
		return
	}
	v := viewOf(w)
	v.Success = true
	answer(call.HTTP, c.created(), v)
}

func (c *Center) created() int {
	if c.options.Created {
		return 201
	}
	return 200
}

// itemOf makes what is registered of a body.
func itemOf(call *flavor.Call, b *body) (registry.Item, error) {
	secret, err := sealed(call, b)
	if err != nil {
		return registry.Item{}, err
	}
	s := new(webhook.Settings)
	b.apply(s, secret)
	return registry.Item{Settings: s}, nil
}

// sealed returns the token of a body as it is kept, "" where there is none.
func sealed(call *flavor.Call, b *body) (string, error) {
	if b.AuthToken == nil {
		return "", nil
	}
	return call.Keys.Seal(sign.NewSecret(*b.AuthToken), owner(call.Tenant).SecretRecord())
}

func (c *Center) change(call *flavor.Call) {
	id, ok := number(call.HTTP)
	if !ok {
		return
	}
	b, err := parse(call.HTTP.PostBody())
	if err != nil {
		malformed(call.HTTP, err)
		return
	}
	secret, err := sealed(call, b)
	if err != nil {
		refuse(call.HTTP, err)
		return
	}
	c.switching.Lock()
	defer c.switching.Unlock()
	w, result, err := call.Registry.Change(call.Context, c.rules, owner(call.Tenant), id, func(url *string, item *registry.Item) error {
		if b.Endpoint != nil {
			*url = *b.Endpoint
		}
		s := *item.Settings
		b.apply(&s, secret)
		s.Updated = time.Now()
		item.Settings = &s
		return nil
	})
	if err == nil {
		err = errors.Join(result.Errors...)
	}
	if err != nil {
		refuse(call.HTTP, err)
		return
	}
	if w.Disabled() && !c.options.KeepQueued {
		call.Drop(w.Endpoint)
	} else {
		call.Wake(w.Endpoint)
	}
	answer(call.HTTP, 200, viewOf(w))
}

func (c *Center) remove(call *flavor.Call) {
	id, ok := number(call.HTTP)
	if !ok {
		return
	}
	o := owner(call.Tenant)
	w, err := call.Registry.Webhook(o.Tenant, id)
	if err == nil && (w.Owner != o || w.Flavor != Flavor) {
		err = registry.ErrUnknownWebhook
	}
	if err == nil {
		err = call.Registry.Delete(call.Context, o, Flavor, []int64{id})
	}
	if err != nil {
		refuse(call.HTTP, err)
		return
	}
	call.Drop(w.Endpoint)
	answer(call.HTTP, 200, map[string]bool{"success": true})
}

// number returns the id in the path: no other spelling of it than the API's own leads to a webhook.
func number(ctx *fasthttp.RequestCtx) (int64, bool) {
	text, _ := ctx.UserValue("id").(string)
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || strconv.FormatInt(id, 10) != text {
		unknown(ctx)
		return 0, false
	}
	return id, true
}

func unknown(ctx *fasthttp.RequestCtx) { fail(ctx, 404, "There is no webhook with this id.") }

func malformed(ctx *fasthttp.RequestCtx, err error) {
	fail(ctx, 400, "The request body is not valid: "+err.Error()+".")
}

// refuse answers a request that was understood and not carried out.
func refuse(ctx *fasthttp.RequestCtx, err error) {
	var limit *registry.LimitError
	var full *registry.TenantLimitError
	var taken *registry.NameTakenError
	var invalid *webhook.InvalidError
	switch {
	case errors.As(err, &limit):
		fail(ctx, 400, fmt.Sprintf("Max items exceeded for entity 'Webhooks'. This entity has a limit of %d.", limit.Limit))
	case errors.As(err, &full):
		fail(ctx, 400, fmt.Sprintf("Max items exceeded for entity 'Organization'. This entity has a limit of %d webhooks over all APIs, and would have %d.", full.Limit, full.Given))
	case errors.As(err, &taken):
		fail(ctx, 409, fmt.Sprintf("The subscriber is that of webhook %d already; documents are routed by it.", taken.Webhook))
	case errors.As(err, &invalid):
		fail(ctx, 400, "endpoint: "+invalid.Problem+".")
	case errors.Is(err, registry.ErrUnknownWebhook):
		unknown(ctx)
	case errors.Is(err, webhook.ErrUnknownTenant):
		fail(ctx, 403, "The organization is gone.")
	case errors.Is(err, registry.ErrReadOnly):
		flavor.RetryAfter(ctx, flavor.RetryReadOnly)
		fail(ctx, 503, flavor.ReadOnly)
	case flavor.Stopped(err):
		flavor.RetryAfter(ctx, 1)
		fail(ctx, 503, "The server is stopping; send the request again.")
	default:
		ctx.SetUserValue(flavor.ErrorKey, err)
		fail(ctx, 500, "The request could not be carried out; nothing was changed.")
	}
}
