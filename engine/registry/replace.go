package registry

import (
	"context"
	"fmt"
	"slices"

	"hookline/engine/store"
	"hookline/engine/webhook"
)

// URLError says which of several callback URLs, counted from 0, is wrong, and wraps what is wrong with it.
type URLError struct {
	Index int
	Err   error
}

func (e *URLError) Error() string { return fmt.Sprintf("URL %d: %v", e.Index, e.Err) }
func (e *URLError) Unwrap() error { return e.Err }

// Replace makes the webhooks of an owner those of a list of URLs, one a URL and in its order; URLs that are there
// again are passed over. It is for rules of systems without filters, whose webhooks share endpoints by URL.
//
// The change is one: events are for all webhooks of before or for all of the list, and so after a crash. What is queued
// for URLs that stay is still sent. The numbers of endpoints that are gone are returned, as nobody waits for
// what is queued for them any more.
//
// Errors, after which nothing was changed: webhook.ErrUnknownTenant, webhook.ErrUnknownApp, [*URLError],
// [*LimitError], [*TenantLimitError], [*IDsExhaustedError], or one of the store.
func (r *Registry) Replace(ctx context.Context, rules *Rules, owner webhook.Owner, urls []string) ([]uint64, error) {
	s, done, err := r.changing(owner.Tenant)
	if err != nil {
		return nil, err
	}
	defer done()
	reg, err := r.begin(s, rules, owner)
	if err != nil {
		return nil, err
	}
	list, err := reg.distinct(urls)
	if err != nil {
		return nil, err
	}
	stay, fresh := r.renew(reg, list)
	c, err := r.replacement(reg, stay, fresh)
	if err != nil || len(c.PutWebhooks) == 0 && len(c.DeleteWebhooks) == 0 && len(c.PutEndpoints) == 0 {
		return nil, err
	}
	if err := r.apply(ctx, s, c); err != nil {
		return nil, err
	}
	r.exchangeAll(s, c)
	return c.DeleteEndpoints, nil
}

// distinct returns the URLs without repeats if the owner may have webhooks to all of them.
func (reg *registration) distinct(urls []string) ([]string, error) {
	var list []string
	seen := make(map[string]bool, len(urls))
	for i, url := range urls {
		if err := reg.aim(url); err != nil {
			return nil, &URLError{Index: i, Err: err}
		}
		if !seen[url] {
			list = append(list, url)
		}
		seen[url] = true
	}
	info, _ := reg.tenant.site()
	if limit := reg.rules.Limit(info, reg.app); len(list) > limit {
		return nil, &LimitError{Limit: limit, Given: len(list), Kind: reg.kind()}
	}
	return list, nil
}

// renew tells the webhooks that can stay from the URLs that get new ones. Webhooks are listed by their numbers, so once a
// URL got a new one, the highest of all, those after it need new ones too.
func (r *Registry) renew(reg *registration, urls []string) (stay []*webhook.Webhook, fresh []string) {
	byURL := map[string]*webhook.Webhook{}
	for _, w := range reg.stock.list(reg.owner, reg.rules.Flavor) {
		if !w.Expired(reg.now) {
			byURL[w.URL] = w
		}
	}
	last := int64(0)
	for i, url := range urls {
		w := byURL[url]
		if w == nil || w.ID < last {
			return stay, urls[i:]
		}
		stay, last = append(stay, w), w.ID
	}
	return stay, nil
}

// replacement lists what changes in the store.
func (r *Registry) replacement(reg *registration, stay []*webhook.Webhook, fresh []string) (*store.Changes, error) {
	used := map[uint64]bool{}
	for _, w := range stay {
		used[w.Endpoint] = true
	}
	reg.live = len(stay)
	present := append(reg.stock.list(reg.owner, reg.rules.Flavor), reg.stock.lostOf(reg.owner, reg.rules.Flavor)...)
	reg.total -= len(present) - len(stay)
	for _, url := range fresh {
		reg.url = url
		endpoint, last := r.endpointFor(reg)
		reg.endpoint, reg.lastEndpoint = endpoint, max(last, reg.lastEndpoint)
		if res := reg.add(&checkedItem{}); len(res.Errors) > 0 {
			return nil, res.Errors[0]
		}
		used[reg.webhooks[len(reg.webhooks)-1].Endpoint] = true
	}
	c := reg.changes()
	for _, w := range stay {
		if ep, ok := r.Endpoint(w.Endpoint); ok && ep.Stopped != "" {
			c.PutEndpoints = append(c.PutEndpoints, enabled(ep))
		}
	}
	for _, w := range present {
		if !slices.Contains(stay, w) {
			c.DeleteWebhooks = append(c.DeleteWebhooks, w)
		}
	}
	for _, e := range r.EndpointsOf(reg.owner, reg.rules.Flavor) {
		if !used[e.ID] {
			c.DeleteEndpoints = append(c.DeleteEndpoints, e.ID)
		}
	}
	return c, nil
}

// exchangeAll makes a change of webhooks without filters visible, in one step to whoever lists them.
func (r *Registry) exchangeAll(s *stock, c *store.Changes) {
	t := s.tenant
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range c.PutEndpoints {
		r.putEndpoint(t, e)
	}
	for id, last := range c.LastWebhookID {
		r.lastWebhook[id] = last
	}
	t.mu.Lock()
	for _, w := range c.PutWebhooks {
		s.put(w)
	}
	for _, w := range c.DeleteWebhooks {
		s.remove(w)
	}
	t.mu.Unlock()
	for _, id := range c.DeleteEndpoints {
		r.removeEndpoint(t, id)
	}
}
