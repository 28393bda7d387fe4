package engine

import (
	"context"
	"fmt"
	"time"

	"hookline/engine/registry"
	"hookline/engine/sign"
	"hookline/engine/webhook"
)

// How long the secret before may be used beside a new one.
const (
	DefaultOverlap = 24 * time.Hour
	MaxOverlap     = 7 * 24 * time.Hour
)

// SetSigning makes every request to an endpoint signed in one way, with one secret from the next attempt on, also for
// what is queued; any other of that kind is not used any more. It returns the secret, which no other call does; "" has one
// made at random. Ways of other kinds stay. The secret goes when the endpoint does: about an hour after the last webhook
// that led to it.
//
// A secret for webhook.Hub has at least 16 characters (webhook.CheckSecret); one for webhook.Standard is whsec_ and the base64 of
// 24 to 64 bytes, one for webhook.Ed25519 whsk_ and the base64 of a private key.
//
// Errors: registry.ErrUnknownEndpoint where it is not one of the tenant's, *webhook.InvalidError about kind or secret,
// which it does not repeat, or one of the store.
func (e *Engine) SetSigning(ctx context.Context, tenant string, endpoint uint64, kind webhook.SigningKind, secret string) (string, error) {
	secret, err := newSigningSecret(kind, secret)
	if err != nil {
		return "", err
	}
	err = e.changeSigning(ctx, tenant, endpoint, kind, func(ep *webhook.Endpoint, _ []webhook.SealedSecret) ([]webhook.SealedSecret, error) {
		sealed, err := e.keys.Seal(sign.NewSecret(secret), ep.Owner.SecretRecord())
		return []webhook.SealedSecret{{Sealed: sealed}}, err
	})
	if err != nil {
		return "", err
	}
	return secret, nil
}

// RotateSigning gives an endpoint another secret for one way of signing, and uses the one before beside it for a while:
// at least 0, at most [MaxOverlap], usually [DefaultOverlap]. Standard Webhooks then carry a signature by each. X-Hub-Signature
// holds one signature: it is made with the secret before until the overlap ends, and with the new one from then on, so that a
// receiver has the overlap to learn it in.
//
// A rotation while an overlap lasts leaves that to end when it would have, but one with an overlap of 0 ends it; of more than
// webhook.MaxSecrets secrets the oldest goes. Naming the secret that holds changes nothing, so a call that names its secret can be repeated when its answer is lost.
//
// Secret, result and errors are as of SetSigning, with *webhook.InvalidError also about the overlap and about an endpoint that
// is not signed in that way.
func (e *Engine) RotateSigning(ctx context.Context, tenant string, endpoint uint64, kind webhook.SigningKind, secret string, overlap time.Duration) (string, error) {
	if overlap < 0 || overlap > MaxOverlap {
		return "", &webhook.InvalidError{Problem: fmt.Sprintf("an overlap of %v: use 0 to %v", overlap, MaxOverlap)}
	}
	secret, err := newSigningSecret(kind, secret)
	if err != nil {
		return "", err
	}
	err = e.changeSigning(ctx, tenant, endpoint, kind, func(ep *webhook.Endpoint, old []webhook.SealedSecret) ([]webhook.SealedSecret, error) {
		if len(old) == 0 {
			return nil, notSigned(endpoint, kind)
		}
		present, err := e.keys.Open(old[0].Sealed, ep.Owner.SecretRecord())
		if err != nil || present.Equal(sign.NewSecret(secret)) {
			return old, err
		}
		sealed, err := e.keys.Seal(sign.NewSecret(secret), ep.Owner.SecretRecord())
		secrets := []webhook.SealedSecret{{Sealed: sealed}}
		if overlap > 0 {
			secrets = append(secrets, webhook.SealedSecret{Sealed: old[0].Sealed, Until: time.Now().Add(overlap)})
			secrets = append(secrets, old[1:]...)
		}
		return secrets[:min(len(secrets), webhook.MaxSecrets)], err
	})
	if err != nil {
		return "", err
	}
	return secret, nil
}

// EndSigningOverlap ends a rotation now: of one way of signing only the newest secret is used. Where there is no other,
// nothing changes. Errors: registry.ErrUnknownEndpoint, *webhook.InvalidError where the endpoint is not signed in that way, or
// one of the store.
func (e *Engine) EndSigningOverlap(ctx context.Context, tenant string, endpoint uint64, kind webhook.SigningKind) error {
	return e.changeSigning(ctx, tenant, endpoint, kind, func(_ *webhook.Endpoint, old []webhook.SealedSecret) ([]webhook.SealedSecret, error) {
		if len(old) == 0 {
			return nil, notSigned(endpoint, kind)
		}
		return old[:1:1], nil
	})
}

