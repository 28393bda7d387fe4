package engine

import (
	"fmt"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"

	"hookline/engine/sign"
	"hookline/engine/webhook"
)

// hubHeader has the HMAC of a request's body.
const hubHeader = "X-Hub-Signature"

// signer signs requests to one endpoint. It does not change.
type signer struct {
	hub  []lent[sign.Secret] // the one that holds, and those before it
	keys []lent[sign.Key]    // of Standard Webhooks
}

// lent is something that is used until a time, or for good where that is zero.
type lent[T any] struct {
	it    T
	until time.Time
}

// signer opens the secrets that requests to an endpoint are signed with, but for those that are not used any more.
func (e *Engine) signer(ep *webhook.Endpoint) (*signer, error) {
	s, now := new(signer), time.Now()
	for _, signing := range ep.Signing {
		for _, sealed := range signing.Used(now) {
			secret, err := e.keys.Open(sealed.Sealed, ep.Owner.SecretRecord())
			if err != nil {
				return nil, fmt.Errorf("the %s secret of callback %d cannot be opened (%w)", signing.Kind, ep.ID, err)
			}
			if signing.Kind == webhook.Hub {
				s.hub = append(s.hub, lent[sign.Secret]{secret, sealed.Until})
				continue
			}
			key, err := sign.ParseKey(secret)
			if err != nil {
				return nil, fmt.Errorf("the %s secret of callback %d cannot be used (%w)", signing.Kind, ep.ID, err)
			}
			s.keys = append(s.keys, lent[sign.Key]{key, sealed.Until})
		}
	}
	return s, nil
}

// sign signs a request as it is, an attempt at the delivery of that identifier, as the last thing before it is sent.
func (s *signer) sign(req *fasthttp.Request, identifier string, now time.Time) error {
	if err := s.signHub(req, now); err != nil {
		return err
	}
	return s.signStandard(req, identifier, now)
}

// signHub signs the body as it goes over the wire, unless the flavour has signed it already.
//
// There is room for one signature. While a secret is being replaced it is made with the one before, which every receiver
// still has; the new one takes over when the overlap ends.
func (s *signer) signHub(req *fasthttp.Request, now time.Time) error {
	secrets := current(s.hub, now)
	if len(secrets) == 0 || len(req.Header.Peek(hubHeader)) > 0 {
		return nil
	}
	var buf [80]byte
	signature, err := sign.AppendHub(buf[:0], req.Body(), secrets[len(secrets)-1])
	req.Header.SetBytesV(hubHeader, signature)
	return err
}

// signStandard adds the headers of Standard Webhooks, with a signature by every key.
func (s *signer) signStandard(req *fasthttp.Request, identifier string, now time.Time) error {
	keys := current(s.keys, now)
	if len(keys) == 0 {
		return nil
	}
	var buf [256]byte
	signatures, err := sign.AppendStandard(buf[:0], identifier, now, req.Body(), keys...)
	if err != nil {
		return err
	}
	req.Header.Set(sign.StandardID, identifier)
	req.Header.SetBytesV(sign.StandardTimestamp, strconv.AppendInt(make([]byte, 0, 20), now.Unix(), 10))
	req.Header.SetBytesV(sign.StandardSignature, signatures)
	return nil
}

// current returns what is used at a time.
func current[T any](all []lent[T], now time.Time) []T {
	var list []T
	for _, l := range all {
		if l.until.IsZero() || now.Before(l.until) {
			list = append(list, l.it)
		}
	}
	return list
}
