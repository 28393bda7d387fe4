package registry

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"slices"

	"hookline/engine/store"
	"hookline/engine/webhook"
	"hookline/jql"
	"hookline/matcher"
)

// The store keeps the conditions of webhooks as they were compiled: a stamp, and the binary form of the filter.

// meaning is the version of what filters are compiled to. It is raised when this program makes another condition of some webhook
// than the one before, so that what that one kept is not used.
const meaning = 1

const stampSize = 16

// compiling is what conditions are compiled by, beside the webhooks themselves.
type compiling struct {
	env       jql.Env
	byProject bool
	site      [sha256.Size]byte // stands for both, and for what this program makes of them
}

// compiling returns what the tenant's conditions are compiled by. The caller holds the tenant's mutex.
func (t *tenant) compiling() compiling { return compiling{t.env, t.info.FilterProjects, t.stamp} }

// compiles is compiling for others.
func (t *tenant) compiles() compiling {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.compiling()
}

// stampOf stands for a site, and for what a version of this program makes of filters on it.
func stampOf(site *webhook.Site, meaning byte) [sha256.Size]byte {
	b, err := json.Marshal(site)
	if err != nil {
		panic(err) // it has nothing that JSON does not
	}
	return sha256.Sum256(append(b, meaning))
}

// stamp stands for all that the condition of a webhook is compiled from: the site, and what the store says of the texts.
func (c *compiling) stamp(texts [8]byte) (stamp [stampSize]byte) {
	copy(stamp[copy(stamp[:], c.site[:stampSize-len(texts)]):], texts[:])
	return stamp
}

// entry compiles the condition of a webhook. One whose filter does not compile, as the tenant's site has changed or the store
// was written by another version, has none.
func (c *compiling) entry(w *webhook.Webhook) (matcher.Entry, bool) {
	q, err := jql.Parse(w.Filter)
	if err != nil {
		return matcher.Entry{}, false
	}
	f, err := jql.Compile(q, c.env)
	if err != nil {
		return matcher.Entry{}, false
	}
	return c.filed(w, f), true
}

// filed is the entry of a webhook whose filter is compiled.
func (c *compiling) filed(w *webhook.Webhook, f *jql.Filter) matcher.Entry {
	return matcher.Entry{ID: matcher.ID(w.ID), Filter: condition(w, f, c.byProject)}
}

// kept is an entry of a webhook as the store keeps it.
func (c *compiling) kept(w *webhook.Webhook, e matcher.Entry) store.Filter {
	stamp := c.stamp(store.SubscriberOf(w).Texts)
	value, _ := e.Filter.AppendBinary(stamp[:]) // which never fails
	return store.Filter{Tenant: w.Owner.Tenant, Webhook: w.ID, Value: value}
}

// read is the entry of a subscriber whose condition the store keeps, if that is still right.
func (c *compiling) read(d *jql.Decoder, row *store.Subscriber) (matcher.Entry, bool) {
	stamp := c.stamp(row.Texts)
	if !bytes.HasPrefix(row.Filter, stamp[:]) {
		return matcher.Entry{}, false
	}
	f, err := d.Decode(string(row.Filter[stampSize:]))
	return matcher.Entry{ID: matcher.ID(row.ID), Filter: f}, err == nil
}

// entries compiles the conditions of webhooks, of those that have one.
func (c *compiling) entries(list []*webhook.Webhook) []matcher.Entry {
	filed := make([]matcher.Entry, 0, len(list))
	for _, w := range list {
		if e, ok := c.entry(w); ok && indexed(w) {
			filed = append(filed, e)
		}
	}
	return filed
}

// keptAtOnce bounds one write to the store, and how long other changes wait for it.
const keptAtOnce = 1000

// keepConditions has the store keep the conditions that it did not have when the index of a tenant was built: so the next index is
// built without compiling them. Each is written once, whether the store can read it then or not.
func (r *Registry) keepConditions(ctx context.Context, t *tenant, x *index) error {
	c := t.compiles()
	var b builder
	if err := b.read(r.store, t.id, &c); err != nil {
		return err
	}
	for some := range slices.Chunk(b.others, keptAtOnce) {
		if err := r.keepSome(ctx, t, some); err != nil {
			return err
		}
	}
	x.compiled.Store(false)
	return nil
}

// keepSome keeps the conditions of webhooks as these are by now.
func (r *Registry) keepSome(ctx context.Context, t *tenant, ids []int64) error {
	t, unlock, err := r.lock(t.id)
	if errors.Is(err, webhook.ErrUnknownTenant) {
		return nil
	}
	if err != nil {
		return err
	}
	defer unlock()
	s := t.stock.Load()
	c := t.compiles()
	var fresh store.Changes
	for _, id := range ids {
		w, err := r.peek(t, s, id)
		if errors.Is(err, store.ErrUnreadable) {
			continue
		}
		if err != nil {
			return err
		}
		if w == nil || !indexed(w) {
			continue
		}
		if e, ok := c.entry(w); ok {
			fresh.PutFilters = append(fresh.PutFilters, c.kept(w, e))
		}
	}
	if len(fresh.PutFilters) == 0 {
		return nil
	}
	return r.store.Apply(ctx, &fresh)
}

func byNumber(a, b *webhook.Webhook) int { return cmp.Compare(a.ID, b.ID) }
