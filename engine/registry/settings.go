package registry

import (
	"context"
	"errors"

	"hookline/engine/store"
	"hookline/engine/webhook"
)

// ChangeSettings replaces what is set of a webhook beside its flavour, whoever's it is: change gets a copy of its settings,
// of which it sets AutoExtend and Secret, and one of its endpoint, of which it sets what that of [Registry.ChangeEndpoint]
// does; others stay whatever it does. Both become durable and visible in one step, and no other change comes in between.
// The webhook as it is then is returned; it is shared and must not be changed. An error means that nothing was changed:
// [ErrUnknownWebhook], what change returned, or one of the store.
func (r *Registry) ChangeSettings(ctx context.Context, tenantID string, id int64, change func(*webhook.Settings, *webhook.Endpoint) error) (*webhook.Webhook, error) {
	s, done, err := r.changing(tenantID)
	if errors.Is(err, webhook.ErrUnknownTenant) {
		return nil, ErrUnknownWebhook
	}
	if err != nil {
		return nil, err
	}
	defer done()
	old := s.webhooks[id] // nobody writes there but changes
	if old == nil {
		return nil, ErrUnknownWebhook
	}
	endpoint, ok := r.Endpoint(old.Endpoint)
	if !ok {
		return nil, ErrUnknownWebhook
	}
	var settings webhook.Settings
	if old.Settings != nil {
		settings = *old.Settings
	}
	wish, wanted := settings, *endpoint
	if err := change(&wish, &wanted); err != nil {
		return nil, err
	}
	fresh := old
	if wish.AutoExtend != settings.AutoExtend || wish.Secret != settings.Secret {
		settings.AutoExtend, settings.Secret = wish.AutoExtend, wish.Secret
		renewed := *old
		renewed.Settings, fresh = &settings, &renewed
	}
	endpoint = withWishes(endpoint, &wanted)
	err = r.apply(ctx, s, &store.Changes{PutWebhooks: []*webhook.Webhook{fresh}, PutEndpoints: []*webhook.Endpoint{endpoint}})
	if err != nil {
		return nil, err
	}
	r.exchange(s, fresh, endpoint)
	return fresh, nil
}
