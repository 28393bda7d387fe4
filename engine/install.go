package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"hookline/engine/flavor"
	"hookline/engine/flavor/connect"
	"hookline/engine/registry"
	"hookline/engine/webhook"
)

// Install installs a Connect app with a descriptor, or updates it: what the descriptor declares takes the place of what
// the one before declared; see registry.Registry.Install. Nothing is kept of text.
//
// Errors, after which nothing was changed: webhook.ErrUnknownTenant, webhook.ErrUnknownApp, *webhook.InvalidError where
// the app is not a Connect app, *registry.ProblemsError with all that is wrong with the descriptor, or one of the store.
func (e *Engine) Install(ctx context.Context, tenant, app string, text []byte) error {
	a, err := e.app(tenant, app)
	if err != nil {
		return err
	}
	if a.Kind != webhook.Connect {
		return &webhook.InvalidError{Problem: fmt.Sprintf("app %s: its kind is %s, and descriptors are those of Connect apps", app, a.Kind)}
	}
	d, problems := connect.Parse(text)
	if d == nil {
		return &registry.ProblemsError{Problems: problems}
	}
	if d.Key != "" && d.Key != app {
		problems = append(problems, fmt.Sprintf("key: the descriptor is not that of app %s", app))
	}
	var sets []registry.Set
	for _, f := range e.declarers() {
		list, more := f.Declared(d, a)
		sets, problems = append(sets, registry.Set{Rules: f.Rules(), List: list}), append(problems, more...)
	}
	if len(problems) == 0 {
		return e.install(ctx, tenant, app, &d.Descriptor, sets)
	}
	var more *registry.ProblemsError
	if err := e.registry.TryInstall(tenant, app, &d.Descriptor, sets); errors.As(err, &more) {
		problems = append(problems, more.Problems...)
	}
	return &registry.ProblemsError{Problems: problems}
}

// Uninstall takes a descriptor away from an app, with all that it declares and what is queued for that. The app stays, with
// what it registered otherwise. Errors: webhook.ErrUnknownTenant, webhook.ErrUnknownApp, registry.ErrNoDescriptor, or one
// of the store.
func (e *Engine) Uninstall(ctx context.Context, tenant, app string) error {
	var sets []registry.Set
	for _, f := range e.declarers() {
		sets = append(sets, registry.Set{Rules: f.Rules()})
	}
	return e.install(ctx, tenant, app, nil, sets)
}

func (e *Engine) install(ctx context.Context, tenant, app string, d *webhook.Descriptor, sets []registry.Set) error {
	gone, err := e.registry.Install(ctx, tenant, app, d, sets)
	e.purge(gone)
	return err
}

// Installed returns the descriptor of an app and the webhooks that it declares, in order of their numbers. They are
// shared and must not be changed. Errors: webhook.ErrUnknownTenant, webhook.ErrUnknownApp, registry.ErrNoDescriptor, or one of the store.
func (e *Engine) Installed(tenant, app string) (*webhook.Descriptor, []*webhook.Webhook, error) {
	a, err := e.app(tenant, app)
	if err != nil {
		return nil, nil, err
	}
	if a.Descriptor == nil {
		return nil, nil, registry.ErrNoDescriptor
	}
	var list []*webhook.Webhook
	for _, f := range e.declarers() {
		some, err := e.registry.List(webhook.Owner{Tenant: tenant, App: app}, f.Rules().Flavor)
		if err != nil {
			return nil, nil, err
		}
		list = append(list, some...)
	}
	slices.SortFunc(list, func(a, b *webhook.Webhook) int { return cmp.Compare(a.ID, b.ID) })
	return a.Descriptor, list, nil
}

func (e *Engine) app(tenant, key string) (*webhook.App, error) {
	if _, ok := e.registry.Tenant(tenant); !ok {
		return nil, webhook.ErrUnknownTenant
	}
	a, ok := e.registry.App(tenant, key)
	if !ok {
		return nil, webhook.ErrUnknownApp
	}
	return a, nil
}

func (e *Engine) declarers() []flavor.Declarer {
	var list []flavor.Declarer
	for _, f := range e.options.Flavors {
		if d, ok := f.(flavor.Declarer); ok {
			list = append(list, d)
		}
	}
	return list
}