// EndSigning has requests to an endpoint no longer signed in one way, and forgets its secrets. Errors as of SetSigning.
func (e *Engine) EndSigning(ctx context.Context, tenant string, endpoint uint64, kind webhook.SigningKind) error {
	if err := kind.Check(); err != nil {
		return err
	}
	return e.changeSigning(ctx, tenant, endpoint, kind, func(*webhook.Endpoint, []webhook.SealedSecret) ([]webhook.SealedSecret, error) {
		return nil, nil
	})
}

// changeSigning replaces the secrets of one way of signing. change gets those that are used; what it returns is kept.
func (e *Engine) changeSigning(ctx context.Context, tenant string, endpoint uint64, kind webhook.SigningKind,
	change func(*webhook.Endpoint, []webhook.SealedSecret) ([]webhook.SealedSecret, error)) error {
	_, err := e.registry.ChangeEndpoint(ctx, tenant, endpoint, func(ep *webhook.Endpoint) error {
		old, _ := ep.SignedBy(kind)
		secrets, err := change(ep, old.Used(time.Now()))
		if err != nil {
			return err
		}
		ep.Signing = ep.WithSigning(webhook.Signing{Kind: kind, Secrets: secrets})
		return nil
	})
	return err
}

func notSigned(endpoint uint64, kind webhook.SigningKind) error {
	return &webhook.InvalidError{Problem: fmt.Sprintf("requests to callback %d have no %s signature yet", endpoint, kind)}
}

// newSigningSecret checks a secret for a way of signing, or makes one.
func newSigningSecret(kind webhook.SigningKind, secret string) (string, error) {
	if err := kind.Check(); err != nil {
		return "", err
	}
	if secret == "" {
		return randomSecret(kind), nil
	}
	if kind == webhook.Hub {
		return secret, webhook.CheckSecret(secret)
	}
	key, err := sign.ParseKey(sign.NewSecret(secret))
	switch {
	case err == nil && kind == webhook.Standard && key.Shared(), err == nil && kind == webhook.Ed25519 && key.Private():
		return secret, nil
	case kind == webhook.Standard:
		return "", &webhook.InvalidError{Problem: "a secret of Standard Webhooks is whsec_ and the base64 of 24 to 64 bytes"}
	}
	return "", &webhook.InvalidError{Problem: "a private key is whsk_ and the base64 of an Ed25519 key of 32 bytes, or of 64 with its public key"}
}

func randomSecret(kind webhook.SigningKind) string {
	switch kind {
	case webhook.Standard:
		return sign.NewShared().Reveal()
	case webhook.Ed25519:
		return sign.NewPrivate().Reveal()
	}
	return NewSecret()
}

// SigningState is one way in which requests to an endpoint are signed, without its secrets.
type SigningState struct {
	Kind      webhook.SigningKind
	PublicKey string // whpk_ and base64, for webhook.Ed25519

	// Before are the secrets that are used beside the present one, the latest first.
	Before []FormerSecret
}

// FormerSecret is a secret that is used beside the one which took its place.
type FormerSecret struct {
	PublicKey string // as in SigningState
	Until     time.Time
}

// Signing returns the ways in which requests to an endpoint are signed, beside what its flavour does. Errors:
// registry.ErrUnknownEndpoint where it is not one of the tenant's, or that a secret cannot be opened.
func (e *Engine) Signing(tenant string, endpoint uint64) ([]SigningState, error) {
	ep, ok := e.registry.Endpoint(endpoint)
	if !ok || ep.Owner.Tenant != tenant {
		return nil, registry.ErrUnknownEndpoint
	}
	states := []SigningState{}
	for _, signing := range ep.Signing {
		state := SigningState{Kind: signing.Kind}
		for i, sealed := range signing.Used(time.Now()) {
			public, err := e.publicKey(ep, signing.Kind, sealed.Sealed)
			if err != nil {
				return nil, err
			}
			if i == 0 {
				state.PublicKey = public
				continue
			}
			state.Before = append(state.Before, FormerSecret{PublicKey: public, Until: sealed.Until})
		}
		states = append(states, state)
	}
	return states, nil
}

// publicKey returns what of a secret everybody may see: "" but for a key pair.
func (e *Engine) publicKey(ep *webhook.Endpoint, kind webhook.SigningKind, sealed string) (string, error) {
	if kind != webhook.Ed25519 {
		return "", nil
	}
	secret, err := e.keys.Open(sealed, ep.Owner.SecretRecord())
	if err != nil {
		return "", err
	}
	key, err := sign.ParseKey(secret)
	return key.Public(), err
}
