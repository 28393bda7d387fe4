package webhook

import (
	"slices"
	"time"
)

// SigningKind is a way to sign requests to an endpoint.
type SigningKind string

// The kinds. An endpoint may have each of them once.
const (
	Hub      SigningKind = "hub"      // X-Hub-Signature: the HMAC-SHA256 of the body
	Standard SigningKind = "standard" // Standard Webhooks, HMAC-SHA256 with a shared secret (v1)
	Ed25519  SigningKind = "ed25519"  // Standard Webhooks, Ed25519 (v1a)
)

// SigningKinds lists the kinds in the order in which they are shown.
var SigningKinds = []SigningKind{Hub, Standard, Ed25519}

// Check reports a kind that there is not, as an [*InvalidError].
func (k SigningKind) Check() error {
	if !slices.Contains(SigningKinds, k) {
		return invalid("there is no kind of signature %q; use hub, standard or ed25519", k)
	}
	return nil
}

// Signing is one way in which requests to an endpoint are signed. It is not changed, but replaced.
type Signing struct {
	Kind SigningKind `json:"kind"`

	// Secrets are the one that holds and, while it is taking over, those before it, the latest first.
	Secrets []SealedSecret `json:"secrets"`
}

// SealedSecret is a secret as it is kept: sealed (package sign) under the record of the endpoint's owner.
type SealedSecret struct {
	Sealed string `json:"sealed"`

	// Until is when the secret is no longer used; zero for the one that holds.
	Until time.Time `json:"until,omitzero"`
}

// Used says whether the secret is used at a time.
func (s SealedSecret) Used(now time.Time) bool { return s.Until.IsZero() || now.Before(s.Until) }

// Used returns the secrets that are used at a time.
func (s *Signing) Used(now time.Time) []SealedSecret {
	return slices.DeleteFunc(slices.Clone(s.Secrets), func(old SealedSecret) bool { return !old.Used(now) })
}

// SignedBy returns how requests to the endpoint are signed in one way; ok says whether they are.
func (e *Endpoint) SignedBy(kind SigningKind) (signing Signing, ok bool) {
	i := slices.IndexFunc(e.Signing, func(s Signing) bool { return s.Kind == kind })
	if i < 0 {
		return Signing{}, false
	}
	return e.Signing[i], true
}

// WithSigning returns the ways in which requests to the endpoint are signed with one of them replaced or added, or taken
// away where it has no secrets, in the order of [SigningKinds].
func (e *Endpoint) WithSigning(s Signing) []Signing {
	var all []Signing
	for _, kind := range SigningKinds {
		switch old, ok := e.SignedBy(kind); {
		case kind == s.Kind && len(s.Secrets) > 0:
			all = append(all, s)
		case kind != s.Kind && ok:
			all = append(all, old)
		}
	}
	return all
}
