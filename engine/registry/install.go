package registry

import (
	"context"
	"errors"
	"slices"
	"strings"

	"hookline/engine/store"
	"hookline/engine/webhook"
	"hookline/matcher"
)

// ErrNoDescriptor is the error about an app that is not installed with a descriptor.
var ErrNoDescriptor = errors.New("the app has no descriptor")

// Declared is a webhook that an app declares in its descriptor, at a place there.
type Declared struct {
	Place, URL string
	Item
}

// Set is all that an app is to have under some rules, which give every webhook an endpoint of its own.
type Set struct {
	Rules *Rules
	List  []Declared
}

// Install makes a descriptor that of an app, and the app's webhooks under the rules of each set those of the set. A
// webhook that differs in nothing from a declared one stays as it is; one that differs, but is for the same events at the
// same URL, keeps its number and what is queued for it; for the others there are new ones. Without a descriptor the app
// is uninstalled, and the sets are to be empty.
//
// The change is one: events are for all webhooks of before or for all of the sets, and so after a crash. The numbers of
// endpoints that are gone are returned, as nobody waits for what is queued for them any more.
//
// Errors, after which nothing was changed: webhook.ErrUnknownTenant, webhook.ErrUnknownApp, [ErrNoDescriptor] where there
// is nothing to uninstall, [*ProblemsError] with all that is wrong, *webhook.InvalidError, or one of the store.
func (r *Registry) Install(ctx context.Context, tenantID, key string, d *webhook.Descriptor, sets []Set) ([]uint64, error) {
	s, done, err := r.changing(tenantID)
	if err != nil {
		return nil, err
	}
	defer done()
	in, err := r.installation(s, key, d, sets)
	if err != nil {
		return nil, err
	}
	if err := r.apply(ctx, s, in.changes()); err != nil {
		return nil, err
	}
	r.installed(in)
	return in.gone.DeleteEndpoints, nil
}

// TryInstall says what Install would refuse, and changes nothing.
func (r *Registry) TryInstall(tenantID, key string, d *webhook.Descriptor, sets []Set) error {
	s, done, err := r.changing(tenantID)
	if err != nil {
		return err
	}
	defer done()
	_, err = r.installation(s, key, d, sets)
	return err
}

// installation is one call of Install in progress. Webhooks of several rules are numbered in one sequence.
type installation struct {
	stock    *stock
	app      *webhook.App
	problems []string

	lastID       int64
	lastEndpoint uint64
	endpoints    []*webhook.Endpoint
	fresh        []*webhook.Webhook // with new numbers
	changed      []*webhook.Webhook // in the place of others
	entries      []matcher.Entry    // of both
	filters      []store.Filter     // which are to be kept
	gone         store.Changes      // webhooks and endpoints to delete
}

func (r *Registry) installation(s *stock, key string, d *webhook.Descriptor, sets []Set) (*installation, error) {
	old, ok := r.App(s.tenant.id, key)
	switch {
	case !ok:
		return nil, webhook.ErrUnknownApp
	case d == nil && old.Descriptor == nil:
		return nil, ErrNoDescriptor
	}
	app := *old
	app.Descriptor = d
	if err := app.Validate(); err != nil {
		return nil, err
	}
	in := &installation{stock: s, app: &app}
	r.mu.RLock()
	in.lastEndpoint = r.lastEndpoint
	r.mu.RUnlock()
	for _, set := range sets {
		if err := r.declare(in, &set); err != nil {
			return nil, err
		}
	}
	if len(in.problems) > 0 {
		return nil, &ProblemsError{in.problems}
	}
	return in, nil
}

// declare works out what changes under the rules of one set.
func (r *Registry) declare(in *installation, set *Set) error {
	reg, err := r.begin(in.stock, set.Rules, webhook.Owner{Tenant: in.app.Tenant, App: in.app.Key})
	if err != nil {
		return err
	}
	reg.app, reg.lastID, reg.lastEndpoint = in.app, max(reg.lastID, in.lastID), in.lastEndpoint
	items := make([]Item, len(set.List))
	for i, declared := range set.List {
		items[i] = declared.Item
	}
	info, env := reg.tenant.site()
	present := in.stock.list(reg.owner, set.Rules.Flavor)
	registered := make([]string, len(present))
	for i, w := range present {
		registered[i] = w.Filter
	}
	checked := r.check(set.Rules, info, env, items, registered...)
	stays := continued(present, set.List, checked)
	reg.live = len(present)
	reg.total -= len(in.gone.DeleteWebhooks) - len(in.fresh)
	for _, w := range present {
		if !slices.Contains(stays, w) {
			reg.live--
			reg.total--
			in.gone.DeleteWebhooks = append(in.gone.DeleteWebhooks, w)
			in.gone.DeleteEndpoints = append(in.gone.DeleteEndpoints, w.Endpoint)
		}
	}
	for _, w := range in.stock.lostOf(reg.owner, set.Rules.Flavor) { // what they declare is made anew
		reg.total--
		in.gone.DeleteWebhooks = append(in.gone.DeleteWebhooks, w)
		in.gone.DeleteEndpoints = append(in.gone.DeleteEndpoints, w.Endpoint)
	}
	for i, declared := range set.List {
		in.add(reg, stays[i], declared, &checked[i])
	}
	in.lastID, in.lastEndpoint = reg.lastID, reg.lastEndpoint
	in.endpoints, in.fresh = append(in.endpoints, reg.created...), append(in.fresh, reg.webhooks...)
	in.entries, in.filters = append(in.entries, reg.entries...), append(in.filters, reg.filters...)
	return nil
}

