package queue

import (
	"sync"
	"weak"
)

// sharedReads lets all who have deliveries of one large message in hand share one copy of its payload, and one read of the
// file.
//
// It refers to what was read by weak pointers only, so it keeps nothing in memory: a payload is there for as long as some
// delivery with it is.
type sharedReads struct {
	mu sync.Mutex
	m  map[uint64]weak.Pointer[sharedRead] // by number of the file
}

// sharedRead is a payload that was read from its file. Every delivery with the payload refers to it.
type sharedRead struct {
	once    sync.Once
	payload []byte
	err     error
}

func (r *sharedReads) init() { r.m = make(map[uint64]weak.Pointer[sharedRead]) }

// of returns the read of a file that is there or in progress, or one to be made.
func (r *sharedReads) of(number uint64) *sharedRead {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.m[number].Value(); s != nil {
		return s
	}
	for n, p := range r.m {
		if p.Value() == nil {
			delete(r.m, n)
		}
	}
	s := new(sharedRead)
	r.m[number] = weak.Make(s)
	return s
}

// forget lets the next one read a file again.
func (r *sharedReads) forget(number uint64, s *sharedRead) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.m[number].Value() == s {
		delete(r.m, number)
	}
}

// load returns a copy of the payload in a file.
func (s *sideFiles) load(f sideFile) ([]byte, error) { return readSide(s.fs, s.path(f.number), f) }

// share returns the payload in a file, which others may have too.
func (s *sideFiles) share(f sideFile) (*sharedRead, error) {
	r := s.read.of(f.number)
	r.once.Do(func() { r.payload, r.err = s.load(f) })
	if r.err != nil {
		s.read.forget(f.number, r)
	}
	return r, r.err
}
