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
	edge := l.edge()
	for edge != nil {
		streams, next, err := l.open(edge)
		if err != nil {
			return err
		}
		more, err := l.merge(streams, yield)
		if err != nil || !more {
			return err
		}
		edge = next
	}
	return nil
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
func (l *listing) seek(iter *pebble.Iterator, key []byte) (Mark, bool) {
	if l.oldest {
		return l.valid(iter, iter.SeekGE(key))
	}
	return l.valid(iter, iter.SeekLT(key))
}

func (l *listing) step(iter *pebble.Iterator) (Mark, bool) {
	if l.oldest {
		return l.valid(iter, iter.Next())
	}
	return l.valid(iter, iter.Prev())
}

// valid passes over keys that cannot be read.
func (l *listing) valid(iter *pebble.Iterator, ok bool) (Mark, bool) {
	for ok {
		if m, good := l.shelf.parse(iter.Key()); good {
			return m, true
		}
		l.q.log.Error("queue: malformed key", "key", iter.Key())
		if l.oldest {
			ok = iter.Next()
		} else {
			ok = iter.Prev()
		}
	}
	return Mark{}, false
}

// open finds the next bucket with something in it, beginning at a key, and the streams in it. next is the key
// to go on at, nil if this was the last.
//
// What the seek for one stream finds is often the first entry of a later one. So this takes about a seek for each
// stream that is selected and there, whichever are fewer, the selected ones or those that are there.
func (l *listing) open(edge []byte) (found []*source, next []byte, err error) {
	if !l.q.gate.enter() {
		return nil, nil, ErrClosed
	}
	defer l.q.gate.leave()
	iter, err := l.q.db.NewIter(&pebble.IterOptions{
		LowerBound: []byte{l.shelf.prefix}, UpperBound: []byte{l.shelf.prefix + 1},
	})
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, iter.Close()) }()
	m, ok := l.seek(iter, edge)
	bucket := l.shelf.bucket(m.at)
	if !ok || bucket > l.shelf.bucket(l.hi-1) || bucket < l.shelf.bucket(l.lo) {
		return nil, nil, iter.Error()
	}
	at, ok := l.reach(l.extreme())
	for ok {
		from, until := l.bounds(at, l.after)
		if l.oldest {
			m, ok = l.seek(iter, l.shelf.key(bucket, at, from))
		} else {
			m, ok = l.seek(iter, l.shelf.key(bucket, at, until))
		}
		if !ok || l.shelf.bucket(m.at) != bucket {
			break
		}
		there := l.shelf.streamOf(m)
		if at, ok = l.reach(there); !ok || at != there {
			continue
		}
		from, until = l.bounds(at, l.after)
		before, beyond := m.position().less(from), !m.position().less(until)
		if l.oldest && before || !l.oldest && beyond {
			continue // it is the end of a stream that was met on the way to another: seek into it
		}
		if !before && !beyond {
			found = append(found, &source{stream: at, bucket: bucket, head: m, after: l.after})
		}
		at, ok = l.follow(at)
	}
	if err := iter.Error(); err != nil {
		return nil, nil, err
	}
	for _, s := range found {
		s.ask = max(1, listChunk/len(found))
	}
	if l.oldest {
		return found, l.shelf.behind(bucket), nil
	}
	return found, l.shelf.bucketKey(bucket), nil
}

// extreme is the stream at which a bucket begins.
func (l *listing) extreme() stream {
	if l.oldest {
		return stream{}
	}
	return stream{math.MaxUint64, l.shelf.lanes - 1}
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
		return stream{l.endpoints[i-1], l.shelf.lanes - 1}, true
	}
	return stream{}, false
}

// follow returns the next stream behind s that is selected.
func (l *listing) follow(s stream) (stream, bool) {
	switch {
	case l.oldest && s.lane+1 < l.shelf.lanes:
		s.lane++
	case l.oldest && s.endpoint < math.MaxUint64:
		s = stream{endpoint: s.endpoint + 1}
	case !l.oldest && s.lane > 0:
		s.lane--
	case !l.oldest && s.endpoint > 0:
		s = stream{s.endpoint - 1, l.shelf.lanes - 1}
	default:
		return stream{}, false
	}
	return l.reach(s)
}
