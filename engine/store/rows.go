package store

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"hookline/engine/webhook"
)

const (
	prefixTenant   = 't'
	prefixApp      = 'b'
	prefixEndpoint = 'e'
	prefixWebhook  = 'r'
	prefixLastID   = 'n'
	prefixLastEnd  = 'o'
	prefixAge      = 'g'
)

// Rows receives the registrations of a store but for the webhooks, one call a row: tenants first, then apps, endpoints and what is
// known of their webhooks. The values may be kept.
type Rows interface {
	Tenant(*webhook.Tenant)
	App(*webhook.App)
	Endpoint(*webhook.Endpoint)
	Groups(endpoint uint64, g Groups)
	LastWebhookID(tenant string, id int64)
	Generation(tenant string, n uint64)
	LastEndpointID(id uint64)
}

// Load reads every registration but for the webhooks, having brought an older layout up to date. It is called before anything is
// changed. After Close the error is [ErrClosed].
func (s *Store) Load(rows Rows) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return ErrClosed
	}
	if err := s.upgrade(); err != nil {
		return err
	}
	steps := []struct {
		prefix byte
		read   func(key, value []byte) error
	}{
		{prefixTenant, each(rows.Tenant)},
		{prefixApp, each(rows.App)},
		{prefixEndpoint, each(rows.Endpoint)},
		{prefixLastID, number(func(key []byte, n uint64) { rows.LastWebhookID(string(key), int64(n)) })},
		{prefixAge, number(func(key []byte, n uint64) { rows.Generation(string(key), n) })},
		{prefixLastEnd, number(func(_ []byte, n uint64) { rows.LastEndpointID(n) })},
	}
	for _, step := range steps {
		if err := s.scan([]byte{step.prefix}, step.read); err != nil {
			return err
		}
	}
	return s.loadGroups(rows)
}

// number reads a row that is a number; visit gets the key without its prefix.
func number(visit func(key []byte, n uint64)) func(key, value []byte) error {
	return func(key, value []byte) error {
		if len(value) != 8 {
			return fmt.Errorf("a number of %d bytes", len(value))
		}
		visit(key[1:], binary.BigEndian.Uint64(value))
		return nil
	}
}

func each[T any](visit func(*T)) func(key, value []byte) error {
	return func(_, value []byte) error {
		row := new(T)
		if err := json.Unmarshal(value, row); err != nil {
			return err
		}
		visit(row)
		return nil
	}
}

// scan reads the rows whose keys begin with a prefix, which does not end with 255.
func (s *Store) scan(prefix []byte, read func(key, value []byte) error) error {
	end := bytes.Clone(prefix)
	end[len(end)-1]++
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: end})
	if err != nil {
		return fmt.Errorf("store: reading rows %q: %w", prefix, err)
	}
	for it.First(); it.Valid(); it.Next() {
		value, err := it.ValueAndErr()
		if err == nil {
			err = read(it.Key(), value)
		}
		if err != nil {
			err = fmt.Errorf("store: row %q: %w", it.Key(), err)
			return errors.Join(err, it.Close())
		}
	}
	if err := it.Close(); err != nil {
		return fmt.Errorf("store: reading rows %q: %w", prefix, err)
	}
	return nil
}

// Changes is a set of registrations that are written or removed together.
type Changes struct {
	PutTenants   []*webhook.Tenant
	PutApps      []*webhook.App
	PutEndpoints []*webhook.Endpoint
	PutWebhooks  []*webhook.Webhook

	// Groups are those of the endpoints whose webhooks change, as they are then: none for an endpoint without webhooks. Whoever puts or
	// deletes webhooks says what comes of the groups, as the rows of webhooks are not read for that.
	Groups map[uint64]Groups

	// PutFilters are for webhooks that are there, or put as well.
	PutFilters []Filter

	DeleteTenants   []string
	DeleteApps      []*webhook.App     // Tenant and Key count
	DeleteEndpoints []uint64           // with their groups
	DeleteWebhooks  []*webhook.Webhook // with their filters; Owner.Tenant and ID count

	// LastWebhookID maps tenants to the last webhook number given out; LastEndpointID is the same for
	// endpoints, 0 where it did not change.
	LastWebhookID  map[string]int64
	LastEndpointID uint64

	// Generations maps tenants to the generation of the one that is added.
	Generations map[string]uint64
}

