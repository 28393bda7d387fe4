package registry

import (
	"context"
	"math"
	"net/url"
	"slices"
	"strings"
	"time"

	"hookline/engine/store"
	"hookline/engine/webhook"
	"hookline/jql"
	"hookline/matcher"
)

// Item is one webhook to register.
type Item struct {
	Filter       string // JQL
	Events       []string
	FieldIDs     []string
	PropertyKeys []string
	Settings     *webhook.Settings // taken over as they are; the flavour has checked them
}

// Result is what became of one Item: the number of its webhook, or everything that is wrong with it.
// Errors are of the types *jql.SyntaxError, *jql.CheckError, [*EventError], [*NoEventsError], [*ListError],
// [*NameTakenError], [*URLInUseError], [*LimitError], [*TenantLimitError] and [*IDsExhaustedError].
type Result struct {
	ID     int64
	Errors []error
}

// Register registers webhooks of an owner, all to one URL. Items are taken in order, and each
// succeeds or fails alone; the results are in the same order. What succeeded is durable and matches
// events from then on when Register returns.
//
// An error of the call means that nothing was registered: webhook.ErrUnknownTenant,
// webhook.ErrUnknownApp, *webhook.InvalidError or [*BaseURLError] about the URL, or one of the store.
func (r *Registry) Register(ctx context.Context, rules *Rules, owner webhook.Owner, callbackURL string, items []Item) ([]Result, error) {
	return r.register(rules, owner, callbackURL, items, func(reg *registration) error {
		if err := r.apply(ctx, reg.stock, reg.changes()); err != nil {
			return err
		}
		r.publish(reg)
		return nil
	})
}

// Try says what Register would say, and changes nothing. A result without errors has no number.
func (r *Registry) Try(rules *Rules, owner webhook.Owner, callbackURL string, items []Item) ([]Result, error) {
	results, err := r.register(rules, owner, callbackURL, items, func(*registration) error { return nil })
	for i := range results {
		results[i].ID = 0
	}
	return results, err
}

// register works out a registration, and has it carried out if anything comes of it.
func (r *Registry) register(rules *Rules, owner webhook.Owner, callbackURL string, items []Item, carryOut func(*registration) error) ([]Result, error) {
	t := r.tenant(owner.Tenant)
	if t == nil {
		return nil, webhook.ErrUnknownTenant
	}
	info, env := t.site()
	// Filters are compiled before the lock is taken, which all registrations of the installation share.
	checked := r.check(rules, info, env, items)
	s, done, err := r.changing(owner.Tenant)
	if err != nil {
		return nil, err
	}
	defer done()
	reg, err := r.begin(s, rules, owner)
	if err == nil {
		err = reg.aim(callbackURL)
	}
	if err != nil {
		return nil, err
	}
	reg.supersede()
	reg.endpoint, reg.lastEndpoint = r.endpointFor(reg)
	if now, env := reg.tenant.site(); now != info {
		checked = r.check(rules, now, env, items)
	}
	results := make([]Result, len(items))
	for i := range checked {
		results[i] = reg.add(&checked[i])
	}
	if len(reg.webhooks) == 0 {
		return results, nil
	}
	if err := carryOut(reg); err != nil {
		return nil, err
	}
	return results, nil
}

// registration is one call of Register, or of Refresh, in progress.
type registration struct {
	rules    *Rules
	admit    func(address string) error // of the registry
	tenant   *tenant
	stock    *stock // of the tenant
	from     compiling
	app      *webhook.App
	owner    webhook.Owner
	url      string
	now      time.Time
	live     int                 // webhooks of the owner that have not expired
	total    int                 // webhooks of the tenant
	limits   Limits              // of the registry
	usedURL  string              // URL of one of them
	endpoint *webhook.Endpoint   // shared by the webhooks of the owner; nil before the first of them
	created  []*webhook.Endpoint // or enabled
	lastID   int64
	webhooks []*webhook.Webhook
	entries  []matcher.Entry
	filters  []store.Filter     // which are to be kept
	replaced []*webhook.Webhook // gone when the others are there

	lastEndpoint uint64
}

