package config

import (
	"context"
	"fmt"

	"hookline/engine"
	"hookline/engine/webhook"
)

// Apply makes or changes the tenants and apps of the file.
func (c *Config) Apply(ctx context.Context, e *engine.Engine) error {
	for _, t := range c.Tenants {
		info := t.tenant()
		_, err := e.Registry().ChangeTenant(ctx, t.ID, func(old *webhook.Tenant) { *old = info })
		if err != nil {
			return fmt.Errorf("config: tenant %s: %w", t.ID, err)
		}
		for _, a := range t.Apps {
			if err := e.PutApp(ctx, a.app(t.ID)); err != nil {
				return fmt.Errorf("config: tenant %s: app %s: %w", t.ID, a.Key, err)
			}
		}
	}
	return nil
}
