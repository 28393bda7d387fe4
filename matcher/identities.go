package matcher

import "hash/maphash"

// identities numbers the identities of distinct conditions. Writer only.
type identities struct {
	table cells
	all   [][16]byte
}

func hashIdentity(id *[16]byte) uint32 { return uint32(maphash.Bytes(seed, id[:]) >> 32) }

func (s *identities) find(id [16]byte) (n uint32, ok bool) {
	hash := hashIdentity(&id)
	at := hash
	for {
		n := s.table.next(hash, &at)
		if n == 0 || s.all[n-1] == id {
			return n - 1, n != 0
		}
	}
}

func (s *identities) add(id [16]byte) {
	s.all = append(s.all, id)
	s.table = s.table.add(hashIdentity(&id), uint32(len(s.all)), len(s.all)-1)
}
