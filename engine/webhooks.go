package engine

import (
	"context"
)

// DeleteWebhook removes a webhook of any flavour. What is queued for it is removed too where it has an endpoint of its own;
// what is queued for an endpoint that webhooks share is still sent. Errors: registry.ErrUnknownWebhook where it is not one
// of the tenant's, *registry.InUseError where a post-function fires it, or one of the store.
func (e *Engine) DeleteWebhook(ctx context.Context, tenant string, id int64) error {
	endpoint, err := e.registry.DeleteAny(ctx, tenant, id)
	if err != nil {
		return err
	}
	if ep, ok := e.registry.Endpoint(endpoint); ok && ep.Webhook == id {
		e.Drop(endpoint)
	}
	return nil
}
