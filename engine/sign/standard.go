package sign

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The headers of Standard Webhooks: the delivery's identifier, the seconds since 1970 at which the attempt was made, and
// the signatures with a blank between them.
const (
	StandardID        = "webhook-id"
	StandardTimestamp = "webhook-timestamp"
	StandardSignature = "webhook-signature"
)

// Tolerance is how far a request's timestamp may be from the time at which it is verified, in either direction.
const Tolerance = 5 * time.Minute

// maxSignatures is how many signatures of one request are looked at: verifying a v1a takes some 50 microseconds, and
// anybody can send them.
const maxSignatures = 32

// headSize has room for what is signed before the body, and for the HMAC of both, if the id is not a long one.
const headSize = 128

// ErrStale means that a request was signed too long ago, or too far ahead.
var ErrStale = errors.New("sign: the timestamp is too far from the present time")

// Versions of signatures.
const (
	symmetric  = "v1"
	asymmetric = "v1a"
)

// AppendStandard appends the value of webhook-signature to dst: one signature for each key, in their order, over the id,
// the seconds of the time, and the body as it goes over the wire. The id is visible ASCII without a dot, since a dot is
// what divides the signed text. The error is [ErrMalformed] about the id, [ErrNoSecret] where there are no keys or one of
// them is empty, or [ErrKey] about a public key; dst is returned as it was then.
func AppendStandard(dst []byte, id string, at time.Time, body []byte, keys ...Key) ([]byte, error) {
	if err := signable(id, keys); err != nil {
		return dst, err
	}
	head := append(append(make([]byte, 0, headSize), id...), '.')
	head = append(strconv.AppendInt(head, at.Unix(), 10), '.')
	var whole []byte // what is signed, in one piece
	for i, k := range keys {
		if i > 0 {
			dst = append(dst, ' ')
		}
		if !k.shared.IsZero() {
			dst = append(dst, symmetric+","...)
			dst = base64.StdEncoding.AppendEncode(dst, k.sum(head, body))
			continue
		}
		if whole == nil { // Ed25519 reads it twice
			whole = append(append(make([]byte, 0, len(head)+len(body)), head...), body...)
		}
		dst = append(dst, asymmetric+","...)
		dst = base64.StdEncoding.AppendEncode(dst, ed25519.Sign(k.private.key(), whole))
	}
	return dst, nil
}

func signable(id string, keys []Key) error {
	if !validID(id) {
		return fmt.Errorf("%w: the id has to be visible ASCII without a dot", ErrMalformed)
	}
	if len(keys) == 0 {
		return ErrNoSecret
	}
	for _, k := range keys {
		switch {
		case k.IsZero():
			return ErrNoSecret
		case k.shared.IsZero() && k.private.IsZero():
			return fmt.Errorf("%w: a public key cannot sign", ErrKey)
		}
	}
	return nil
}

func validID(id string) bool {
	for _, c := range []byte(id) {
		if c <= ' ' || c > '~' || c == '.' {
			return false
		}
	}
	return id != ""
}

// sum returns the HMAC of head and body, in what is free behind head if that is enough.
func (k Key) sum(head, body []byte) []byte {
	mac := hmac.New(sha256.New, k.shared.key())
	mac.Write(head)
	mac.Write(body)
	return mac.Sum(head)[len(head):]
}

// Standard is what a request says of its signatures: the values of its webhook- headers.
type Standard struct{ ID, Timestamp, Signature string }

// VerifyStandard checks the signatures of a request against its body as it was received, and accepts it when one of them
// was made with one of the keys, at most [Tolerance] from now. Signatures of versions that are not known are passed over,
// and so are empty keys. The error is [ErrMalformed] (a header that is missing or cannot be read, or more than 32
// signatures), [ErrNoSecret], [ErrSignature] or, about a request that the sender did sign, [ErrStale].
func VerifyStandard(s Standard, body []byte, now time.Time, keys ...Key) error {
	seconds, err := strconv.ParseInt(s.Timestamp, 10, 64)
	switch {
	case !validID(s.ID):
		return fmt.Errorf("%w: %s is missing or has a dot", ErrMalformed, StandardID)
	case err != nil || strconv.FormatInt(seconds, 10) != s.Timestamp:
		return fmt.Errorf("%w: %s is not a number of seconds", ErrMalformed, StandardTimestamp)
	case s.Signature == "" || strings.Count(s.Signature, " ") >= maxSignatures:
		return fmt.Errorf("%w: %s is missing, or has more than %d signatures", ErrMalformed, StandardSignature, maxSignatures)
	}
	head := append(append(make([]byte, 0, headSize), s.ID...), '.')
	head = append(append(head, s.Timestamp...), '.')
	known := false
	for _, k := range keys {
		if k.IsZero() {
			continue
		}
		known = true
		if !k.made(s.Signature, head, body) {
			continue
		}
		if at := time.Unix(seconds, 0); at.Before(now.Add(-Tolerance)) || at.After(now.Add(Tolerance)) {
			return ErrStale
		}
		return nil
	}
	if !known {
		return ErrNoSecret
	}
	return ErrSignature
}

// made says whether one of the signatures was made with the key.
func (k Key) made(signatures string, head, body []byte) bool {
	var want, whole []byte
	for signature := range strings.SplitSeq(signatures, " ") {
		version, text, _ := strings.Cut(signature, ",")
		if version != k.version() {
			continue
		}
		got, err := base64.StdEncoding.Strict().DecodeString(text)
		switch {
		case err != nil:
		case version == symmetric:
			if want == nil {
				want = k.sum(head, body)
			}
			if hmac.Equal(got, want) {
				return true
			}
		case len(got) == ed25519.SignatureSize:
			if whole == nil {
				whole = append(append(make([]byte, 0, len(head)+len(body)), head...), body...)
			}
			if ed25519.Verify(k.public, whole, got) {
				return true
			}
		}
	}
	return false
}
