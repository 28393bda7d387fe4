package migration

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"hookline/engine/flavor"
	"hookline/engine/sign"
)

// Render implements flavor.Flavor: the event's body as it is kept, under a token made for this attempt.
func (f *Flavor) Render(req *fasthttp.Request, d *flavor.Delivery) error {
	base := ""
	if f.options.StripBase && d.App != nil {
		base = d.App.Base()
	}
	return send(req, d, base)
}

// send writes the request of an attempt to an app whose base URL this is.
func send(req *fasthttp.Request, d *flavor.Delivery, base string) error {
	token, err := connectToken(d, basePath(base))
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

// connectToken makes the Connect JWT of an attempt. The first secret of the app signs.
func connectToken(d *flavor.Delivery, basePath string) (string, error) {
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
	request := sign.Request{Method: fasthttp.MethodPost, URL: d.Endpoint.URL, BasePath: basePath}
	return sign.Connect(sign.Claims{Issuer: d.App.Issuer}, request, secret, time.Now())
}

// basePath is the part of paths that tokens for an app with a base URL do not count.
func basePath(base string) string {
	u, err := url.Parse(base)
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(u.EscapedPath(), "/")
}