// begin finds out where an owner stands.
func (r *Registry) begin(s *stock, rules *Rules, owner webhook.Owner) (*registration, error) {
	t := s.tenant
	reg := &registration{
		rules: rules, admit: r.admit, limits: r.limits, tenant: t, stock: s, from: t.compiles(), owner: owner, now: time.Now(),
	}
	if owner.App != "" {
		var ok bool
		if reg.app, ok = r.App(owner.Tenant, owner.App); !ok {
			return nil, webhook.ErrUnknownApp
		}
	}
	reg.count()
	reg.lastID = max(r.lastWebhook[owner.Tenant], firstWebhookID-1)
	return reg, nil
}

// aim checks the URL that the webhooks are to go to.
func (reg *registration) aim(callbackURL string) error {
	u, err := webhook.ParseURL(callbackURL, reg.rules.PlainHTTP)
	if err != nil {
		return err
	}
	if reg.admit != nil {
		_, address := webhook.HostOf(u)
		if err := reg.admit(address); err != nil {
			return &webhook.InvalidError{Problem: err.Error()}
		}
	}
	if !reg.rules.AnyBase && reg.app != nil && reg.app.Base() != "" && !under(callbackURL, reg.app.Base()) {
		return &BaseURLError{URL: callbackURL, Base: reg.app.Base()}
	}
	reg.url = callbackURL
	return nil
}

// supersede counts the owner's webhooks with other URLs as gone, where the rules want that.
func (reg *registration) supersede() {
	if !reg.rules.OneURL || !reg.rules.Replace {
		return
	}
	reg.live = 0
	for _, w := range reg.stock.list(reg.owner, reg.rules.Flavor) {
		switch {
		case w.URL != reg.url:
			reg.replaced = append(reg.replaced, w)
			reg.total--
		case !w.Expired(reg.now):
			reg.live++
		}
	}
	for _, w := range reg.stock.lostOf(reg.owner, reg.rules.Flavor) {
		if w.URL != reg.url {
			reg.replaced = append(reg.replaced, w)
			reg.total--
		}
	}
	reg.usedURL = reg.url
}

// firstWebhookID is the first number given out in a tenant; Jira's own examples begin there.
const firstWebhookID = 1000

// under says whether a URL is the base or below it. Both are absolute.
func under(raw, base string) bool {
	u, errU := url.Parse(raw)
	b, errB := url.Parse(base)
	if errU != nil || errB != nil || u.Scheme != b.Scheme || !strings.EqualFold(u.Host, b.Host) {
		return false
	}
	if slices.Contains(strings.Split(u.Path, "/"), "..") {
		return false
	}
	prefix := strings.TrimSuffix(b.Path, "/")
	return u.Path == prefix || strings.HasPrefix(u.Path, prefix+"/")
}

func (reg *registration) count() {
	s := reg.stock
	s.tenant.mu.RLock()
	defer s.tenant.mu.RUnlock()
	reg.total = len(s.subscribers)
	for _, w := range s.ownedBy(reg.owner, reg.rules.Flavor) {
		if !w.Expired(reg.now) {
			reg.live++
			reg.usedURL = w.URL
		}
	}
}

// endpointFor returns the endpoint that webhooks of the owner share, if there is one, and the last number given
// out to any.
func (r *Registry) endpointFor(reg *registration) (*webhook.Endpoint, uint64) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	t := reg.tenant
	t.mu.RLock()
	defer t.mu.RUnlock()
	if e := t.endpoints[callback{owner: reg.owner, flavor: reg.rules.Flavor, url: reg.url}]; e != nil && !reg.rules.Separate {
		if e.Stopped == "" {
			return e.Endpoint, r.lastEndpoint
		}
		fresh := enabled(e.Endpoint)
		reg.created = append(reg.created, fresh)
		return fresh, r.lastEndpoint
	}
	return nil, r.lastEndpoint
}

// enabled is an endpoint that was disabled after its owner has taken it up again.
func enabled(old *webhook.Endpoint) *webhook.Endpoint { return old.Renewed(old.URL) }

// endpointOf returns the number of the endpoint for a webhook, which is made if there is none yet.
func (reg *registration) endpointOf(id int64) uint64 {
	if reg.endpoint != nil {
		return reg.endpoint.ID
	}
	reg.lastEndpoint++
	e := &webhook.Endpoint{ID: reg.lastEndpoint, Owner: reg.owner, Flavor: reg.rules.Flavor, URL: reg.url}
	reg.created = append(reg.created, e)
	if reg.rules.Separate {
		e.Webhook = id
	} else {
		reg.endpoint = e
	}
	return e.ID
}

