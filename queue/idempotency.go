package queue

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/cockroachdb/pebble/v2"
)

// idemKey is an idempotency key in its scope. The hash is long enough that nobody finds two keys with
// the same one.
type idemKey struct {
	scope uint64
	hash  [hashLen]byte
}

func keyOf(m *Message) idemKey {
	sum := sha256.Sum256([]byte(m.Key))
	return idemKey{m.Scope, [hashLen]byte(sum[:hashLen])}
}

func (k idemKey) compare(o idemKey) int {
	return cmp.Or(cmp.Compare(k.scope, o.scope), bytes.Compare(k.hash[:], o.hash[:]))
}

// keyLocks make two accepts with the same key wait for each other. A lock is held until the commit is
// durable, so what the next holder finds on disk is a promise that was kept.
type keyLocks struct {
	mu   sync.Mutex
	held map[idemKey]chan struct{} // closed on release
	busy func()                    // a test's hook
}

func (l *keyLocks) init(busy func()) {
	l.held, l.busy = make(map[idemKey]chan struct{}), busy
}

func (l *keyLocks) acquire(ctx context.Context, k idemKey) error {
	for {
		l.mu.Lock()
		busy, ok := l.held[k]
		if !ok {
			l.held[k] = make(chan struct{})
		}
		l.mu.Unlock()
		if !ok {
			return nil
		}
		if l.busy != nil {
			l.busy()
		}
		select {
		case <-busy:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (l *keyLocks) release(keys []idemKey) {
	if len(keys) == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, k := range keys {
		close(l.held[k])
		delete(l.held, k)
	}
}

// lockKeys locks the keys of the messages, in their order, so that two calls with several keys in
// common do not wait for each other.
func (q *Queue) lockKeys(ctx context.Context, ms []Message) ([]idemKey, error) {
	var keys []idemKey
	for i := range ms {
		if ms[i].Key != "" {
			keys = append(keys, keyOf(&ms[i]))
		}
	}
	slices.SortFunc(keys, idemKey.compare)
	keys = slices.Compact(keys)
	for i, k := range keys {
		if err := q.keyLocks.acquire(ctx, k); err != nil {
			q.keyLocks.release(keys[:i])
			return nil, err
		}
	}
	return keys, nil
}

// recall fills in the receipts of messages that were accepted before, and counts the others. The keys
// are locked.
func (a *accepting) recall() error {
	firsts := map[idemKey]int(nil)
	for i := range a.messages {
		m := &a.messages[i]
		if m.Key == "" {
			a.fresh++
			continue
		}
		k := keyOf(m)
		if first, ok := firsts[k]; ok {
			if a.messages[first].Fingerprint != m.Fingerprint {
				return ErrKeyReused
			}
			if a.repeats == nil {
				a.repeats = make(map[int]int)
			}
			a.repeats[i] = first
			continue
		}
		if firsts == nil {
			firsts = make(map[idemKey]int)
		}
		firsts[k] = i
		known, ok, err := a.q.lookUp(k)
		switch {
		case err != nil:
			return err
		case !ok:
			a.fresh++
		case known.fingerprint != m.Fingerprint:
			return ErrKeyReused
		default:
			a.receipts[i] = Receipt{
				Event:      known.event,
				Accepted:   a.q.clock.stamp(known.accepted),
				Deliveries: int(known.deliveries),
				Repeated:   true,
			}
		}
	}
	for i, first := range a.repeats {
		a.receipts[i] = a.receipts[first]
		a.receipts[i].Repeated = true
	}
	return nil
}

// lookUp finds a key that was given within Options.KeepKeys, in the newest bucket first. One that is corrupt is not known: what
// came with it may be accepted twice, and what has another key that would be beside it is not refused.
func (q *Queue) lookUp(k idemKey) (remembered, bool, error) {
	now := q.clock.present()
	oldest := max(now-micros(q.opts.KeepKeys.Microseconds()), 0)
	var buf [idemKeyLen]byte
	for bucket := int64(keyBucket(now)); bucket >= int64(keyBucket(oldest)); bucket-- {
		v, closer, err := q.db.Get(appendIdemKey(buf[:0], uint32(bucket), k))
		if errors.Is(err, pebble.ErrNotFound) {
			continue
		}
		var m remembered
		if err == nil {
			m, err = decodeRemembered(v)
			closer.Close()
		}
		if isCorrupt(err) {
			q.counts.unreadable.Add(1)
			q.log.Error("queue: an idempotency key cannot be looked up, and is taken for a new one", "err", err)
			continue
		}
		if err != nil {
			return remembered{}, false, fmt.Errorf("queue: idempotency key: %w", err)
		}
		return m, m.accepted >= oldest, nil
	}
	return remembered{}, false, nil
}
