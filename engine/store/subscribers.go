package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"hookline/engine/webhook"
)

const (
	prefixSubscriber = 'j'

	// prefixOldFilter began the rows of conditions up to version 2 of the layout.
	prefixOldFilter = 'c'
)

// Subscriber is what has to be known of a webhook to match events. It is kept beside the webhook, as to read that whole costs many times as much.
type Subscriber struct {
	ID       int64
	Endpoint uint64
	Expires  int64   // nanoseconds since 1970; 0 is never
	Events   bool    // it names some
	Disabled bool    // webhook.Webhook.Disabled
	Texts    [8]byte // stands for what of the webhook its condition is compiled from
	Filter   []byte  // what PutFilters kept for it; nil where there is nothing
}

// SubscriberOf returns what is kept of a webhook, but for the filter.
func SubscriberOf(w *webhook.Webhook) Subscriber {
	return Subscriber{
		ID: w.ID, Endpoint: w.Endpoint, Expires: AlikeOf(w).Expires, Events: len(w.Events) > 0, Disabled: w.Disabled(), Texts: textsOf(w),
	}
}

func textsOf(w *webhook.Webhook) [8]byte {
	b := make([]byte, 0, 512)
	for _, list := range [][]string{{w.Filter}, w.Events, w.FieldIDs, w.PropertyKeys} {
		b = binary.AppendUvarint(b, uint64(len(list)))
		for _, text := range list {
			b = append(binary.AppendUvarint(b, uint64(len(text))), text...)
		}
	}
	sum := sha256.Sum256(b)
	return [8]byte(sum[:8])
}

// Flags of a row, which is the flags, Texts, and Endpoint and Expires as varints.
const (
	flagEvents   = 1 << 0
	flagDisabled = 1 << 1
)

func (s *Subscriber) append(b []byte) []byte {
	var flags byte
	if s.Events {
		flags |= flagEvents
	}
	if s.Disabled {
		flags |= flagDisabled
	}
	b = append(append(b, flags), s.Texts[:]...)
	return binary.AppendVarint(binary.AppendUvarint(b, s.Endpoint), s.Expires)
}

var errSubscriber = errors.New("it is no subscriber")

// decode reads what append wrote.
func (s *Subscriber) decode(row []byte) error {
	if len(row) <= len(s.Texts) || row[0]&^(flagEvents|flagDisabled) != 0 {
		return errSubscriber
	}
	s.Events, s.Disabled = row[0]&flagEvents != 0, row[0]&flagDisabled != 0
	rest := row[1+copy(s.Texts[:], row[1:]):]
	var n, m int
	s.Endpoint, n = binary.Uvarint(rest)
	if n > 0 {
		s.Expires, m = binary.Varint(rest[n:])
	}
	if m <= 0 || n+m != len(rest) {
		return errSubscriber
	}
	return nil
}

// subscriberKey is the key of a webhook's row. That of its filter follows it.
func subscriberKey(tenant string, id int64) []byte { return ofWebhook(prefixSubscriber, tenant, id) }

func filterKey(tenant string, id int64) []byte { return append(subscriberKey(tenant, id), 0) }

// numberOf reads what subscriberKey and filterKey have behind the prefix of the tenant.
func numberOf(rest []byte) (id int64, filter bool, err error) {
	switch {
	case len(rest) == 8:
	case len(rest) == 9 && rest[8] == 0:
		filter = true
	default:
		return 0, false, fmt.Errorf("a number of %d bytes", len(rest))
	}
	return int64(binary.BigEndian.Uint64(rest)), filter, nil
}

// Subscribers reads the webhooks of a tenant as subscribers, in order of their numbers. The value is good during the call of read. Errors:
// [ErrUnreadable] where a row is none, [ErrClosed] after Close, or one of the database.
func (s *Store) Subscribers(tenant string, read func(*Subscriber)) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return ErrClosed
	}
	var at Subscriber
	waits := false // at was not handed over yet, as the next row may be its filter
	prefix := tenantPrefix(prefixSubscriber, tenant)
	err := s.scan(prefix, func(key, value []byte) error {
		id, filter, err := numberOf(key[len(prefix):])
		if err != nil {
			return err
		}
		if filter {
			if waits && at.ID == id {
				at.Filter, waits = value, false
				read(&at)
			}
			return nil
		}
		if waits {
			read(&at)
		}
		at, waits = Subscriber{ID: id}, true
		if err := at.decode(value); err != nil {
			return s.unreadable(key, err)
		}
		return nil
	})
	if waits && err == nil {
		read(&at)
	}
	return err
}

// readsSubscriber checks a row whichever tenant it is of.
func readsSubscriber(key, value []byte) error {
	end := bytes.IndexByte(key, 0) // of the tenant
	if end < 0 {
		return errSubscriber
	}
	if _, filter, err := numberOf(key[end+1:]); filter || err != nil {
		return err // who keeps filters knows what they are
	}
	return new(Subscriber).decode(value)
}

// subscribersAtOnce bounds what is written in one batch when the subscribers of a whole store are made.
const subscribersAtOnce = 10_000

// resubscribe makes the subscribers of all webhooks that can be read, without filters.
func (s *Store) resubscribe() error {
	err := s.commit("subscribers", func(w *writer) {
		for _, prefix := range []byte{prefixSubscriber, prefixOldFilter} {
			w.fail(w.b.DeleteRange([]byte{prefix}, []byte{prefix + 1}, nil))
		}
	})
	if err != nil {
		return err
	}
	var some []*webhook.Webhook
	write := func() error {
		if len(some) == 0 {
			return nil
		}
		err := s.commit("subscribers", func(w *writer) {
			for _, h := range some {
				w.subscribe(h)
			}
		})
		some = some[:0]
		return err
	}
	read := s.eachReadable(func(w *webhook.Webhook) { some = append(some, w) })
	err = s.scan([]byte{prefixWebhook}, func(key, value []byte) error {
		if err := read(key, value); err != nil || len(some) < subscribersAtOnce {
			return err
		}
		return write()
	})
	if err != nil {
		return err
	}
	return write()
}

// subscribe writes the subscriber of a webhook.
func (w *writer) subscribe(h *webhook.Webhook) {
	row := SubscriberOf(h)
	w.fail(w.b.Set(subscriberKey(h.Owner.Tenant, h.ID), row.append(nil), nil))
}

// unsubscribe removes it with its filter.
func (w *writer) unsubscribe(h *webhook.Webhook) {
	for _, key := range [][]byte{subscriberKey(h.Owner.Tenant, h.ID), filterKey(h.Owner.Tenant, h.ID)} {
		w.fail(w.b.Delete(key, nil))
	}
}
