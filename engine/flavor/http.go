package flavor

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"github.com/valyala/fasthttp"

	"hookline/engine/registry"
)

// Names of the user values of a request by which server and handlers tell each other things.
const (
	// ErrorKey holds an error that the answer does not tell the client and the log should.
	ErrorKey = "hookline.error"
	// PrefixKey holds the part of the path, as a string, that addressed the tenant and was cut off.
	PrefixKey = "hookline.prefix"
)

// Bearer returns a request's bearer token, or "".
func Bearer(h *fasthttp.RequestHeader) string {
	scheme, token, _ := strings.Cut(string(h.Peek("Authorization")), " ")
	if !strings.EqualFold(scheme, "bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// Answer writes a JSON answer in place of whatever was written before. Texts of people are in it (filters), so no
// HTML escapes.
func Answer(ctx *fasthttp.RequestCtx, status int, contentType string, v any) {
	ctx.ResetBody()
	ctx.SetStatusCode(status)
	ctx.SetContentType(contentType)
	enc := json.NewEncoder(ctx)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		ctx.SetUserValue(ErrorKey, err)
		ctx.SetStatusCode(500)
	}
}

// Stopped says whether an error is that the server stops and does not wait any longer: the context of a call ended,
// or the store is closed already.
func Stopped(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, registry.ErrClosed)
}

// ReadOnly is what a client is told whose request would add something while the disk has no room for it.
const ReadOnly = "The server's disk is nearly full, so nothing new is taken in at present; send the request again later."

// RetryReadOnly is when that client should come back, in seconds: it takes people to make room.
const RetryReadOnly = 30

// RetryAfter tells the client when to send the request again.
func RetryAfter(ctx *fasthttp.RequestCtx, seconds int) {
	ctx.Response.Header.Set("Retry-After", strconv.Itoa(max(1, seconds)))
}

// SetURL addresses a request to a callback URL that webhook.ParseURL accepted. The target goes into the request
// line as it stands, and nothing is parsed, which would cost every attempt more than all its headers.
func SetURL(req *fasthttp.Request, url string) {
	_, rest, _ := strings.Cut(url, "://")
	host, target := rest, "/"
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		host, target = rest[:i], rest[i:]
		if target[0] == '?' {
			target = "/" + target
		}
	}
	req.Header.SetHost(host)
	req.Header.SetRequestURI(target)
}

// ExternalURL returns the address of the request's resource, without its query, under the name and the path
// by which the client called.
func ExternalURL(ctx *fasthttp.RequestCtx) string {
	prefix, _ := ctx.UserValue(PrefixKey).(string)
	scheme := "http"
	if ctx.IsTLS() || string(ctx.Request.Header.Peek("X-Forwarded-Proto")) == "https" {
		scheme = "https"
	}
	return scheme + "://" + string(ctx.Host()) + prefix + string(ctx.Path())
}
