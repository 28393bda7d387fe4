package engine

import (
	"context"
	"fmt"
	"math"

	"hookline/engine/sign"
	"hookline/engine/webhook"
)

// Change is what an operator changes of a webhook beside its flavour. What is nil stays as it is.
type Change struct {
	Secret     *string        // as of Engine.SetWebhookSecret
	AutoExtend *bool          // as of Engine.SetAutoExtend
	Policy     *string        // as of Engine.SetPolicy
	Rate       *float64       // requests per second, as of Engine.SetRate
	Order      *webhook.Order // as of Engine.SetOrder
}

// Change changes settings of a webhook, all of them or, with an error, none.
//
// Errors: registry.ErrUnknownWebhook where it is not one of the tenant's, *webhook.InvalidError about a value, or one of
// the store.
func (e *Engine) Change(ctx context.Context, tenant string, id int64, c Change) error {
	w, err := e.registry.Webhook(tenant, id)
	if err != nil {
		return err
	}
	if err := e.checkChange(w, c); err != nil {
		return err
	}
	if c.Order != nil && *c.Order != webhook.Unordered {
		e.orders.any.Store(true)
	}
	_, err = e.registry.ChangeSettings(ctx, tenant, id, func(s *webhook.Settings, ep *webhook.Endpoint) error {
		if c.AutoExtend != nil {
			s.AutoExtend = c.AutoExtend
		}
		if c.Policy != nil {
			ep.Policy = *c.Policy
		}
		if c.Rate != nil {
			ep.Rate = *c.Rate
		}
		if c.Order != nil {
			ep.Order = *c.Order
		}
		if c.Secret != nil {
			return e.changeSecret(w, s, ep, *c.Secret)
		}
		return nil
	})
	if err == nil && (c.Policy != nil || c.Rate != nil) {
		e.Wake(w.Endpoint) // a limit that held it back may be gone
	}
	return err
}

func (e *Engine) checkChange(w *webhook.Webhook, c Change) error {
	switch {
	case c.AutoExtend != nil && e.rules(w.Flavor).Life == 0:
		return &webhook.InvalidError{Problem: fmt.Sprintf("webhooks of the flavour %s do not expire", w.Flavor)}
	case c.Policy != nil && *c.Policy != "" && e.options.Policies[*c.Policy] == nil:
		return &webhook.InvalidError{Problem: fmt.Sprintf("there is no policy %q", *c.Policy)}
	case c.Rate != nil && (!(*c.Rate >= 0) || math.IsInf(*c.Rate, 1)):
		return &webhook.InvalidError{Problem: fmt.Sprintf("the rate %v: use a number of requests per second, 0 or more", *c.Rate)}
	case c.Order != nil && webhook.CheckOrder(*c.Order) != nil:
		return webhook.CheckOrder(*c.Order)
	case c.Secret != nil && *c.Secret != "":
		return webhook.CheckSecret(*c.Secret)
	}
	return nil
}

// changeSecret sets a secret that has been checked where webhooks of the flavour have theirs. One of the endpoint would
// take the place of a webhook's own that ends, and ends too.
func (e *Engine) changeSecret(w *webhook.Webhook, s *webhook.Settings, ep *webhook.Endpoint, secret string) error {
	own := e.hubSecret(w.Flavor)
	if secret == "" {
		if own {
			s.Secret = ""
		}
		ep.Signing = ep.WithSigning(webhook.Signing{Kind: webhook.Hub})
		return nil
	}
	record := ep.Owner.SecretRecord()
	if own {
		record = w.Owner.SecretRecord()
	}
	sealed, err := e.keys.Seal(sign.NewSecret(secret), record)
	if err != nil {
		return err
	}
	if own {
		s.Secret = sealed
		return nil
	}
	ep.Signing = ep.WithSigning(webhook.Signing{Kind: webhook.Hub, Secrets: []webhook.SealedSecret{{Sealed: sealed}}})
	return nil
}

// SetWebhookSecret makes the requests of a webhook carry X-Hub-Signature: where webhooks of the flavour have a secret for
// that (registry.Rules.HubSecret) it becomes the webhook's own, elsewhere that of its endpoint, and so of every webhook
// which shares it. "" removes it; then requests are not signed so at all.
//
// There is no overlap: a receiver that must not refuse a request in between has to know the new secret, beside the old
// one, before it is set here. [Engine.RotateSigning] has one.
//
// Errors as of Change; a secret has at least 16 characters (webhook.CheckSecret).
func (e *Engine) SetWebhookSecret(ctx context.Context, tenant string, id int64, secret string) error {
	return e.Change(ctx, tenant, id, Change{Secret: &secret})
}

// SetAutoExtend says for one webhook whether it is given a new life while deliveries to it succeed, whatever the
// installation has it. Errors as of Change, with *webhook.InvalidError where webhooks of its flavour do not expire.
func (e *Engine) SetAutoExtend(ctx context.Context, tenant string, id int64, on bool) error {
	return e.Change(ctx, tenant, id, Change{AutoExtend: &on})
}

// SetPolicy has the requests of a webhook made under the policy with this name, one of Options.Policies, from the next
// attempt on; "" is the flavour's own. It holds for the webhook's endpoint, and so for every webhook that shares it: they
// share their requests. Errors as of Change.
func (e *Engine) SetPolicy(ctx context.Context, tenant string, id int64, name string) error {
	return e.Change(ctx, tenant, id, Change{Policy: &name})
}

// SetRate bounds the requests per second that are made for a webhook; 0 is Options.Rate.Endpoint. It holds for
// the webhook's endpoint, as of SetPolicy. Errors as of Change.
func (e *Engine) SetRate(ctx context.Context, tenant string, id int64, perSecond float64) error {
	return e.Change(ctx, tenant, id, Change{Rate: &perSecond})
}
