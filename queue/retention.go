package queue

import (
	"errors"
	"slices"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// Kept is what is kept for a while after a delivery has ended.
type Kept uint8

const (
	KeptAttempts    Kept = iota + 1 // the attempt log
	KeptDeadLetters                 // with the payloads that nothing else needs
)

// String returns "attempts" or "dead letters".
func (k Kept) String() string {
	if k == KeptAttempts {
		return "attempts"
	}
	return "dead letters"
}

func (q *Queue) trimmed(what Kept, bytes int64) {
	if q.opts.Trimmed != nil {
		q.opts.Trimmed(what, bytes)
	}
}

// trimAttempts removes the oldest hours of the attempt log as long as it is larger than it may be.
//
// What an hour takes in tables is estimated from their indexes, which costs a moment per table. What is only in memory yet
// takes no table, and what was removed before takes none that is looked at, as its hour is not found any more.
func (q *Queue) trimAttempts() error {
	if q.opts.KeepAttemptsBytes == 0 {
		return nil
	}
	hours, total, err := q.attemptHours()
	if err != nil {
		return err
	}
	present, freed := hourOf(q.clock.present()), int64(0)
	until := uint32(0)
	for _, h := range hours {
		if total-freed <= q.opts.KeepAttemptsBytes || h.hour >= present {
			break
		}
		freed += h.bytes
		until = h.hour + 1
	}
	if until == 0 {
		return nil
	}
	if err := q.deleteSpan([]byte{prefixAttempt}, appendAttemptHour(nil, until)); err != nil {
		return err
	}
	q.log.Warn("queue: the attempt log was larger than it may be, its oldest hours were removed",
		"until", q.clock.stamp(startOfHour(until)), "bytes", freed, "of", total, "limit", q.opts.KeepAttemptsBytes)
	q.trimmed(KeptAttempts, freed)
	return nil
}

type hourBytes struct {
	hour  uint32
	bytes int64
}

// attemptHours returns what each hour of the attempt log takes that is not too old, oldest first. An hour that is corrupt takes what
// its tables do.
func (q *Queue) attemptHours() (hours []hourBytes, total int64, err error) {
	present := hourOf(q.clock.present())
	for at := q.bucketKept(hourOf, q.opts.KeepAttempts); at <= present; at++ {
		hour, ok, err := q.attemptHour(appendAttemptHour(nil, at), []byte{prefixAttempt + 1})
		if isCorrupt(err) {
			hour, ok, err = at, true, nil // or a later one, which is looked at then
		}
		if err != nil || !ok {
			return hours, total, err
		}
		at = hour
		size, err := q.db.EstimateDiskUsage(appendAttemptHour(nil, hour), attemptShelf.behind(hour))
		if err != nil && !isCorrupt(err) {
			return nil, 0, err
		}
		hours, total = append(hours, hourBytes{hour, int64(size)}), total+int64(size)
	}
	return hours, total, nil
}

// attemptHour returns the hour of the first attempt in a span that can be read, false if there is none.
func (q *Queue) attemptHour(lo, hi []byte) (hour uint32, ok bool, err error) {
	err = q.leaveOut(q.db, func(options func(lo, hi []byte) *pebble.IterOptions) error {
		iter, err := q.db.NewIter(options(lo, hi))
		if err != nil {
			return err
		}
		for more := iter.First(); more && !ok; more = iter.Next() {
			var m Mark
			m, ok = parseAttemptKey(iter.Key())
			hour = hourOf(m.at)
		}
		return errors.Join(iter.Error(), iter.Close())
	})
	return hour, ok, err
}

// dayKept returns the first day of which dead letters are kept: by their age, and by their bytes. freed is what the latter
// gives up.
func (q *Queue) dayKept() (day uint32, freed int64, err error) {
	day = q.bucketKept(deadShelf.bucket, q.opts.KeepDead)
	if q.opts.KeepDeadBytes == 0 {
		return day, 0, nil
	}
	days, err := q.letterDays()
	if err != nil {
		return 0, 0, err
	}
	days = slices.DeleteFunc(days, func(d *letterDay) bool { return d.day < day }) // those go anyway
	total, present := int64(0), deadShelf.bucket(q.clock.present())
	for _, d := range days {
		total += d.bytes
	}
	for _, d := range days {
		if total-freed <= q.opts.KeepDeadBytes || d.day >= present {
			break
		}
		freed += d.bytes
		day = d.day + 1
	}
	if freed > 0 {
		q.log.Warn("queue: dead letters and their payloads were larger than they may be, those of the oldest days are removed",
			"until", q.clock.stamp(micros(int64(day)*24*time.Hour.Microseconds())), "bytes", freed, "of", total, "limit", q.opts.KeepDeadBytes)
	}
	return day, freed, nil
}

// letterDay is what the dead letters of a day take. A payload that letters of several days keep is one of the last of these,
// with which it goes.
type letterDay struct {
	day    uint32
	bytes  int64
	events eventSet
}

// letterDays returns the days that have dead letters, oldest first. The sizes are those of keys, values and side files as they
// were written, so before compression.
func (q *Queue) letterDays() (days []*letterDay, err error) {
	if q.counts.complete.Load() && q.counts.dead.Load() == 0 && q.counts.counting.Load() == 0 {
		return nil, nil
	}
	q.byHand.mu.Lock()
	snapshot, segments := q.db.NewSnapshot(), q.segments.now()
	q.byHand.mu.Unlock()
	defer func() { err = errors.Join(err, snapshot.Close()) }()
	byDay, live := map[uint32]*letterDay{}, eventSet{}
	add := func(at micros, id EventID, size int) {
		number := deadShelf.bucket(at)
		d := byDay[number]
		if d == nil {
			d = &letterDay{day: number, events: eventSet{}}
			byDay[number] = d
		}
		d.bytes += int64(size)
		d.events.add(id)
	}
	err = errors.Join(
		q.eachOf(snapshot, prefixDelivery, func(k []byte, size int) {
			switch id, t, pos, ok := parseDeliveryKey(k); {
			case !ok:
			case segments.of(id).parking(t.segment()) != nil:
				add(segments.of(id).parking(t.segment()).at, pos.event, size)
			default:
				live.add(pos.event)
			}
		}),
		q.eachLetter(snapshot, func(k []byte, size int) {
			if _, at, id, _, ok := parseDeadKey(k); ok {
				add(at, id, size)
			}
		}),
		q.eachOf(snapshot, prefixFanOut, func(k []byte, _ int) {
			if id, _, ok := parsePartKey(k); ok {
				live.add(id)
			}
		}),
		q.eachOf(snapshot, prefixKept, func(k []byte, _ int) {
			if id, ok := parseKeptKey(k); ok {
				live.add(id)
			}
		}),
	)
	for _, d := range byDay {
		days = append(days, d)
	}
	slices.SortFunc(days, func(a, b *letterDay) int { return int(a.day) - int(b.day) })
	return days, errors.Join(err, q.eachOf(snapshot, prefixPayload, func(k []byte, size int) {
		id, ok := parsePayloadKey(k)
		if !ok || live.has(id) {
			return
		}
		for _, d := range slices.Backward(days) {
			if d.events.has(id) {
				d.bytes += int64(size)
				return
			}
		}
	}))
}

// eachLetter is eachOf for the dead letters that are not too old. It goes day by day, so that one that is corrupt does not hide
// the next.
func (q *Queue) eachLetter(r pebble.Reader, f func(key []byte, size int)) (err error) {
	present := deadShelf.bucket(q.clock.present())
	for day := q.bucketKept(deadShelf.bucket, q.opts.KeepDead); day <= present && err == nil; day++ {
		err = q.eachSized(r, appendDayKey(nil, uint16(day)), deadShelf.behind(day), f)
	}
	return err
}

// eachOf calls f for the keys of a kind, with the size of each and its value, and of the side file that a payload is in. It passes
// over what is corrupt: the rest is bounded as well as can be.
func (q *Queue) eachOf(r pebble.Reader, prefix byte, f func(key []byte, size int)) error {
	return q.eachSized(r, []byte{prefix}, []byte{prefix + 1}, f)
}

func (q *Queue) eachSized(r pebble.Reader, lo, hi []byte, f func(key []byte, size int)) error {
	return q.eachReadable(r, lo, hi, func(iter *pebble.Iterator) {
		value := iter.LazyValue()
		size := len(iter.Key()) + value.Len()
		if lo[0] == prefixPayload && value.Len() == sideLen {
			if _, f, err := decodePayload(iter.Value()); err == nil {
				size += int(f.size)
			}
		}
		f(iter.Key(), size)
	})
}
