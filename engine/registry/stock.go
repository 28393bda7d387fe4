package registry

import (
	"slices"
	"sync/atomic"
	"time"
	"unsafe"

	"hookline/engine/webhook"
)

// stock is the webhooks of a tenant in memory, with the index over them. The tenant's mutex guards the maps. After a stock was let
// go, no change begins that concerns it.
type stock struct {
	tenant   *tenant
	webhooks map[int64]*webhook.Webhook
	owned    map[webhook.Owner][]int64 // numbers ascending
	size     int64                     // bytes of the webhooks, about
	index    lazyIndex

	used atomic.Uint64 // when it was last needed, by the clock of the budget

	// Guarded by the mutex of the budget.
	bytes int64  // that are charged for it
	since uint64 // used as it was when its place was found
	at    int    // place in the budget's heap, or noPlace
}

func newStock(t *tenant) *stock {
	return &stock{tenant: t, webhooks: map[int64]*webhook.Webhook{}, owned: map[webhook.Owner][]int64{}, at: noPlace}
}

// stock returns the webhooks of a tenant, which are read first if need be. A call that changes something takes them from
// changing.
func (r *Registry) stock(t *tenant) (*stock, error) {
	if s := t.stock.Load(); s != nil {
		r.budget.touch(s)
		return s, nil
	}
	t.reading.Lock()
	defer t.reading.Unlock()
	return r.read(t)
}

// read is stock for holders of the tenant's lock of reading.
func (r *Registry) read(t *tenant) (*stock, error) {
	if s := t.stock.Load(); s != nil {
		r.budget.touch(s)
		return s, nil
	}
	start := time.Now()
	s, texts := newStock(t), interner{}
	err := r.store.Webhooks(t.id, func(w *webhook.Webhook) {
		texts.share(w)
		s.put(w)
	})
	if err != nil {
		return nil, err
	}
	r.budget.admit(s, time.Since(start))
	return s, nil
}

// changing begins a change of a tenant, or of its webhooks: there is no other until done is called. Errors: webhook.ErrUnknownTenant,
// or why the webhooks cannot be read.
func (r *Registry) changing(tenantID string) (s *stock, done func(), err error) {
	r.change.Lock()
	t := r.tenant(tenantID)
	if t == nil {
		r.change.Unlock()
		return nil, nil, webhook.ErrUnknownTenant
	}
	t.reading.Lock()
	unlock := func() {
		t.reading.Unlock()
		r.change.Unlock()
	}
	if s, err = r.read(t); err != nil {
		unlock()
		return nil, nil, err
	}
	return s, func() {
		r.budget.charge(s)
		unlock()
	}, nil
}

// one returns a webhook of a tenant, nil where there is none. Where the others are not in memory they are left alone.
func (r *Registry) one(t *tenant, id int64) (*webhook.Webhook, error) {
	s := t.stock.Load()
	if s == nil {
		t.reading.Lock()
		defer t.reading.Unlock()
		if s = t.stock.Load(); s == nil {
			return r.store.Webhook(t.id, id)
		}
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	return s.webhooks[id], nil
}

// put adds a webhook, or puts it in the place of that with its number. The caller holds the tenant's mutex, or is alone.
func (s *stock) put(w *webhook.Webhook) {
	if old := s.webhooks[w.ID]; old != nil {
		s.size -= sizeOf(old)
	}
	s.size += sizeOf(w)
	s.webhooks[w.ID] = w
	ids := s.owned[w.Owner]
	at, found := slices.BinarySearch(ids, w.ID)
	if !found {
		s.owned[w.Owner] = slices.Insert(ids, at, w.ID)
	}
}

// remove takes a webhook out. The caller holds the tenant's mutex.
func (s *stock) remove(w *webhook.Webhook) {
	old := s.webhooks[w.ID]
	if old == nil {
		return
	}
	s.size -= sizeOf(old)
	delete(s.webhooks, w.ID)
	ids := s.owned[w.Owner]
	if at, found := slices.BinarySearch(ids, w.ID); found {
		ids = slices.Delete(ids, at, at+1)
	}
	if len(ids) == 0 {
		delete(s.owned, w.Owner)
	} else {
		s.owned[w.Owner] = ids
	}
}

// ownedBy is List for holders of the tenant's mutex.
func (s *stock) ownedBy(owner webhook.Owner, flavor string) []*webhook.Webhook {
	var list []*webhook.Webhook
	for _, id := range s.owned[owner] {
		if w := s.webhooks[id]; w.Flavor == flavor {
			list = append(list, w)
		}
	}
	return list
}

// list returns the webhooks of an owner under one flavour, in order of their numbers.
func (s *stock) list(owner webhook.Owner, flavor string) []*webhook.Webhook {
	s.tenant.mu.RLock()
	defer s.tenant.mu.RUnlock()
	return s.ownedBy(owner, flavor)
}

// all returns the webhooks in order of their numbers.
func (s *stock) all() []*webhook.Webhook {
	s.tenant.mu.RLock()
	defer s.tenant.mu.RUnlock()
	list := make([]*webhook.Webhook, 0, len(s.webhooks))
	for _, w := range s.webhooks {
		list = append(list, w)
	}
	slices.SortFunc(list, byNumber)
	return list
}

// interner keeps one copy of texts that many webhooks have.
type interner map[string]string

func (m interner) share(w *webhook.Webhook) {
	m.text(&w.Owner.Tenant)
	m.text(&w.Owner.App)
	m.text(&w.Owner.User)
	m.text(&w.Flavor)
	m.text(&w.URL)
	for i := range w.Events {
		m.text(&w.Events[i])
	}
}

func (m interner) text(s *string) {
	if same, ok := m[*s]; ok {
		*s = same
	} else {
		m[*s] = *s
	}
}

// perWebhook is what a webhook takes by itself and in the maps, measured; perText is what an entry of a list takes beside its bytes.
const (
	perWebhook = int64(unsafe.Sizeof(webhook.Webhook{})) + 72
	perText    = int64(unsafe.Sizeof(""))
)

// sizeOf is about how many bytes a webhook takes. Texts that it may share with others count as its own: where each has another URL
// they are most of it.
func sizeOf(w *webhook.Webhook) int64 {
	n := perWebhook + int64(len(w.Filter)+len(w.URL)+len(w.Owner.User)) + perText*int64(len(w.Events))
	for _, list := range [][]string{w.FieldIDs, w.PropertyKeys} {
		for _, text := range list {
			n += perText + int64(len(text))
		}
	}
	if s := w.Settings; s != nil {
		n += int64(unsafe.Sizeof(*s)) + int64(len(s.Name)+len(s.Description)+len(s.Secret)+len(s.Written)+len(s.UpdatedBy))
		for name, value := range s.Headers {
			n += 4*perText + int64(len(name)+len(value))
		}
	}
	return n
}
