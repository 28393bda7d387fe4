package migration

import (
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/valyala/fasthttp"

	"hookline/engine/flavor"
	"hookline/engine/registry"
	"hookline/engine/webhook"
)

// fail answers with the error form of Connect's resources.
func fail(ctx *fasthttp.RequestCtx, status int, message string) {
	answer(ctx, status, failure{Message: message, Status: status})
}

type failure struct {
	Message string `json:"message"`
	Status  int    `json:"statusCode"`
}

func answer(ctx *fasthttp.RequestCtx, status int, v any) {
	flavor.Answer(ctx, status, "application/json;charset=UTF-8", v)
}

type endpoints struct {
	URLs []string `json:"endpoints"`
}

// get lists the URLs of the app, in the order in which it sent them.
func (f *Flavor) get(c *call) {
	list, err := c.Registry.List(c.owner(), Name)
	if err != nil {
		c.refuse(err)
		return
	}
	urls := []string{}
	for _, w := range list {
		urls = append(urls, w.URL)
	}
	answer(c.HTTP, 200, endpoints{urls})
}

// put replaces the URLs of the app. The page of 2022 knows an empty answer, the REST reference one with the URLs; who
// expects nothing is not disturbed by them.
func (f *Flavor) put(c *call) {
	urls, err := read(c.HTTP.PostBody())
	if err != nil {
		fail(c.HTTP, 400, err.Error())
		return
	}
	if missing := unsigned(c.app); missing != "" && len(urls) > 0 {
		fail(c.HTTP, 400, "Events are sent under a JWT, and the app has no "+missing+
			"; the operator of this installation has to set it for the app before endpoints can be registered.")
		return
	}
	gone, err := c.Registry.Replace(c.Context, f.rules, c.owner(), urls)
	if err != nil {
		c.refuse(err)
		return
	}
	for _, endpoint := range gone {
		c.Drop(endpoint)
	}
	f.get(c)
}

// unsigned says what is missing to sign requests to the app, "" where nothing is.
func unsigned(app *webhook.App) string {
	switch {
	case len(app.Secrets) == 0:
		return "shared secret"
	case app.Issuer == "":
		return "issuer (the client key of the tenant)"
	}
	return ""
}

var errNoArray = errors.New("endpoints must be an array of absolute URLs")

// read returns the URLs of a request's body. Members that are not known are passed over, but names are taken as they
// are written and each once: with another spelling of endpoints, or a second one, a set would be replaced by one that
// nobody meant.
func read(body []byte) ([]string, error) {
	var request struct {
		Endpoints *[]any `json:"endpoints"`
	}
	if err := json.Unmarshal(body, &request); err != nil || request.Endpoints == nil {
		return nil, errNoArray
	}
	urls := make([]string, len(*request.Endpoints))
	for i, element := range *request.Endpoints {
		url, ok := element.(string)
		if !ok {
			return nil, fmt.Errorf("endpoints[%d] is not a string; an absolute URL is expected", i)
		}
		urls[i] = url
	}
	return urls, nil
}

// refuse answers a replacement that failed.
func (c *call) refuse(err error) {
	var bad *registry.URLError
	var limit *registry.LimitError
	var full *registry.TenantLimitError
	switch {
	case errors.As(err, &bad):
		fail(c.HTTP, 400, fmt.Sprintf("endpoints[%d]: %v", bad.Index, bad.Err))
	case errors.As(err, &limit):
		fail(c.HTTP, 400, fmt.Sprintf("endpoints has %d different URLs; at most %d are allowed", limit.Given, limit.Limit))
	case errors.As(err, &full):
		fail(c.HTTP, 400, fmt.Sprintf("the tenant would have %d webhooks over all interfaces, and %d are allowed", full.Given, full.Limit))
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