// add gives an item a number if nothing is wrong with it.
func (reg *registration) add(item *checkedItem) Result {
	problems := append(slices.Clone(item.problems), reg.barred(reg.url)...)
	if err := reg.named(item.Settings, 0); err != nil {
		problems = append(problems, err)
	}
	if most := reg.limits.Webhooks; most > 0 && reg.total >= most {
		problems = append(problems, &TenantLimitError{Limit: most, Given: reg.total + 1})
	}
	if reg.lastID >= math.MaxUint32 {
		problems = append(problems, &IDsExhaustedError{})
	}
	if len(problems) > 0 {
		return Result{Errors: problems}
	}
	reg.lastID++
	reg.live++
	reg.total++
	reg.usedURL = reg.url
	w := &webhook.Webhook{
		ID: reg.lastID, Owner: reg.owner, Flavor: reg.rules.Flavor, Endpoint: reg.endpointOf(reg.lastID), URL: reg.url,
		Filter: item.Filter, Events: item.Events, Created: reg.now,
		FieldIDs: item.FieldIDs, PropertyKeys: item.PropertyKeys, Settings: item.Settings,
	}
	if reg.rules.Life > 0 {
		w.Expires = reg.now.Add(reg.rules.Life)
	}
	reg.webhooks = append(reg.webhooks, w)
	reg.file(w, item.filter)
	return Result{ID: w.ID}
}

// file has a webhook found by the index, and what its filter was compiled to kept, if it wants to be found there.
func (reg *registration) file(w *webhook.Webhook, f *jql.Filter) {
	if indexed(w) {
		e := reg.from.filed(w, f)
		reg.entries, reg.filters = append(reg.entries, e), append(reg.filters, reg.from.kept(w, e))
	}
}

// barred says why the owner may not have one more webhook with a URL; nothing if it may.
func (reg *registration) barred(url string) []error {
	var problems []error
	if reg.rules.OneURL && reg.live > 0 && reg.usedURL != url {
		problems = append(problems, &URLInUseError{URL: reg.usedURL, Kind: reg.kind()})
	}
	info, _ := reg.tenant.site()
	if limit := reg.rules.Limit(info, reg.app); reg.live >= limit {
		problems = append(problems, &LimitError{Limit: limit, Given: reg.live + 1, Kind: reg.kind()})
	}
	return problems
}

// named says that a webhook other than the one with the number self has the name in these settings, where the rules
// want names to differ.
func (reg *registration) named(s *webhook.Settings, self int64) error {
	if !reg.rules.UniqueNames || s == nil {
		return nil
	}
	others := reg.stock.list(reg.owner, reg.rules.Flavor)
	for _, w := range append(others, reg.webhooks...) {
		if w.ID != self && w.Settings != nil && w.Settings.Name == s.Name {
			return &NameTakenError{Name: s.Name, Webhook: w.ID}
		}
	}
	return nil
}

// kind is the kind of the owner's app, and empty for webhooks of the tenant itself.
func (reg *registration) kind() webhook.AppKind {
	if reg.app == nil {
		return ""
	}
	return reg.app.Kind
}

func (reg *registration) changes() *store.Changes {
	c := &store.Changes{
		PutWebhooks:    reg.webhooks,
		PutFilters:     reg.filters,
		DeleteWebhooks: reg.replaced,
		LastWebhookID:  map[string]int64{reg.owner.Tenant: reg.lastID},
	}
	if len(reg.created) > 0 {
		c.PutEndpoints = reg.created
		c.LastEndpointID = reg.lastEndpoint
	}
	return c
}

// publish makes a registration that is durable visible.
func (r *Registry) publish(reg *registration) {
	r.mu.Lock()
	for _, e := range reg.created {
		r.putEndpoint(reg.tenant, e)
	}
	r.lastWebhook[reg.owner.Tenant] = reg.lastID
	r.mu.Unlock()
	reg.tenant.mu.Lock()
	for _, w := range reg.webhooks {
		reg.stock.put(w)
	}
	reg.tenant.mu.Unlock()
	reg.stock.update(reg.entries, nil)
	if len(reg.replaced) > 0 {
		// Only now, so that an event in between finds both rather than none.
		r.forget(reg.stock, &store.Changes{DeleteWebhooks: reg.replaced})
	}
}
