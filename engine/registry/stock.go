package registry

import (
	"errors"
	"slices"
	"sync/atomic"
	"time"
	"unsafe"

	"hookline/engine/store"
	"hookline/engine/webhook"
)

// stock is what of a tenant's webhooks is in memory. The tenant's mutex guards the maps; what they lack is read under the tenant's lock of
// reading. After a stock was let go, no change begins that concerns it.
type stock struct {
	tenant      *tenant
	subscribers map[int64]subscriber       // of all webhooks, by number
	webhooks    map[int64]*webhook.Webhook // those that were read whole
	lost        map[int64]*webhook.Webhook // those of a whole stock that cannot be read; see lose
	owned       map[webhook.Owner][]int64  // numbers ascending; complete where whole is set
	whole       atomic.Bool                // all webhooks are in the maps
	size        int64                      // bytes of the maps, about
	index       atomic.Pointer[index]      // nil until the first event comes; set under the tenant's lock of reading

	used atomic.Uint64 // when it was last needed, by the clock of the budget

	// Guarded by the mutex of the budget.
	bytes int64  // that are charged for it
	since uint64 // used as it was when its place was found
	at    int    // place in the budget's heap, or noPlace
}

// subscriber is what has to be known of a webhook to match events. It has no pointers, so that millions of them are no work for the garbage
// collector.
type subscriber struct {
	endpoint uint64
	expires  int64 // nanoseconds since 1970; 0 is never
	disabled bool
}

func subscriberOf(w *webhook.Webhook) subscriber {
	return subscriber{w.Endpoint, store.AlikeOf(w).Expires, w.Disabled()}
}

func (s subscriber) expired(now time.Time) bool { return store.Alike{Expires: s.expires}.Expired(now) }

func newStock(t *tenant) *stock {
	return &stock{tenant: t, subscribers: map[int64]subscriber{}, webhooks: map[int64]*webhook.Webhook{}, owned: map[webhook.Owner][]int64{}, at: noPlace}
}

// emptyStock is that of a tenant without webhooks, of which nothing is to be read.
func emptyStock(t *tenant) *stock {
	s := newStock(t)
	s.whole.Store(true)
	s.index.Store(newIndex(t))
	return s
}

// need is what of a tenant's webhooks has to be in memory, beside the subscribers.
type need struct{ index, whole bool }

var (
	forMatching = need{index: true}
	forListing  = need{whole: true}
	forBoth     = need{index: true, whole: true}
)

func (s *stock) meets(n need) bool {
	return (!n.index || s.index.Load() != nil) && (!n.whole || s.whole.Load())
}

// stock returns the webhooks of a tenant, having read what is needed of them. A call that changes something takes them from
// changing.
func (r *Registry) stock(t *tenant, n need) (*stock, error) {
	if s := t.stock.Load(); s != nil && s.meets(n) {
		r.budget.touch(s)
		return s, nil
	}
	t.reading.Lock()
	defer t.reading.Unlock()
	return r.read(t, n)
}

// read is stock for holders of the tenant's lock of reading.
func (r *Registry) read(t *tenant, n need) (*stock, error) {
	s := t.stock.Load()
	if s != nil && s.meets(n) {
		r.budget.touch(s)
		return s, nil
	}
	start := time.Now()
	fresh := s == nil
	if fresh {
		s = newStock(t)
	}
	if n.whole && !s.whole.Load() {
		if err := r.readWhole(s); err != nil {
			return nil, err
		}
	}
	if n.index && s.index.Load() == nil {
		if err := r.readIndex(s, fresh && !n.whole); err != nil {
			return nil, err
		}
	}
	if fresh {
		r.budget.admit(s, time.Since(start))
	} else {
		r.budget.touch(s)
		r.budget.charge(s)
	}
	return s, nil
}

// readWhole reads all webhooks of a stock.
func (r *Registry) readWhole(s *stock) error {
	all, texts := newStock(s.tenant), interner{}
	err := r.store.Webhooks(s.tenant.id, func(w *webhook.Webhook) {
		texts.share(w)
		all.put(w)
	})
	if errors.Is(err, store.ErrUnreadable) {
		all = newStock(s.tenant)
		err = r.salvage(all, texts)
	}
	if err != nil {
		return err
	}
	s.tenant.mu.Lock()
	defer s.tenant.mu.Unlock()
	s.subscribers, s.webhooks, s.owned, s.size = all.subscribers, all.webhooks, all.owned, all.size
	s.lost = all.lost
	s.whole.Store(true)
	return nil
}

