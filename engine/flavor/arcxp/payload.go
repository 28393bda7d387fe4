package arcxp

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/valyala/fasthttp"

	"hookline/engine/flavor"
)

// Why a notification that was queued is not sent any more. What was queued before is dropped at once; this is for
// events that were read just before.
var (
	errDeleted  = errors.New("arcxp: the webhook is deleted")
	errDisabled = errors.New("arcxp: the webhook is switched off")
)

// deliveryHeader carries what is the same for every attempt at one notification.
const deliveryHeader = "X-Hookline-Delivery"

// Render implements flavor.Flavor. Token and headers are those that the webhook has now, so that renewing a token does
// for what is queued, too.
func (c *Center) Render(req *fasthttp.Request, d *flavor.Delivery) error {
	w := d.Webhook
	switch {
	case w == nil:
		return errDeleted
	case w.Disabled() && !c.options.KeepQueued: // what is kept is held back, but for what was being sent just then
		return errDisabled
	}
	token, err := d.Keys.Open(w.Settings.Secret, w.Owner.SecretRecord())
	if err != nil {
		return err
	}
	req.Header.SetMethod(fasthttp.MethodPost)
	flavor.SetURL(req, d.Endpoint.URL)
	h := &req.Header
	h.SetContentType("application/json")
	h.SetUserAgent("Hookline")
	for name, value := range w.Settings.Headers {
		if checkHeader(name, value) == nil { // whoever wrote the registration
			h.Set(name, value)
		}
	}
	h.Set("Authorization", c.authorization(token.Reveal()))
	h.Set(deliveryHeader, identifier(d))
	req.SetBodyRaw(d.Body)
	return nil
}

// authorization is the header for a token.
func (c *Center) authorization(token string) string {
	scheme, _, two := strings.Cut(token, " ")
	switch {
	case c.options.RawToken,
		two && (strings.EqualFold(scheme, "Bearer") || strings.EqualFold(scheme, "Basic") || strings.EqualFold(scheme, "Token")):
		return token
	}
	return "Bearer " + token
}

// identifier names what is notified: the same for every attempt, and also where a publisher sends a document twice. A
// record that does not say which it is, and of when, is named by its delivery.
func identifier(d *flavor.Delivery) string {
	doc, err := read(d.Body)
	if err != nil || doc.id == nil || doc.updated == nil {
		return d.Identifier
	}
	h := sha256.New()
	for _, part := range [][]byte{[]byte(d.Endpoint.Owner.Tenant), doc.id, []byte(doc.status), doc.updated} {
		h.Write(binary.AppendUvarint(nil, uint64(len(part))))
		h.Write(part)
	}
	sum := h.Sum(nil)[:16]
	sum[6], sum[8] = sum[6]&0x0f|0x80, sum[8]&0x3f|0x80 // RFC 9562, version 8
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:])
}
