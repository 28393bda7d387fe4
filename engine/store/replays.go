package store

import (
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"hookline/engine/webhook"
)

const prefixReplay = 'y'

// Replays returns every replay that is kept, by tenant and id. After Close the error is [ErrClosed].
func (s *Store) Replays() ([]*webhook.Replay, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return nil, ErrClosed
	}
	var list []*webhook.Replay
	err := s.scan([]byte{prefixReplay}, each(func(r *webhook.Replay) { list = append(list, r) }))
	return list, err
}

// PutReplay makes a replay durable as it is now. After Close the error is [ErrClosed].
func (s *Store) PutReplay(r *webhook.Replay) error {
	return s.write("a replay", func(w *writer) { w.put(replayKey(r), r) })
}

// DeleteReplays removes replays, all or none. After Close the error is [ErrClosed].
func (s *Store) DeleteReplays(list []*webhook.Replay) error {
	if len(list) == 0 {
		return nil
	}
	return s.write("replays", func(w *writer) {
		for _, r := range list {
			w.fail(w.b.Delete(replayKey(r), nil))
		}
	})
}

// write commits one synced batch.
func (s *Store) write(what string, fill func(*writer)) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return ErrClosed
	}
	return s.commit(what, fill)
}

// commit is write for holders of the lock.
func (s *Store) commit(what string, fill func(*writer)) error {
	b := s.db.NewBatch()
	defer b.Close()
	w := writer{b: b}
	fill(&w)
	if w.err != nil {
		return fmt.Errorf("store: %w", w.err)
	}
	if err := b.Commit(pebble.Sync); err != nil {
		return fmt.Errorf("store: writing %s: %w", what, err)
	}
	return nil
}

func replayKey(r *webhook.Replay) []byte {
	key := append([]byte{prefixReplay}, r.Tenant...)
	return append(append(key, 0), r.ID...)
}