// lock begins a change of a tenant, or of its webhooks: there is no other until done is called. The error is webhook.ErrUnknownTenant.
func (r *Registry) lock(tenantID string) (t *tenant, done func(), err error) {
	r.change.Lock()
	if t = r.tenant(tenantID); t == nil {
		r.change.Unlock()
		return nil, nil, webhook.ErrUnknownTenant
	}
	t.reading.Lock()
	return t, func() {
		t.reading.Unlock()
		r.change.Unlock()
	}, nil
}

// changing is lock with the webhooks, which are whole. Errors: webhook.ErrUnknownTenant, or why the webhooks cannot be read.
func (r *Registry) changing(tenantID string) (s *stock, done func(), err error) {
	t, unlock, err := r.lock(tenantID)
	if err != nil {
		return nil, nil, err
	}
	if s, err = r.read(t, forListing); err != nil {
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
	if w, known := t.stock.Load().find(id); known {
		return w, nil
	}
	t.reading.Lock()
	defer t.reading.Unlock()
	s := t.stock.Load()
	if w, known := s.find(id); known {
		return w, nil
	}
	w, err := r.store.Webhook(t.id, id)
	if s != nil && w != nil {
		t.mu.Lock()
		s.keep(w)
		t.mu.Unlock()
		r.budget.add(s, sizeOf(w))
	}
	return w, err
}

// peek is one for holders of the tenant's lock of reading, without the webhook staying in memory. The stock may be nil.
func (r *Registry) peek(t *tenant, s *stock, id int64) (*webhook.Webhook, error) {
	if w, known := s.find(id); known {
		return w, nil
	}
	return r.store.Webhook(t.id, id)
}

// find returns a webhook that was read whole, and nil where it is known that there is none. The stock may be nil.
func (s *stock) find(id int64) (w *webhook.Webhook, known bool) {
	if s == nil {
		return nil, false
	}
	s.tenant.mu.RLock()
	defer s.tenant.mu.RUnlock()
	if w = s.webhooks[id]; w != nil {
		return w, true
	}
	_, exists := s.subscribers[id]
	return nil, !exists
}

// subscriber returns what is known of a webhook to match events, nothing where it is not there.
func (s *stock) subscriber(id int64) subscriber {
	s.tenant.mu.RLock()
	defer s.tenant.mu.RUnlock()
	return s.subscribers[id]
}

// perSubscriber is what an entry of the map of subscribers takes, with what maps leave free.
const perSubscriber = 48

// subscribe adds a subscriber, or puts it in the place of that with its number. The caller holds the tenant's mutex, or is alone.
func (s *stock) subscribe(id int64, sub subscriber) {
	before := len(s.subscribers)
	s.subscribers[id] = sub
	s.size += perSubscriber * int64(len(s.subscribers)-before)
}

// keep takes in a webhook that is not among those that were read whole. The caller holds the tenant's mutex, or is alone.
func (s *stock) keep(w *webhook.Webhook) {
	s.webhooks[w.ID] = w
	s.size += sizeOf(w)
}

// put adds a webhook to a whole stock, or puts it in the place of that with its number. The caller holds the tenant's mutex, or is alone.
func (s *stock) put(w *webhook.Webhook) {
	if old := s.webhooks[w.ID]; old != nil {
		s.size -= sizeOf(old)
	}
	s.keep(w)
	s.subscribe(w.ID, subscriberOf(w))
	ids := s.owned[w.Owner]
	at, found := slices.BinarySearch(ids, w.ID)
	if !found {
		s.owned[w.Owner] = slices.Insert(ids, at, w.ID)
	}
}

// remove takes a webhook out of a whole stock. The caller holds the tenant's mutex.
func (s *stock) remove(w *webhook.Webhook) {
	if lost := s.lost[w.ID]; lost != nil {
		s.size -= sizeOf(lost) + perSubscriber
		delete(s.lost, w.ID)
		delete(s.subscribers, w.ID)
	}
	old := s.webhooks[w.ID]
	if old == nil {
		return
	}
	s.size -= sizeOf(old) + perSubscriber
	delete(s.webhooks, w.ID)
	delete(s.subscribers, w.ID)
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