// continued finds for each declared webhook the present one that goes on as it, nil where there is none: first one that
// is the same, then one of the same events and URL.
func continued(present []*webhook.Webhook, list []Declared, checked []checkedItem) []*webhook.Webhook {
	stays, taken := make([]*webhook.Webhook, len(list)), make(map[*webhook.Webhook]bool, len(list))
	for _, goesOn := range []func(*webhook.Webhook, string, *checkedItem) bool{same, alike} {
		for i := range list {
			if stays[i] != nil {
				continue
			}
			at := slices.IndexFunc(present, func(w *webhook.Webhook) bool {
				return !taken[w] && goesOn(w, list[i].URL, &checked[i])
			})
			if at >= 0 {
				stays[i], taken[present[at]] = present[at], true
			}
		}
	}
	return stays
}

func alike(w *webhook.Webhook, url string, item *checkedItem) bool {
	return w.URL == url && slices.Equal(w.Events, item.Events)
}

func same(w *webhook.Webhook, url string, item *checkedItem) bool {
	var is, was webhook.Settings
	if item.Settings != nil {
		is = *item.Settings
	}
	if w.Settings != nil {
		was = *w.Settings
	}
	return alike(w, url, item) && w.Filter == item.Filter && slices.Equal(w.FieldIDs, item.FieldIDs) &&
		slices.Equal(w.PropertyKeys, item.PropertyKeys) && is.Name == was.Name && is.ExcludeBody == was.ExcludeBody
}

// add makes one declared webhook, of the present one that goes on as it or anew, or notes what is wrong with it.
func (in *installation) add(reg *registration, present *webhook.Webhook, declared Declared, item *checkedItem) {
	problems := item.problems
	if err := reg.aim(declared.URL); err != nil {
		problems = append(slices.Clone(problems), err)
	}
	if len(problems) == 0 {
		switch {
		case present == nil:
			problems = reg.add(item).Errors
		case !same(present, declared.URL, item):
			w := changed(present, declared.URL, item)
			in.changed = append(in.changed, w)
			reg.file(w, item.filter)
		}
	}
	for _, err := range problems {
		in.problems = append(in.problems, declared.Place+": "+strings.TrimSuffix(err.Error(), "."))
	}
}

func (in *installation) changes() *store.Changes {
	c := in.gone
	c.PutApps, c.PutEndpoints = []*webhook.App{in.app}, in.endpoints
	c.PutWebhooks, c.PutFilters = slices.Concat(in.fresh, in.changed), in.filters
	if len(in.fresh) > 0 {
		c.LastWebhookID, c.LastEndpointID = map[string]int64{in.app.Tenant: in.lastID}, in.lastEndpoint
	}
	return &c
}

// installed makes an installation that is durable visible. Those that are found by the index change there, in one step,
// while both are known; those that are found by listing them change after that. No index is built meanwhile, which would have one set or both.
func (r *Registry) installed(in *installation) {
	gone := make([]matcher.ID, len(in.gone.DeleteWebhooks))
	for i, w := range in.gone.DeleteWebhooks {
		gone[i] = matcher.ID(w.ID)
	}
	r.attachIndexed(in)
	in.stock.update(in.entries, gone)
	r.exchangeListed(in)
}

// attachIndexed makes what is new known, but for what is found by listing it.
func (r *Registry) attachIndexed(in *installation) {
	t := in.stock.tenant
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range in.endpoints {
		r.putEndpoint(t, e)
	}
	if len(in.fresh) > 0 {
		r.lastWebhook[in.app.Tenant] = in.lastID
	}
	t.putApp(in.app)
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, w := range in.changed {
		in.stock.put(w)
	}
	for _, w := range in.fresh {
		if indexed(w) {
			in.stock.put(w)
		}
	}
}

// exchangeListed makes known what is found by listing it, and forgets what is gone.
func (r *Registry) exchangeListed(in *installation) {
	var listed store.Changes
	for _, w := range in.fresh {
		if !indexed(w) {
			listed.PutWebhooks = append(listed.PutWebhooks, w)
		}
	}
	listed.DeleteWebhooks, listed.DeleteEndpoints = in.gone.DeleteWebhooks, in.gone.DeleteEndpoints
	r.exchangeAll(in.stock, &listed)
}
