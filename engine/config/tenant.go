package config

import (
	"slices"

	"hookline/engine/webhook"
)

// Tenant is a tenant in the file.
type Tenant struct {
	ID             string   `yaml:"id"`
	Hosts          []string `yaml:"hosts"`
	webhook.Site   `yaml:",inline"`
	webhook.Limits `yaml:",inline"`
	Region         string   `yaml:"region"`
	Tokens         []string `yaml:"tokens"`
	Apps           []App    `yaml:"apps"`
}

// App is an app in the file.
type App struct {
	Key     string          `yaml:"key"`
	Kind    webhook.AppKind `yaml:"kind"`
	BaseURL string          `yaml:"base_url"`
	Tokens  []AppToken      `yaml:"tokens"`

	// Issuer and Secrets are those of webhook.App, the secrets in the clear. What is left out here stays as it was set
	// over the API.
	Issuer  string   `yaml:"issuer"`
	Secrets []string `yaml:"secrets"`
}

// AppToken is a credential of an app in the file, in the clear.
type AppToken struct {
	Token string `yaml:"token"`
	User  string `yaml:"user"`
}

func (t *Tenant) tenant() webhook.Tenant {
	info := webhook.Tenant{ID: t.ID, Hosts: slices.Clone(t.Hosts), Site: t.Site, Limits: t.Limits, Region: t.Region}
	for _, token := range t.Tokens {
		info.Tokens = append(info.Tokens, webhook.HashToken(token))
	}
	return info
}

func (a *App) app(tenant string) webhook.App {
	app := webhook.App{Tenant: tenant, Key: a.Key, Kind: a.Kind, BaseURL: a.BaseURL, Issuer: a.Issuer}
	for _, token := range a.Tokens {
		app.Tokens = append(app.Tokens, webhook.AppToken{Hash: webhook.HashToken(token.Token), User: token.User})
	}
	return app
}
