package registry

import (
	"context"

	"hookline/engine/store"
	"hookline/engine/webhook"
)

// ChangeSettings replaces whether a webhook is extended by itself and what it is signed with, whoever's it is: change gets
// a copy of its settings and sets AutoExtend and Secret; others stay whatever it does. No other change comes in between.
// The webhook as it is then is returned; it is shared and must not be changed. An error means that nothing was
// changed: [ErrUnknownWebhook], what change returned, or one of the store.
func (r *Registry) ChangeSettings(ctx context.Context, tenantID string, id int64, change func(*webhook.Settings) error) (*webhook.Webhook, error) {
	r.change.Lock()
	defer r.change.Unlock()
	old, ok := r.Webhook(tenantID, id)
	if !ok {
		return nil, ErrUnknownWebhook
	}
	var settings webhook.Settings
	if old.Settings != nil {
		settings = *old.Settings
	}
	wish := settings
	if err := change(&wish); err != nil {
		return nil, err
	}
	settings.AutoExtend, settings.Secret = wish.AutoExtend, wish.Secret
	fresh := *old
	fresh.Settings = &settings
	if err := r.store.Apply(ctx, &store.Changes{PutWebhooks: []*webhook.Webhook{&fresh}}); err != nil {
		return nil, err
	}
	r.exchange(r.tenant(tenantID), &fresh, nil)
	return &fresh, nil
}
