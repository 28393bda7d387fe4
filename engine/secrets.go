package engine

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	"hookline/engine/sign"
	"hookline/engine/webhook"
)

// Keys returns what seals and opens the secrets of webhooks and apps.
func (e *Engine) Keys() *sign.Keyring { return e.keys }

// keyring is the keys from outside and after them the store's own, so that secrets which were sealed before there
// were others open all the same.
func keyring(keys []sign.Secret, store [16]byte) (*sign.Keyring, error) {
	own := sha256.Sum256(append([]byte("hookline secrets "), store[:]...))
	all := append(slices.Clone(keys), sign.NewSecret(hex.EncodeToString(own[:])))
	return sign.NewKeyring(all[0], all[1:]...)
}

// checkSecrets refuses to open a directory with secrets that no key opens: what is queued under them could not be
// sent and would be given up.
func (e *Engine) checkSecrets() error {
	for _, t := range e.registry.Tenants() {
		if err := e.checkSecretsOf(t.ID); err != nil {
			return fmt.Errorf("engine: tenant %s: %w; add its key to SecretKeys", t.ID, err)
		}
	}
	return nil
}

func (e *Engine) checkSecretsOf(tenant string) error {
	for _, a := range e.registry.Apps(tenant) {
		for _, sealed := range a.Secrets {
			if _, err := e.keys.Open(sealed, a.SecretRecord()); err != nil {
				return fmt.Errorf("a secret of app %s cannot be opened (%w)", a.Key, err)
			}
		}
	}
	err := e.registry.Secrets(tenant, func(w *webhook.Webhook) error {
		if _, err := e.keys.Open(w.Settings.Secret, w.Owner.SecretRecord()); err != nil {
			return fmt.Errorf("the secret of webhook %d cannot be opened (%w)", w.ID, err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, ep := range e.registry.Endpoints(tenant) {
		if _, err := e.signer(ep); err != nil {
			return err
		}
	}
	return nil
}

// NewSecret makes a secret at random, of 52 letters and digits.
func NewSecret() string { return rand.Text() + rand.Text() }

// sealFor checks a secret and seals it for a record; "" stays what it is.
func (e *Engine) sealFor(record, secret string) (string, error) {
	if secret == "" {
		return "", nil
	}
	if err := webhook.CheckSecret(secret); err != nil {
		return "", err
	}
	return e.keys.Seal(sign.NewSecret(secret), record)
}

// SetSecret makes every request to an endpoint carry X-Hub-Signature, the HMAC-SHA256 of its body, unless the flavour
// signs with a secret of its own; "" ends that. It is SetSigning or EndSigning for webhook.Hub.
//
// Errors: registry.ErrUnknownEndpoint where it is not one of the tenant's, *webhook.InvalidError about a secret that
// is too short (webhook.CheckSecret), or one of the store.
func (e *Engine) SetSecret(ctx context.Context, tenant string, endpoint uint64, secret string) error {
	if secret == "" {
		return e.EndSigning(ctx, tenant, endpoint, webhook.Hub)
	}
	_, err := e.SetSigning(ctx, tenant, endpoint, webhook.Hub, secret)
	return err
}

// RotateWebhookSecret is SetWebhookSecret with a secret that is made at random, and returned this once.
func (e *Engine) RotateWebhookSecret(ctx context.Context, tenant string, id int64) (string, error) {
	secret := NewSecret()
	if err := e.SetWebhookSecret(ctx, tenant, id, secret); err != nil {
		return "", err
	}
	return secret, nil
}

// Signed says whether requests of a webhook carry X-Hub-Signature.
func (e *Engine) Signed(w *webhook.Webhook) bool {
	if w.Settings != nil && w.Settings.Secret != "" && e.hubSecret(w.Flavor) {
		return true
	}
	ep, ok := e.registry.Endpoint(w.Endpoint)
	if !ok {
		return false
	}
	_, signed := ep.SignedBy(webhook.Hub)
	return signed
}

func (e *Engine) hubSecret(flavor string) bool {
	f := e.flavors[flavor]
	return f != nil && f.Rules().HubSecret
}

// RotateSecret gives an app a new first secret, with which what is sent to it is signed from the next attempt on, and
// returns it; "" has one made at random. Those that the app had still verify what it sends, until [Engine.EndOverlap]; of
// more than webhook.MaxSecrets the oldest goes. So a rotation whose answer was lost can be repeated without cutting off who
// still signs with the first one.
//
// Secrets in a configuration file replace those of the app at every start; see package config.
//
// Errors: webhook.ErrUnknownTenant, webhook.ErrUnknownApp, *webhook.InvalidError about a secret that is too short, or one
// of the store.
func (e *Engine) RotateSecret(ctx context.Context, tenant, app, secret string) (string, error) {
	if secret == "" {
		secret = NewSecret()
	}
	sealed, err := e.sealFor((&webhook.App{Tenant: tenant, Key: app}).SecretRecord(), secret)
	if err != nil {
		return "", err
	}
	_, err = e.registry.UpdateApp(ctx, tenant, app, func(a *webhook.App) {
		secrets := append([]string{sealed}, a.Secrets...)
		a.Secrets = secrets[:min(len(secrets), webhook.MaxSecrets)]
	})
	if err != nil {
		return "", err
	}
	return secret, nil
}

// EndOverlap takes all secrets of an app away but the first, which ends a rotation. Where there is no other, nothing
// changes. Errors as of RotateSecret.
func (e *Engine) EndOverlap(ctx context.Context, tenant, app string) error {
	_, err := e.registry.UpdateApp(ctx, tenant, app, func(a *webhook.App) {
		a.Secrets = slices.Clone(a.Secrets[:min(1, len(a.Secrets))])
	})
	return err
}
