package registry

import (
	"context"
	"errors"
	"slices"
	"time"

	"hookline/engine/store"
	"hookline/engine/webhook"
)

// Extends says whether a webhook is extended while deliveries to it succeed: what it says for itself, or else what the
// rules say. One that does not expire is not.
func (r *Rules) Extends(w *webhook.Webhook) bool {
	a := store.AlikeOf(w)
	return r.extends(&a)
}

func (r *Rules) extends(a *store.Alike) bool {
	switch {
	case r.Life == 0:
		return false
	case a.AutoExtend != 0:
		return a.AutoExtend > 0
	}
	return r.AutoExtend
}

// Extend gives a whole life again, from now on, to the webhooks that are extended by themselves, of whose life less than
// half is left, and to whose endpoint a delivery succeeded since that life began. It returns how many these are. Expired
// ones do not come back.
//
// delivered says when a delivery to an endpoint last succeeded as far as the caller knows, and the zero time where it
// knows of none. What it says is made durable where it decides and is not known yet, which is at most once in a life of a
// webhook: of successes that a process did not live to pass on, those are lost that came after the last call. Rules are
// asked for by flavour. Extend is to be called now and then, before [Registry.Sweep]. An error is one of the store;
// what was not done is done by the next call.
func (r *Registry) Extend(ctx context.Context, now time.Time, rules func(flavor string) *Rules, delivered func(endpoint uint64) time.Time) (int, error) {
	extended := 0
	var failed error
	for _, info := range r.Tenants() {
		t := r.tenant(info.ID)
		if t == nil {
			continue
		}
		n, err := r.extendTenant(ctx, t, now, &extending{rules, delivered})
		extended, failed = extended+n, errors.Join(failed, err)
		if err := ctx.Err(); err != nil {
			return extended, err
		}
	}
	return extended, failed
}

// extending is what decides whether webhooks are extended.
type extending struct {
	rules     func(flavor string) *Rules
	delivered func(endpoint uint64) time.Time
}

// judge says whether webhooks of an endpoint that are alike are to be extended at a time, or else which success is to be kept in mind
// so that they will be, if any.
func (x *extending) judge(e *endpoint, a *store.Alike, now time.Time) (due bool, last time.Time) {
	of := x.rules(e.Flavor)
	if a.Expires == 0 || a.Expired(now) || !of.extends(a) {
		return false, time.Time{}
	}
	expires := time.Unix(0, a.Expires)
	began := expires.Add(-of.Life).Truncate(time.Millisecond) // successes are told to the millisecond
	last = x.delivered(e.ID)
	kept := !e.Delivered.Before(began)
	switch {
	case !kept && (last.IsZero() || last.Before(began)):
		return false, time.Time{}
	case expires.Sub(now) < of.Life/2:
		return true, time.Time{}
	case kept:
		return false, time.Time{}
	}
	return false, last
}

// extendedAtOnce bounds one write to the store, and how long other changes wait for it.
const extendedAtOnce = 1000

// extendTenant does what Extend does in one tenant, whose webhooks are read where some of them are due.
func (r *Registry) extendTenant(ctx context.Context, t *tenant, now time.Time, x *extending) (int, error) {
	due, noted := r.extensions(t, now, x)
	extended := 0
	for due {
		n, more, err := r.extendSome(ctx, t, now, x)
		if extended += n; err != nil {
			return extended, err
		}
		due = more
	}
	for some := range slices.Chunk(noted, extendedAtOnce) {
		if err := r.note(ctx, t, some); err != nil {
			return extended, err
		}
	}
	return extended, nil
}

// success is a delivery to an endpoint that is to be kept in mind.
type success struct {
	endpoint uint64
	at       time.Time
}

// extensions says whether webhooks are to be extended, and which successes let others be extended later.
func (r *Registry) extensions(t *tenant, now time.Time, x *extending) (due bool, noted []success) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	t.mu.RLock()
	defer t.mu.RUnlock()
	for _, e := range t.endpoints {
		var note time.Time
		for i := range e.groups {
			is, last := x.judge(e, &e.groups[i].Alike, now)
			if due = due || is; !last.IsZero() {
				note = last
			}
		}
		if !note.IsZero() {
			noted = append(noted, success{e.ID, note})
		}
	}
	return due, noted
}

// extendSome moves the expiry of some of the webhooks that are due, and says whether there are more.
func (r *Registry) extendSome(ctx context.Context, t *tenant, now time.Time, x *extending) (n int, more bool, err error) {
	s, done, err := r.changing(t.id)
	if errors.Is(err, webhook.ErrUnknownTenant) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, err
	}
	defer done()
	var c store.Changes
	for _, w := range s.all() {
		if !r.extendable(w, now, x) {
			continue
		}
		if len(c.PutWebhooks) == extendedAtOnce {
			more = true
			break
		}
		fresh := *w
		fresh.Expires = now.Add(x.rules(w.Flavor).Life).Truncate(time.Millisecond) // as Refresh does
		c.PutWebhooks = append(c.PutWebhooks, &fresh)
	}
	if len(c.PutWebhooks) == 0 {
		return 0, false, nil
	}
	if err := r.apply(ctx, s, &c); err != nil {
		return 0, false, err
	}
	s.replace(c.PutWebhooks)
	return len(c.PutWebhooks), more, nil
}

