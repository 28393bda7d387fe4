package queue

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"math/big"

	"github.com/cockroachdb/pebble/v2"
)

// isCorrupt tells data on disk that are not what was written, and will not be when they are read again, from a disk that
// fails to be read and may do better later.
func isCorrupt(err error) bool { return errors.Is(err, errCorrupt) || pebble.IsCorruptionError(err) }

// passOver returns the first key from which on can be read again, at the latest to, given that one cannot be read from by an
// iterator that was made before. It logs and counts what is missing, and keeps low-water marks from it. That stays on disk:
// when the queue is opened again it is looked at again.
//
// It leaves out what is corrupt, and that key is from itself. Where that does not help, as in a table without names of blocks,
// or in the index of a table, the end of what is unreadable is looked for: in steps that grow, from one round number to the next, so that the beginning of each lane and
// endpoint is among them; then backwards from there, key by key. Reading a corrupt block takes a tenth of a second, as the
// database tries every bit of it, so there are few such reads. The first key behind may be passed over as well, as an iterator that goes
// backwards looks ahead, though none that an endpoint begins with; and so may be what is between several places near to each other, or beside them in other tables.
func (q *Queue) passOver(r pebble.Reader, from, to []byte, why error) ([]byte, error) {
	err := q.leaveOut(r, func(options func(lo, hi []byte) *pebble.IterOptions) error { return firstKey(r, options(from, to)) })
	if !isCorrupt(err) {
		return from, err
	}
	bad, good, err := q.firstReadable(r, from, to)
	for err == nil {
		var more bool
		if good, more, err = q.backwards(r, bad, good); err != nil || !more {
			break
		}
		var ok bool
		half := between(bad, good)
		if ok, err = q.isReadable(r, half, to); ok {
			good = half
		} else {
			bad = half
		}
	}
	if err == nil {
		good, err = q.firstEndpoint(r, bad, good, to)
	}
	if err != nil {
		return nil, err
	}
	q.miss(from, good)
	q.counts.unreadable.Add(1)
	q.log.Error("queue: a part of the store is corrupt and is passed over", "from", from, "to", good, "err", why)
	return good, nil
}

const (
	passGrowth = 16     // bits by which the steps grow
	passBack   = 10_000 // keys walked backwards before the distance is halved
)

// firstReadable returns a key that can be read from, and one before it that cannot, without anything known to be readable
// between them.
func (q *Queue) firstReadable(r pebble.Reader, from, to []byte) (bad, good []byte, err error) {
	width := max(len(from), len(to))
	bad, good = padded(from, width), padded(to, width)
	first := uint(0)
	if width == deliveryKeyLen {
		first = 64 // events of one due time are few
	}
	for bits := first; ; bits += passGrowth {
		n := new(big.Int).Rsh(new(big.Int).SetBytes(bad), bits)
		n.Lsh(n.Add(n, big.NewInt(1)), bits)
		if n.Cmp(new(big.Int).SetBytes(good)) >= 0 {
			return bad, good, nil
		}
		next := n.FillBytes(make([]byte, width))
		ok, err := q.isReadable(r, next, to)
		if ok || err != nil {
			return bad, next, err
		}
		bad = next
	}
}

// firstEndpoint returns where the first endpoint begins that can be read from, good if that is not before it. One that has a
// single delivery would not be found otherwise.
func (q *Queue) firstEndpoint(r pebble.Reader, bad, good, to []byte) ([]byte, error) {
	if bad[0] != prefixDelivery || len(bad) != deliveryKeyLen {
		return good, nil
	}
	last, first := binary.BigEndian.Uint64(bad[1:]), uint64(math.MaxUint64)
	if good[0] == prefixDelivery {
		first = binary.BigEndian.Uint64(good[1:])
	}
	found := false
	// Ids were counted up, so the one looked for is near to the last.
	for step := uint64(1); last < first; {
		id := last + min(step, first-last)
		if found {
			if first-last == 1 {
				return appendDeliveryKey(nil, EndpointID(first), firstTrack, start), nil
			}
			id = last + (first-last)/2
		}
		ok, err := q.isReadable(r, appendDeliveryKey(nil, EndpointID(id), firstTrack, start), to)
		switch {
		case err != nil:
			return nil, err
		case ok:
			first, found = id, true
		default:
			last, step = id, 2*step
		}
	}
	return good, nil
}

