package store

import "encoding/binary"

const prefixFilter = 'c'

// Filter is what a webhook asks of an event as it was compiled. To the store it is bytes; who wrote them tells from them whether they
// are still right.
type Filter struct {
	Tenant  string
	Webhook int64
	Value   []byte
}

// Filters reads what was kept of a tenant by PutFilters, and was not deleted with its webhook since, in order of the webhooks' numbers. The value is
// good during the call. After Close the error is [ErrClosed].
func (s *Store) Filters(tenant string, read func(webhook int64, value []byte)) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return ErrClosed
	}
	prefix := tenantPrefix(prefixFilter, tenant)
	return s.scan(prefix, func(key, value []byte) error {
		number := key[len(prefix):]
		if len(number) != 8 {
			return nil // it is no webhook's, and no reason to do without those of the others
		}
		read(int64(binary.BigEndian.Uint64(number)), value)
		return nil
	})
}
