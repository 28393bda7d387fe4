package migration

import (
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/valyala/fasthttp"

	"hookline/engine/flavor"
	"hookline/engine/sign"
	"hookline/engine/webhook"
)

// Render implements flavor.Flavor: the event's body as it is kept, under a token made for this attempt.
func (f *Flavor) Render(req *fasthttp.Request, d *flavor.Delivery) error {
	token, err := f.token(d)
	if err != nil {
		return err
	}
	req.Header.SetMethod(fasthttp.MethodPost)
	flavor.SetURL(req, d.Endpoint.URL)
	req.Header.SetContentType("application/json")
	req.Header.SetUserAgent("hookline")
	req.Header.Set("Authorization", "JWT "+token)
	req.SetBody(d.Body)
	return nil
}

// errNoApp is about a delivery whose app went after it was taken from the queue.
var errNoApp = errors.New("migration: the app is gone")

// token makes the Connect JWT of an attempt. The first secret of the app signs.
func (f *Flavor) token(d *flavor.Delivery) (string, error) {
	if d.App == nil {
		return "", errNoApp
	}
	if missing := unsigned(d.App); missing != "" {
		return "", fmt.Errorf("migration: the app %s has no %s", d.App.Key, missing)
	}
	secret, err := d.Keys.Open(d.App.Secrets[0], d.App.SecretRecord())
	if err != nil {
		return "", err
	}
	request := sign.Request{Method: fasthttp.MethodPost, URL: d.Endpoint.URL, BasePath: f.basePath(d.App)}
	return sign.Connect(sign.Claims{Issuer: d.App.Issuer}, request, secret, time.Now())
}

// basePath is the part of paths that tokens for the app do not count.
func (f *Flavor) basePath(app *webhook.App) string {
	if !f.options.StripBase || app.BaseURL == "" {
		return ""
	}
	base, err := url.Parse(app.BaseURL)
	if err != nil {
		return ""
	}
	return base.EscapedPath()
}