func padded(key []byte, width int) []byte {
	return append(bytes.Clone(key), make([]byte, width-len(key))...)
}

func between(a, b []byte) []byte {
	width := max(len(a), len(b))
	sum := new(big.Int).Add(new(big.Int).SetBytes(padded(a, width)), new(big.Int).SetBytes(padded(b, width)))
	return sum.Rsh(sum, 1).FillBytes(make([]byte, width))
}

// backwards walks from a key to what comes before it, and returns how far that can be read. more says that there may be more.
func (q *Queue) backwards(r pebble.Reader, bad, good []byte) (_ []byte, more bool, err error) {
	iter, err := r.NewIter(q.blocks.options(bad, good))
	if err != nil {
		return nil, false, err
	}
	n, ok := 0, iter.Last()
	for ; ok && n < passBack; ok = iter.Prev() {
		good = append(good[:0:0], iter.Key()...)
		n++
	}
	if err = errors.Join(iter.Error(), iter.Close()); isCorrupt(err) {
		err = nil
	}
	return good, ok, err
}

// isReadable reports whether the first key at or behind one can be read.
func (q *Queue) isReadable(r pebble.Reader, from, to []byte) (bool, error) {
	err := firstKey(r, q.blocks.options(from, to))
	if isCorrupt(err) {
		return false, nil
	}
	return err == nil, err
}

// firstKey reads the first key of an iterator.
func firstKey(r pebble.Reader, o *pebble.IterOptions) error {
	iter, err := r.NewIter(o)
	if err == nil {
		iter.First()
		err = errors.Join(iter.Error(), iter.Close())
	}
	return err
}

// closePassing closes an iterator that may have met what is corrupt, which was dealt with.
func closePassing(iter *pebble.Iterator) error {
	if err := iter.Close(); !isCorrupt(err) {
		return err
	}
	return nil
}

// eachReadable is each, and passes over what is corrupt.
func (q *Queue) eachReadable(r pebble.Reader, lo, hi []byte, f func(*pebble.Iterator)) error {
	var last []byte
	for {
		err := q.each(r, q.blocks.options(lo, hi), func(iter *pebble.Iterator) {
			last = append(last[:0], iter.Key()...)
			f(iter)
		})
		if !isCorrupt(err) {
			return err
		}
		if last != nil {
			lo, last = append(last, 0), nil
		}
		if lo, err = q.passOver(r, lo, hi, err); err != nil || bytes.Compare(lo, hi) >= 0 {
			return err
		}
	}
}

// miss notes a range of keys of which some are missing. What refers to payloads may be among them, though only to those of
// messages that were accepted before: before it is known which those are, to all.
func (q *Queue) miss(from, to []byte) {
	q.hidden.add(from, to)
	before := EventID(math.MaxUint64)
	if q.writers != nil {
		before = q.writers.given()
	}
	for _, kind := range []byte{prefixDelivery, prefixDead, prefixKept, prefixFanOut} {
		if bytes.Compare(from, []byte{kind + 1}) < 0 && bytes.Compare([]byte{kind}, to) < 0 {
			q.unknown.Store(uint64(before))
		}
	}
}

// countReadable counts the keys of a span that can be read.
func (q *Queue) countReadable(r pebble.Reader, lo, hi []byte) (n int64, err error) {
	err = q.eachReadable(r, lo, hi, func(*pebble.Iterator) { n++ })
	return n, err
}
