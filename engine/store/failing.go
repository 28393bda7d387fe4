package store

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

const prefixFailing = 'u'

// keyFailing holds when the rows of failing endpoints were written last.
var keyFailing = []byte{prefixFailing}

// Failing is an endpoint to which nothing could be delivered.
type Failing struct {
	Endpoint uint64    `json:"endpoint"`
	Epoch    uint64    `json:"epoch,omitempty"` // webhook.Endpoint.Epoch
	Since    time.Time `json:"since"`
	Attempts int64     `json:"attempts"`         // that failed since
	Warned   int32     `json:"warned,omitempty"` // the last stage that operators were warned of, in percent
}

// Failing returns the endpoints that failed, and when that was written last. Those behind a row that is corrupt are not known to
// fail. After Close the error is [ErrClosed].
func (s *Store) Failing() (list []Failing, written time.Time, err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return nil, time.Time{}, ErrClosed
	}
	row := each(func(f *Failing) { list = append(list, *f) })
	err = s.scan([]byte{prefixFailing}, func(key, value []byte) error {
		if len(key) > 1 {
			return row(key, value)
		}
		if len(value) != 8 {
			return fmt.Errorf("a time of %d bytes", len(value))
		}
		written = time.UnixMicro(int64(binary.BigEndian.Uint64(value)))
		return nil
	})
	if pebble.IsCorruptionError(err) {
		s.events.log.Error("how long endpoints have failed is corrupt, and begins anew for those that cannot be read", "err", err)
		err = nil
	}
	return list, written, err
}

// PutFailing writes endpoints that fail, and that it did at a time. After Close the error is [ErrClosed].
func (s *Store) PutFailing(list []Failing, now time.Time) error {
	return s.write("failing endpoints", func(w *writer) {
		for i := range list {
			w.put(numberKey(prefixFailing, list[i].Endpoint), &list[i])
		}
		w.set(keyFailing, uint64(now.UnixMicro()))
	})
}

// DeleteFailing removes an endpoint that does not fail any more. It does not wait for the disk: whatever is written after it
// is lost with it. After Close the error is [ErrClosed].
func (s *Store) DeleteFailing(endpoint uint64) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return ErrClosed
	}
	return s.db.Delete(numberKey(prefixFailing, endpoint), pebble.NoSync)
}

// ForgetFailing removes all of them. After Close the error is [ErrClosed].
func (s *Store) ForgetFailing() error {
	return s.write("failing endpoints", func(w *writer) {
		w.fail(w.b.DeleteRange([]byte{prefixFailing}, []byte{prefixFailing + 1}, nil))
	})
}
