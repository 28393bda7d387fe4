package queue

import (
	"errors"
	"math"
	"slices"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// Select says which entries of a list are wanted.
type Select struct {
	// Endpoints are the endpoints wanted, in any order; nil means all, and none is none. It may have thousands: a
	// page costs a seek for each endpoint that has something in the hour or day at hand.
	Endpoints []EndpointID
	// From and Until bound the time of the entries, [From, Until). Zero leaves an end open.
	From, Until time.Time
	// After is the mark of the entry to go on behind. Zero means from the beginning.
	After Mark
	// Oldest turns the order around: the oldest first.
	Oldest bool
}

// listing is one walk over a shelf. It goes through the buckets in the order of time. In each it finds the first
// entry of every selected stream, by a seek each, and merges the streams.
type listing struct {
	q         *Queue
	shelf     *shelf
	all       bool
	endpoints []EndpointID // sorted, distinct
	lo, hi    micros       // times wanted: [lo, hi)
	after     Mark
	oldest    bool
}

func (q *Queue) list(sh *shelf, s Select, yield func(entry) bool) error {
	l := &listing{
		q: q, shelf: sh, all: s.Endpoints == nil, lo: 1, hi: end.due, after: s.After, oldest: s.Oldest,
	}
	l.endpoints = slices.Compact(slices.Sorted(slices.Values(s.Endpoints)))
	if !s.From.IsZero() {
		l.lo = max(q.clock.ceil(s.From), 1)
	}
	if !s.Until.IsZero() {
		l.hi = min(q.clock.ceil(s.Until), end.due)
	}
	if edge := l.edge(); edge != nil {
		return l.walk(edge, l.parkedSources(), yield)
	}
	return nil
}

// walk goes from bucket to bucket, beginning at a key. What is parked has its place among what is in buckets of the shelf;
// those sources are in the order of the walk.
func (l *listing) walk(edge []byte, parked []*source, yield func(entry) bool) error {
	var next bucket
	for onDisk := true; ; {
		if onDisk && next.streams == nil {
			var err error
			if next, onDisk, err = l.open(edge); err != nil {
				return err
			}
		}
		if !onDisk && len(parked) == 0 {
			return nil
		}
		number := next.number
		if len(parked) > 0 {
			if first := l.shelf.bucket(parked[0].parked.at); !onDisk || l.sooner(first, number) {
				number = first
			}
		}
		var streams []*source
		if onDisk && number == next.number {
			streams, edge, next.streams = next.streams, l.behind(number), nil
		}
		for len(parked) > 0 && l.shelf.bucket(parked[0].parked.at) == number {
			streams, parked = append(streams, parked[0]), parked[1:]
		}
		if more, err := l.merge(streams, yield); err != nil || !more {
			return err
		}
	}
}

// sooner reports whether the walk comes to one bucket before another.
func (l *listing) sooner(a, b uint32) bool {
	if l.oldest {
		return a < b
	}
	return a > b
}

// behind is the key at which the walk goes on behind a bucket.
func (l *listing) behind(b uint32) []byte {
	if l.oldest {
		return l.shelf.behind(b)
	}
	return l.shelf.bucketKey(b)
}

// edge is the key to begin at, nil if nothing can be there.
func (l *listing) edge() []byte {
	lo, hi := l.lo, l.hi
	if l.after != (Mark{}) {
		if l.oldest {
			lo = max(lo, l.after.at)
		} else {
			hi = min(hi, l.after.at+1)
		}
	}
	switch {
	case lo >= hi || !l.all && len(l.endpoints) == 0:
		return nil
	case l.oldest:
		return l.shelf.bucketKey(l.shelf.bucket(lo))
	}
	return l.shelf.behind(l.shelf.bucket(hi - 1))
}

// bounds returns what is wanted of a stream: the positions from the first up to the second, not included. after
// is an entry it goes on behind.
func (l *listing) bounds(s stream, after Mark) (from, until position) {
	from, until = position{due: l.lo}, position{due: l.hi}
	if after == (Mark{}) {
		return from, until
	}
	// Where a stream stands that has an entry of the time of after depends on the endpoint. Entries that differ
	// from after in nothing but number and lane are told apart when they are read.
	here := position{due: after.at}
	switch {
	case s.endpoint == after.endpoint && l.oldest:
		here = after.position()
	case s.endpoint == after.endpoint:
		here = after.position().next()
	case s.endpoint < after.endpoint:
		here.due++
	}
	if l.oldest {
		return later(from, here), until
	}
	return from, earlier(until, here)
}

// beyond reports whether an entry comes behind another one in this walk.
func (l *listing) beyond(m, after Mark) bool {
	if after == (Mark{}) {
		return true
	}
	if l.oldest {
		return m.compare(after) > 0
	}
	return m.compare(after) < 0
}

// seek goes to the first key of the walk that is not before the given one. Backwards, a key bounds what is wanted and
// is not included.
func (l *listing) seek(iter *pebble.Iterator, key []byte) (Mark, stream, bool) {
	if l.oldest {
		return l.valid(iter, iter.SeekGE(key), l.shelf)
	}
	return l.valid(iter, iter.SeekLT(key), l.shelf)
}

func (l *listing) step(iter *pebble.Iterator, sh *shelf) (Mark, stream, bool) {
	if l.oldest {
		return l.valid(iter, iter.Next(), sh)
	}
	return l.valid(iter, iter.Prev(), sh)
}

// valid passes over keys that cannot be read.
func (l *listing) valid(iter *pebble.Iterator, ok bool, sh *shelf) (Mark, stream, bool) {
	for ok {
		if m, s, good := sh.parse(iter.Key()); good {
			return m, s, true
		}
		l.q.log.Error("queue: malformed key", "key", iter.Key())
		if l.oldest {
			ok = iter.Next()
		} else {
			ok = iter.Prev()
		}
	}
	return Mark{}, stream{}, false
}

// bucket is one that a walk has come to.
type bucket struct {
	number  uint32
	streams []*source // not nil
}

// open finds the next bucket with something in it, beginning at a key, and the streams in it; false if there is none.
//
// What the seek for one stream finds is often the first entry of a later one. So this takes about a seek for each
// stream that is selected and there, whichever are fewer, the selected ones or those that are there.
func (l *listing) open(edge []byte) (b bucket, some bool, err error) {
	if !l.q.gate.enter() {
		return bucket{}, false, ErrClosed
	}
	defer l.q.gate.leave()
	err = l.q.leaveOut(l.q.db, func(options func(lo, hi []byte) *pebble.IterOptions) error {
		b, some, err = l.find(edge, options([]byte{l.shelf.prefix}, []byte{l.shelf.prefix + 1}))
		return err
	})
	return b, some, err
}

// find is open with an iterator that leaves out what is corrupt.
func (l *listing) find(edge []byte, o *pebble.IterOptions) (b bucket, some bool, err error) {
	iter, err := l.q.db.NewIter(o)
	if err != nil {
		return bucket{}, false, err
	}
	defer func() { err = errors.Join(err, iter.Close()) }()
	m, _, ok := l.seek(iter, edge)
	b = bucket{l.shelf.bucket(m.at), []*source{}}
	if !ok || b.number > l.shelf.bucket(l.hi-1) || b.number < l.shelf.bucket(l.lo) {
		return bucket{}, false, iter.Error()
	}
	var there stream
	at, ok := l.reach(l.extreme())
	for ok {
		from, until := l.bounds(at, l.after)
		if l.oldest {
			m, there, ok = l.seek(iter, l.shelf.key(b.number, at, from))
		} else {
			m, there, ok = l.seek(iter, l.shelf.key(b.number, at, until))
		}
		if !ok || l.shelf.bucket(m.at) != b.number {
			break
		}
		if at, ok = l.reach(there); !ok || at != there {
			continue
		}
		if l.shelf.tracks && l.q.segments.of(at.endpoint).parking(at.track.segment()) != nil {
			at, ok = l.follow(at) // it does not wait
			continue
		}
		from, until = l.bounds(at, l.after)
		before, beyond := m.position().less(from), !m.position().less(until)
		if l.oldest && before || !l.oldest && beyond {
			continue // it is the end of a stream that was met on the way to another: seek into it
		}
		if !before && !beyond {
			b.streams = append(b.streams, &source{stream: at, bucket: b.number, head: m, after: l.after})
		}
		at, ok = l.follow(at)
	}
	if err := iter.Error(); err != nil {
		return bucket{}, false, err
	}
	for _, s := range b.streams {
		s.ask = max(1, listChunk/len(b.streams))
	}
	return b, true, nil
}

// extreme is the stream at which a bucket begins.
func (l *listing) extreme() stream {
	if l.oldest {
		return stream{}
	}
	return l.last(math.MaxUint64)
}

// last is the last stream that an endpoint may have.
func (l *listing) last(id EndpointID) stream {
	if l.shelf.tracks {
		return stream{id, math.MaxUint8}
	}
	return stream{endpoint: id}
}

// reach returns the next stream that is selected, s itself if it is.
func (l *listing) reach(s stream) (stream, bool) {
	if l.all {
		return s, true
	}
	i, ok := slices.BinarySearch(l.endpoints, s.endpoint)
	switch {
	case ok:
		return s, true
	case l.oldest && i < len(l.endpoints):
		return stream{endpoint: l.endpoints[i]}, true
	case !l.oldest && i > 0:
		return l.last(l.endpoints[i-1]), true
	}
	return stream{}, false
}

// follow returns the next stream behind s that is selected.
func (l *listing) follow(s stream) (stream, bool) {
	switch {
	case l.oldest && s != l.last(s.endpoint):
		s.track++
	case l.oldest && s.endpoint < math.MaxUint64:
		s = stream{endpoint: s.endpoint + 1}
	case !l.oldest && s.track > 0:
		s.track--
	case !l.oldest && s.endpoint > 0:
		s = l.last(s.endpoint - 1)
	default:
		return stream{}, false
	}
	return l.reach(s)
}
