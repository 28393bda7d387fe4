package queue

import (
	"bytes"
	"container/heap"
	"errors"

	"github.com/cockroachdb/pebble/v2"
)

type entry struct {
	mark   Mark
	value  []byte
	parked Reason // of a parked delivery: why; 0 for all else
}

// source is a stream during the merge.
type source struct {
	stream
	bucket uint32
	head   Mark    // of the entry that comes next, or came last if that is not read yet
	after  Mark    // what was read last
	read   []entry // the entries read and not yielded yet
	ask    int     // how many to read next
	dry    bool    // there are no more to be read

	parked *parkedSegment // that it is, nil for what is on the shelf
}

// listChunk is how many entries are read at once. Between two chunks no iterator is open, so a slow reader keeps
// no deleted data alive.
const listChunk = 256

// merge yields the entries of the streams of one bucket. more says that yield wants the next bucket.
func (l *listing) merge(streams []*source, yield func(entry) bool) (more bool, err error) {
	h := &merging{streams, l.oldest}
	heap.Init(h)
	for h.Len() > 0 {
		s := h.streams[0]
		if len(s.read) == 0 {
			if !s.dry {
				if err := l.fill(s); err != nil {
					return false, err
				}
			}
			if len(s.read) == 0 {
				heap.Pop(h)
				continue
			}
			s.head = s.read[0].mark
			heap.Fix(h, 0)
			continue
		}
		e := s.read[0]
		if s.read = s.read[1:]; len(s.read) > 0 {
			s.head = s.read[0].mark
			heap.Fix(h, 0)
		}
		if !yield(e) {
			return false, nil
		}
	}
	return true, nil
}

// fill reads the next chunk of a stream.
func (l *listing) fill(s *source) error {
	if !l.q.gate.enter() {
		return ErrClosed
	}
	defer l.q.gate.leave()
	from, until, sh := l.within(s)
	if s.dry = !from.less(until); s.dry {
		return nil
	}
	return l.q.leaveOut(l.q.db, func(options func(lo, hi []byte) *pebble.IterOptions) error {
		return l.read(s, sh, options(sh.key(s.bucket, s.stream, from), sh.key(s.bucket, s.stream, until)))
	})
}

// read is fill with an iterator that leaves out what is corrupt.
func (l *listing) read(s *source, sh *shelf, o *pebble.IterOptions) (err error) {
	iter, err := l.q.db.NewIter(o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, iter.Close()) }()
	s.read = s.read[:0]
	m, _, ok := l.ends(iter, sh)
	for ; ok && len(s.read) < s.ask; m, _, ok = l.step(iter, sh) {
		e := entry{mark: m, value: bytes.Clone(iter.Value())}
		if s.parked != nil {
			e.mark.at, e.mark.place, e.parked = s.parked.at, m.at, s.parked.why
		}
		if l.beyond(e.mark, s.after) {
			s.read = append(s.read, e)
		}
	}
	if err := iter.Error(); err != nil {
		return err
	}
	s.dry = !ok
	if n := len(s.read); n > 0 {
		s.after = s.read[n-1].mark
	}
	s.ask = min(2*s.ask, listChunk)
	return nil
}

// ends goes to where the walk enters the bounds of an iterator.
func (l *listing) ends(iter *pebble.Iterator, sh *shelf) (Mark, stream, bool) {
	if l.oldest {
		return l.valid(iter, iter.First(), sh)
	}
	return l.valid(iter, iter.Last(), sh)
}

// merging is a heap of streams, the one with the next entry on top.
type merging struct {
	streams []*source
	oldest  bool
}

func (h *merging) Len() int { return len(h.streams) }

func (h *merging) Less(i, j int) bool {
	if h.oldest {
		return h.streams[i].head.compare(h.streams[j].head) < 0
	}
	return h.streams[i].head.compare(h.streams[j].head) > 0
}

func (h *merging) Swap(i, j int) { h.streams[i], h.streams[j] = h.streams[j], h.streams[i] }
func (h *merging) Push(x any)    { h.streams = append(h.streams, x.(*source)) }

func (h *merging) Pop() any {
	last := len(h.streams) - 1
	s := h.streams[last]
	h.streams[last] = nil
	h.streams = h.streams[:last]
	return s
}
