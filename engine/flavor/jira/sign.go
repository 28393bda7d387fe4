package jira

import (
	"cmp"
	"net/url"
	"strings"
	"time"

	"hookline/engine/flavor"
	"hookline/engine/sign"
	"hookline/engine/webhook"
)

// authorization returns the value of Authorization for an attempt that is made now: a token of the app's kind, or ""
// for an app without a secret. The URL is the one that goes over the wire.
func authorization(del *flavor.Delivery, method, target string, now time.Time) (string, error) {
	secret, err := del.Secret()
	if err != nil || secret.IsZero() {
		return "", err
	}
	a := del.App
	if a.Kind == webhook.OAuth {
		token, err := sign.Bearer(cmp.Or(a.Issuer, a.Key), secret, now)
		return "Bearer " + token, err
	}
	r := sign.Request{Method: method, URL: target, BasePath: basePath(a.Base())}
	token, err := sign.Connect(sign.Claims{Issuer: cmp.Or(a.Issuer, a.Tenant)}, r, secret, now)
	return "JWT " + token, err
}

// basePath is what receivers leave out of paths that they hash: the path of the app's base URL as it is written,
// without the slash at its end.
func basePath(base string) string {
	u, err := url.Parse(base)
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(u.EscapedPath(), "/")
}