func (r *Registry) extendable(w *webhook.Webhook, now time.Time, x *extending) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	e := r.endpoints[w.Endpoint]
	if e == nil {
		return false
	}
	alike := store.AlikeOf(w)
	due, _ := x.judge(e, &alike, now)
	return due
}

// note makes durable that deliveries succeeded.
func (r *Registry) note(ctx context.Context, t *tenant, list []success) error {
	r.change.Lock()
	defer r.change.Unlock()
	var c store.Changes
	for _, s := range list {
		if e, ok := r.Endpoint(s.endpoint); ok {
			fresh := *e
			fresh.Delivered = s.at
			c.PutEndpoints = append(c.PutEndpoints, &fresh)
		}
	}
	if len(c.PutEndpoints) == 0 {
		return nil
	}
	if err := r.store.Apply(ctx, &c); err != nil {
		return err
	}
	r.renewEndpoints(t, c.PutEndpoints)
	return nil
}

// Expiring returns how many webhooks have not expired and do so within the lead of their flavour; a lead of 0 is none. It visits
// every endpoint.
func (r *Registry) Expiring(now time.Time, lead func(flavor string) time.Duration) (n int) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, e := range r.endpoints {
		for i := range e.groups {
			if g := &e.groups[i]; expiring(&g.Alike, now, lead(e.Flavor)) {
				n += g.Count
			}
		}
	}
	return n
}

func expiring(a *store.Alike, now time.Time, lead time.Duration) bool {
	return a.Expires != 0 && !a.Expired(now) && a.Expires-now.UnixNano() <= int64(lead)
}

// NewlyExpiring returns of the webhooks that Expiring counts those that it would not have counted at an earlier time (by the
// time alone): up to a number of them, and how many more there are. They are shared and must not be changed. Besides that number of tenants at most
// none is read. The error says why some cannot be read, which then are among the others.
func (r *Registry) NewlyExpiring(earlier, now time.Time, lead func(flavor string) time.Duration, most int) (list []*webhook.Webhook, more int, err error) {
	is := func(a *store.Alike, flavor string) bool {
		return expiring(a, now, lead(flavor)) && time.Unix(0, a.Expires).Add(-lead(flavor)).After(earlier)
	}
	tenants, all := r.withGroups(is, most)
	for _, t := range tenants {
		s, failed := r.stock(t, forListing)
		if failed != nil {
			err = errors.Join(err, failed)
			continue
		}
		for _, w := range s.all() {
			if alike := store.AlikeOf(w); len(list) < most && is(&alike, w.Flavor) {
				list = append(list, w)
			}
		}
	}
	return list, max(all-len(list), 0), err
}

// withGroups returns tenants that have webhooks of some kind, as many as are needed for a number of these, and how many there are
// in all.
func (r *Registry) withGroups(is func(a *store.Alike, flavor string) bool, enough int) (tenants []*tenant, all int) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	seen := map[*tenant]bool{}
	for _, e := range r.endpoints {
		for i := range e.groups {
			g := &e.groups[i]
			if !is(&g.Alike, e.Flavor) {
				continue
			}
			if t := r.tenants[e.Owner.Tenant]; t != nil && all < enough && !seen[t] {
				seen[t] = true
				tenants = append(tenants, t)
			}
			all += g.Count
		}
	}
	return tenants, all
}

// Secrets calls visit for every webhook of a tenant that has a secret of its own, until that returns an error. Where none has one, no webhook is
// read.
func (r *Registry) Secrets(tenantID string, visit func(*webhook.Webhook) error) error {
	t := r.tenant(tenantID)
	if t == nil || !r.anyGroup(t, func(_ *endpoint, g *store.Group) bool { return g.Secret }) {
		return nil
	}
	s, err := r.stock(t, forListing)
	if err != nil {
		return err
	}
	for _, w := range s.all() {
		if store.AlikeOf(w).Secret {
			if err := visit(w); err != nil {
				return err
			}
		}
	}
	return nil
}

// FirstExpiry returns when the first of some webhooks of a tenant expires, and the zero time where none does. Numbers
// that are unknown are passed over. The error says why they cannot be read.
func (r *Registry) FirstExpiry(tenantID string, ids []int64) (first time.Time, err error) {
	t := r.tenant(tenantID)
	if t == nil {
		return time.Time{}, nil
	}
	for _, id := range ids {
		expires, err := r.expiry(t, id)
		if err != nil {
			return time.Time{}, err
		}
		if !expires.IsZero() && (first.IsZero() || expires.Before(first)) {
			first = expires
		}
	}
	return first, nil
}

// expiry returns when a webhook expires, and the zero time where it does not, or is not there. Where the webhooks of the tenant are not
// in memory the others are left alone.
func (r *Registry) expiry(t *tenant, id int64) (time.Time, error) {
	if s := t.stock.Load(); s != nil {
		if at := s.subscriber(id).expires; at != 0 {
			return time.Unix(0, at), nil
		}
		return time.Time{}, nil
	}
	w, err := r.one(t, id)
	if w == nil {
		return time.Time{}, err
	}
	return w.Expires, nil
}
