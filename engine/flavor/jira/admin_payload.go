package jira

import (
	"errors"
	"fmt"

	"github.com/valyala/fasthttp"

	"hookline/engine/flavor"
	"hookline/engine/sign"
)

// errGone is for what was accepted for a webhook while it was being deleted.
var errGone = errors.New("jira: the webhook was deleted")

// Render implements flavor.Flavor: the URL with its variables replaced and the user parameters at its end, the headers
// that Jira Cloud sends, and the event's body as it is, or none.
func (a *Admin) Render(req *fasthttp.Request, del *flavor.Delivery) error {
	if del.Webhook == nil {
		return errGone
	}
	if _, err := address(req, del); err != nil {
		return err
	}
	if s := del.Webhook.Settings; s != nil && s.Secret != "" {
		return signHub(req, del, s.Secret)
	}
	return nil
}

// address writes the request of a webhook that has an endpoint of its own, all but what signs it, and returns its URL.
func address(req *fasthttp.Request, del *flavor.Delivery) (string, error) {
	url, err := callbackURL(del.Endpoint.URL, del.Body)
	if err != nil {
		return "", err
	}
	req.Header.SetMethod(fasthttp.MethodPost)
	flavor.SetURL(req, url)
	setHeaders(&req.Header, del)
	if s := del.Webhook.Settings; s == nil || !s.ExcludeBody {
		req.SetBody(del.Body)
	}
	return url, nil
}

// signHub signs the body as it goes over the wire, which is the empty text where it is left out.
func signHub(req *fasthttp.Request, del *flavor.Delivery, sealed string) error {
	secret, err := del.Keys.Open(sealed, del.Endpoint.Owner.SecretRecord())
	if err != nil {
		return fmt.Errorf("jira: webhook %d: %w", del.Webhook.ID, err)
	}
	var buf [80]byte
	signature, err := sign.AppendHub(buf[:0], req.Body(), secret)
	if err != nil {
		return fmt.Errorf("jira: webhook %d: %w", del.Webhook.ID, err)
	}
	req.Header.SetBytesV("X-Hub-Signature", signature)
	return nil
}
