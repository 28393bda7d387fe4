package config

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"hookline/engine"
	"hookline/engine/sign"
	"hookline/engine/webhook"
)

// Apply makes or changes the tenants and apps of the file. Hosts and tokens are added to those that are there, since
// some may have been made over the API; an app's issuer and secrets are replaced where the file has them; the other
// settings are replaced.
func (c *Config) Apply(ctx context.Context, e *engine.Engine) error {
	for _, t := range c.Tenants {
		if _, err := e.Registry().ChangeTenant(ctx, t.ID, t.mergeInto); err != nil {
			return fmt.Errorf("config: tenant %s: %w", t.ID, err)
		}
		for _, a := range t.Apps {
			if err := a.apply(ctx, e, t.ID); err != nil {
				return fmt.Errorf("config: tenant %s: app %s: %w", t.ID, a.Key, err)
			}
		}
	}
	return nil
}

func (t *Tenant) mergeInto(old *webhook.Tenant) {
	info := t.tenant()
	for i, h := range info.Hosts {
		info.Hosts[i] = strings.ToLower(h) // as they are kept
	}
	old.Site, old.Limits, old.Region = info.Site, info.Limits, info.Region
	old.Hosts = union(old.Hosts, info.Hosts)
	old.Tokens = union(old.Tokens, info.Tokens)
}

func (a *App) apply(ctx context.Context, e *engine.Engine, tenant string) error {
	sealed, err := a.sealed(e.Keys(), tenant)
	if err != nil {
		return err
	}
	_, err = e.Registry().ChangeApp(ctx, tenant, a.Key, func(old *webhook.App) {
		a.mergeInto(old)
		if len(sealed) > 0 {
			old.Secrets = sealed
		}
	})
	return err
}

// sealed returns the secrets as they are kept.
func (a *App) sealed(keys *sign.Keyring, tenant string) ([]string, error) {
	record := (&webhook.App{Tenant: tenant, Key: a.Key}).SecretRecord()
	var list []string
	for _, text := range a.Secrets {
		s, err := keys.Seal(sign.NewSecret(text), record)
		if err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, nil
}

func (a *App) mergeInto(old *webhook.App) {
	app := a.app(old.Tenant)
	old.Kind, old.BaseURL, old.Issuer = app.Kind, app.BaseURL, cmp.Or(app.Issuer, old.Issuer)
	old.Tokens = union(withoutTokens(old.Tokens, app.Tokens), app.Tokens)
}

// withoutTokens leaves out the tokens that the file has too: whose they are is what the file says.
func withoutTokens(old, file []webhook.AppToken) []webhook.AppToken {
	return slices.DeleteFunc(slices.Clone(old), func(o webhook.AppToken) bool {
		return slices.ContainsFunc(file, func(f webhook.AppToken) bool { return f.Hash == o.Hash })
	})
}

// union returns a new list of all that is in either, once.
func union[T comparable](a, b []T) []T {
	all := slices.Clone(a)
	for _, v := range b {
		if !slices.Contains(all, v) {
			all = append(all, v)
		}
	}
	return all
}