// Apply makes the changes durable, all or none. When it returns an error the changes are not there. After Close the
// error is [ErrClosed]; while the disk has no room, that of changes which add rows is [ErrReadOnly].
func (s *Store) Apply(_ context.Context, c *Changes) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return ErrClosed
	}
	if s.ReadOnly() {
		if adds, err := s.adds(c); adds || err != nil {
			return cmp.Or(err, error(refused))
		}
	}
	b := s.db.NewBatch()
	defer b.Close()
	w := writer{b: b}
	for _, t := range c.PutTenants {
		w.put(tenantKey(t.ID), t)
	}
	for _, a := range c.PutApps {
		w.put(appKey(a), a)
	}
	for _, e := range c.PutEndpoints {
		w.put(numberKey(prefixEndpoint, e.ID), e)
	}
	for _, h := range c.PutWebhooks {
		w.put(webhookKey(h), h)
		w.subscribe(h)
	}
	for id, groups := range c.Groups {
		if len(groups) == 0 {
			w.fail(b.Delete(numberKey(prefixGroups, id), nil))
		} else {
			w.put(numberKey(prefixGroups, id), groups)
		}
	}
	for _, f := range c.PutFilters {
		w.fail(b.Set(filterKey(f.Tenant, f.Webhook), f.Value, nil))
	}
	for tenant, id := range c.LastWebhookID {
		w.set(append([]byte{prefixLastID}, tenant...), uint64(id))
	}
	for tenant, n := range c.Generations {
		w.set(append([]byte{prefixAge}, tenant...), n)
	}
	if c.LastEndpointID != 0 {
		w.set([]byte{prefixLastEnd}, c.LastEndpointID)
	}
	w.deletions(c)
	if w.err != nil {
		return fmt.Errorf("store: %w", w.err)
	}
	if err := b.Commit(pebble.Sync); err != nil {
		return fmt.Errorf("store: writing registrations: %w", err)
	}
	return nil
}

// adds reports whether changes put a row that is not there yet. Those that are there may change: an endpoint can be paused
// on a full disk.
func (s *Store) adds(c *Changes) (bool, error) {
	var keys [][]byte
	for _, t := range c.PutTenants {
		keys = append(keys, tenantKey(t.ID))
	}
	for _, a := range c.PutApps {
		keys = append(keys, appKey(a))
	}
	for _, e := range c.PutEndpoints {
		keys = append(keys, numberKey(prefixEndpoint, e.ID))
	}
	for _, h := range c.PutWebhooks {
		keys = append(keys, webhookKey(h))
	}
	for _, key := range keys {
		_, closer, err := s.db.Get(key)
		if errors.Is(err, pebble.ErrNotFound) {
			return true, nil
		}
		if err != nil {
			return false, fmt.Errorf("store: row %q: %w", key, err)
		}
		if err := closer.Close(); err != nil {
			return false, err
		}
	}
	return false, nil
}

type writer struct {
	b   *pebble.Batch
	err error
}

func (w *writer) put(key []byte, row any) {
	value, err := json.Marshal(row)
	if err == nil {
		err = w.b.Set(key, value, nil)
	}
	w.fail(err)
}

func (w *writer) set(key []byte, n uint64) {
	w.fail(w.b.Set(key, binary.BigEndian.AppendUint64(nil, n), nil))
}

func (w *writer) deletions(c *Changes) {
	for _, id := range c.DeleteTenants {
		w.fail(w.b.Delete(tenantKey(id), nil))
	}
	for _, a := range c.DeleteApps {
		w.fail(w.b.Delete(appKey(a), nil))
	}
	for _, id := range c.DeleteEndpoints {
		w.fail(w.b.Delete(numberKey(prefixEndpoint, id), nil))
		w.fail(w.b.Delete(numberKey(prefixGroups, id), nil))
	}
	for _, h := range c.DeleteWebhooks {
		w.fail(w.b.Delete(webhookKey(h), nil))
		w.unsubscribe(h)
	}
}

func (w *writer) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

func tenantKey(id string) []byte { return append([]byte{prefixTenant}, id...) }

// tenantPrefix begins the keys of rows of a tenant. A tenant id holds no zero byte, so a zero byte ends it.
func tenantPrefix(prefix byte, tenant string) []byte {
	return append(append([]byte{prefix}, tenant...), 0)
}

func appKey(a *webhook.App) []byte { return append(tenantPrefix(prefixApp, a.Tenant), a.Key...) }

func webhookKey(h *webhook.Webhook) []byte { return ofWebhook(prefixWebhook, h.Owner.Tenant, h.ID) }

func ofWebhook(prefix byte, tenant string, id int64) []byte {
	return binary.BigEndian.AppendUint64(tenantPrefix(prefix, tenant), uint64(id))
}

func numberKey(prefix byte, id uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{prefix}, id)
}
