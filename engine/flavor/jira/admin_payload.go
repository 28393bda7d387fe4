package jira

import (
	"errors"
	"fmt"

	"github.com/valyala/fasthttp"

	"hookline/engine/flavor"
	"hookline/engine/sign"
	"hookline/engine/webhook"
)

// errGone is for what was accepted for a webhook while it was being deleted.
var errGone = errors.New("jira: the webhook was deleted")

// Render implements flavor.Flavor: the URL with its variables replaced and the user parameters at its end, the headers
// that Jira Cloud sends, and the event's body as it is, or none.
func (a *Admin) Render(req *fasthttp.Request, del *flavor.Delivery) error {
	if del.Webhook == nil {
		return errGone
	}
	url, err := callbackURL(del.Endpoint.URL, del.Body)
	if err != nil {
		return err
	}
	req.Header.SetMethod(fasthttp.MethodPost)
	flavor.SetURL(req, url)
	setHeaders(&req.Header, del)
	var settings webhook.Settings
	if s := del.Webhook.Settings; s != nil {
		settings = *s
	}
	if !settings.ExcludeBody {
		req.SetBody(del.Body)
	}
	if settings.Secret == "" {
		return nil
	}
	return signHub(req, del, settings.Secret)
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
