package store

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"hookline/engine/webhook"
)

// ErrUnreadable is the error about a webhook, or a subscriber, whose row is corrupt. Those of others may be read.
var ErrUnreadable = errors.New("store: a webhook is unreadable")

// Webhooks reads the webhooks of a tenant, in order of their numbers. They may be kept. Errors: [ErrUnreadable] where one or more are,
// after which each is to be read by itself; [ErrClosed] after Close; or one of the database.
func (s *Store) Webhooks(tenant string, read func(*webhook.Webhook)) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return ErrClosed
	}
	err := s.scan(tenantPrefix(prefixWebhook, tenant), s.eachWebhook(read))
	if pebble.IsCorruptionError(err) {
		return fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	return err
}

// Webhook reads one webhook of a tenant, nil where there is none. Errors: [ErrUnreadable], [ErrClosed] after Close, or one of the database.
func (s *Store) Webhook(tenant string, id int64) (*webhook.Webhook, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return nil, ErrClosed
	}
	key := ofWebhook(prefixWebhook, tenant, id)
	value, err := get(s.db, key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if pebble.IsCorruptionError(err) {
		return nil, s.unreadable(key, err)
	}
	var w *webhook.Webhook
	if err == nil {
		err = s.eachWebhook(func(row *webhook.Webhook) { w = row })(key, value)
	}
	if err != nil {
		return nil, fmt.Errorf("store: row %q: %w", key, err)
	}
	return w, nil
}

// eachWebhook reads a row that is a webhook.
func (s *Store) eachWebhook(visit func(*webhook.Webhook)) func(key, value []byte) error {
	read := each(visit)
	return func(key, value []byte) error {
		if err := read(key, value); err != nil {
			return s.unreadable(key, err)
		}
		return nil
	}
}

// eachReadable is eachWebhook where those that cannot be read are passed over.
func (s *Store) eachReadable(visit func(*webhook.Webhook)) func(key, value []byte) error {
	read := each(visit)
	return func(key, value []byte) error {
		if err := read(key, value); err != nil {
			_ = s.unreadable(key, err)
		}
		return nil
	}
}

// unreadable is the error about a row of a webhook, which it has counted.
func (s *Store) unreadable(key []byte, err error) error {
	s.events.unreadable(key, err)
	return fmt.Errorf("%w: %w", ErrUnreadable, err)
}
