package queue

import (
	"cmp"
	"encoding/binary"
	"math"
	"time"
)

// Every kind of key has a first byte of its own. Numbers are big-endian, so keys sort as they count.
// All bytes that are not in this table belong to other owners of the same database.
//
// In layout version 1 there are no segments: a delivery has its lane, 0 or 1, in the place of segment and lane, and the note of a
// replay the whole of its event id in that of segment and event. As a segment is in the high bits, and no id comes near to
// these, such keys are those of segment 0 here, and that is what is read of an endpoint which nothing is parked of.
const (
	prefixMeta     = 'm' // name                                     -> see recover.go
	prefixPayload  = 'p' // event u64                                -> format u8, payload or side file
	prefixSide     = 'l' // number u64 of a side file                -> event u64 whose payload is in it
	prefixDelivery = 'q' // endpoint u64, segment u7, lane u1, due u64, event u64 -> state
	prefixDead     = 'd' // day u16, endpoint u64, at u64, event u64, lane u8 -> letter
	prefixKey      = 'i' // half day u32, scope u64, hash 16 B       -> remembered
	prefixAttempt  = 'a' // hour u32, endpoint u64, at u64, event u64, number u16, lane u8 -> the caller's record
	prefixReplay   = 'x' // endpoint u64, segment u8, event u56      -> nothing: it has a delivery in lane Replay
	prefixHour     = 'h' // first event u64 accepted in an hour      -> hour u32
	prefixKept     = 'v' // hour u32, event u64                      -> nothing: delivered then, long after its accept
	prefixFanOut   = 'f' // event u64, part u16                      -> destinations that are not expanded yet, see part.go
	prefixWater    = 'w' // endpoint u64, segment u7, lane u1        -> low-water mark: due u64, event u64
	prefixParked   = 'k' // endpoint u64                             -> its segments, while there is one besides 0
)

// Prefixes returns the first bytes of all keys the queue writes or reserves, for a test of who shares
// the database: no key of another owner may begin with one of them.
func Prefixes() string {
	return string([]byte{
		prefixMeta, prefixPayload, prefixSide, prefixDelivery, prefixDead, prefixKey,
		prefixAttempt, prefixReplay, prefixHour, prefixKept, prefixFanOut, prefixWater,
		prefixParked,
	})
}

const (
	payloadKeyLen  = 1 + 8
	sideKeyLen     = 1 + 8
	deliveryKeyLen = 1 + 8 + 1 + 8 + 8
	deadKeyLen     = 1 + 2 + 8 + 8 + 8 + 1
	idemKeyLen     = 1 + 4 + 8 + hashLen
	attemptKeyLen  = 1 + 4 + 8 + 8 + 8 + 2 + 1
	replayKeyLen   = 1 + 8 + 8
	hourKeyLen     = 1 + 8
	keptKeyLen     = 1 + 4 + 8
	partKeyLen     = 1 + 8 + 2
	waterKeyLen    = 1 + 8 + 1
	parkedKeyLen   = 1 + 8
	hashLen        = 16
)

var (
	keyEvents = []byte{prefixMeta, 'e'} // first event id that is not reserved
	keySide   = []byte{prefixMeta, 's'} // first number of a side file that is not reserved
	keyClock  = []byte{prefixMeta, 'c'} // where queue time was, see clock
	keyFormat = []byte{prefixMeta, 'f'} // version of this layout
)

// position is the place of a delivery among those of its endpoint and lane.
type position struct {
	due   micros
	event EventID
}

var (
	start = position{}                                          // before every delivery
	end   = position{due: math.MaxInt64, event: math.MaxUint64} // behind every delivery
)

func (p position) less(o position) bool {
	return p.due < o.due || p.due == o.due && p.event < o.event
}

func (p position) compare(o position) int {
	return cmp.Or(cmp.Compare(p.due, o.due), cmp.Compare(p.event, o.event))
}

// next is the smallest position behind p.
func (p position) next() position {
	if p.event == math.MaxUint64 {
		return position{due: p.due + 1}
	}
	return position{due: p.due, event: p.event + 1}
}

func earlier(a, b position) position {
	if b.less(a) {
		return b
	}
	return a
}

func later(a, b position) position {
	if a.less(b) {
		return b
	}
	return a
}

func appendPayloadKey(b []byte, id EventID) []byte {
	return binary.BigEndian.AppendUint64(append(b, prefixPayload), uint64(id))
}

func parsePayloadKey(k []byte) (EventID, bool) {
	if len(k) != payloadKeyLen || k[0] != prefixPayload {
		return 0, false
	}
	return EventID(binary.BigEndian.Uint64(k[1:])), true
}

func appendSideKey(b []byte, number uint64) []byte {
	return binary.BigEndian.AppendUint64(append(b, prefixSide), number)
}

func parseSideKey(k []byte) (number uint64, ok bool) {
	if len(k) != sideKeyLen || k[0] != prefixSide {
		return 0, false
	}
	return binary.BigEndian.Uint64(k[1:]), true
}

// track is a lane of one segment, whose deliveries are in order on disk.
type track uint8

const firstTrack = track(0) // of all that an endpoint has

func (l Lane) in(s segment) track { return track(s)<<1 | track(l) }

func (t track) segment() segment { return segment(t >> 1) }
func (t track) lane() Lane       { return Lane(t & 1) }

func appendTrackKey(b []byte, ep EndpointID, t track) []byte {
	return append(binary.BigEndian.AppendUint64(append(b, prefixDelivery), uint64(ep)), byte(t))
}

func appendDeliveryKey(b []byte, ep EndpointID, t track, p position) []byte {
	b = binary.BigEndian.AppendUint64(appendTrackKey(b, ep, t), uint64(p.due))
	return binary.BigEndian.AppendUint64(b, uint64(p.event))
}

func parseDeliveryKey(k []byte) (ep EndpointID, t track, p position, ok bool) {
	if len(k) != deliveryKeyLen || k[0] != prefixDelivery {
		return 0, 0, position{}, false
	}
	ep = EndpointID(binary.BigEndian.Uint64(k[1:]))
	p.due = micros(binary.BigEndian.Uint64(k[10:]))
	p.event = EventID(binary.BigEndian.Uint64(k[18:]))
	return ep, track(k[9]), p, p.due >= 0
}

// endpointSpan returns the smallest delivery key of an endpoint and the first one behind it.
func endpointSpan(ep EndpointID) (lo, hi []byte) {
	lo = binary.BigEndian.AppendUint64([]byte{prefixDelivery}, uint64(ep))
	if ep == math.MaxUint64 {
		return lo, []byte{prefixDelivery + 1}
	}
	return lo, binary.BigEndian.AppendUint64([]byte{prefixDelivery}, uint64(ep)+1)
}

// segmentSpan returns the smallest delivery key of a segment and the first one behind it.
func segmentSpan(ep EndpointID, s segment) (lo, hi []byte) {
	lo = appendTrackKey(nil, ep, Fresh.in(s))
	if s == maxSegments-1 {
		_, hi = endpointSpan(ep)
		return lo, hi
	}
	return lo, appendTrackKey(nil, ep, Fresh.in(s+1))
}

// deadDay is the bucket of a dead letter. Days fit until the year 2149 and stay in the last one then.
func deadDay(at micros) uint16 { return uint16(min(int64(at)/day.Microseconds(), math.MaxUint16)) }

func appendDayKey(b []byte, d uint16) []byte {
	return binary.BigEndian.AppendUint16(append(b, prefixDead), d)
}

func appendDeadKey(b []byte, ep EndpointID, at micros, id EventID, l Lane) []byte {
	b = appendDayKey(b, deadDay(at))
	b = binary.BigEndian.AppendUint64(b, uint64(ep))
	b = binary.BigEndian.AppendUint64(b, uint64(at))
	return append(binary.BigEndian.AppendUint64(b, uint64(id)), byte(l))
}

func parseDeadKey(k []byte) (ep EndpointID, at micros, id EventID, l Lane, ok bool) {
	if len(k) != deadKeyLen || k[0] != prefixDead || k[27] >= lanes {
		return 0, 0, 0, 0, false
	}
	ep = EndpointID(binary.BigEndian.Uint64(k[3:]))
	at = micros(binary.BigEndian.Uint64(k[11:]))
	id = EventID(binary.BigEndian.Uint64(k[19:]))
	return ep, at, id, Lane(k[27]), at >= 0
}

// keyBucket is the bucket an idempotency key given at a time is remembered in.
func keyBucket(at micros) uint32 { return uint32(int64(at) / (12 * 60 * 60 * 1e6)) }

func appendBucketKey(b []byte, bucket uint32) []byte {
	return binary.BigEndian.AppendUint32(append(b, prefixKey), bucket)
}

func appendIdemKey(b []byte, bucket uint32, k idemKey) []byte {
	b = binary.BigEndian.AppendUint64(appendBucketKey(b, bucket), k.scope)
	return append(b, k.hash[:]...)
}

// hourOf is the hour a time is in, counted from 1970.
func hourOf(at micros) uint32 { return uint32(int64(at) / time.Hour.Microseconds()) }

func startOfHour(hour uint32) micros { return micros(int64(hour) * time.Hour.Microseconds()) }

// appendAttemptHour returns the smallest key of an hour in the attempt log.
func appendAttemptHour(b []byte, hour uint32) []byte {
	return binary.BigEndian.AppendUint32(append(b, prefixAttempt), hour)
}

// The lane is in the key because one message may be owed to an endpoint in both, and attempts of the two
// may be settled in one batch.
func appendAttemptKey(b []byte, ep EndpointID, at micros, id EventID, number uint16, l Lane) []byte {
	b = binary.BigEndian.AppendUint64(appendAttemptHour(b, hourOf(at)), uint64(ep))
	b = binary.BigEndian.AppendUint64(b, uint64(at))
	b = binary.BigEndian.AppendUint64(b, uint64(id))
	return append(binary.BigEndian.AppendUint16(b, number), byte(l))
}

func parseAttemptKey(k []byte) (m Mark, ok bool) {
	if len(k) != attemptKeyLen || k[0] != prefixAttempt || k[31] >= lanes {
		return Mark{}, false
	}
	m = Mark{
		endpoint: EndpointID(binary.BigEndian.Uint64(k[5:])),
		at:       micros(binary.BigEndian.Uint64(k[13:])),
		event:    EventID(binary.BigEndian.Uint64(k[21:])),
		number:   binary.BigEndian.Uint16(k[29:]),
		lane:     Lane(k[31]),
	}
	return m, m.at >= 0
}

// eventBits are those of an event id that are ever used: a million ids a second take two thousand years.
const eventBits = 56

func appendReplayKey(b []byte, ep EndpointID, s segment, id EventID) []byte {
	b = binary.BigEndian.AppendUint64(append(b, prefixReplay), uint64(ep))
	return binary.BigEndian.AppendUint64(b, uint64(s)<<eventBits|uint64(id)&(1<<eventBits-1))
}

func parseReplayKey(k []byte) (ep EndpointID, s segment, id EventID, ok bool) {
	if len(k) != replayKeyLen || k[0] != prefixReplay || k[9] >= maxSegments {
		return 0, 0, 0, false
	}
	note := binary.BigEndian.Uint64(k[9:])
	return EndpointID(binary.BigEndian.Uint64(k[1:])), segment(k[9]), EventID(note & (1<<eventBits - 1)), true
}

// replaySpan is segmentSpan for the notes of what is in lane Replay. The last segment's ends with its last key, which is
// that of no event.
func replaySpan(ep EndpointID, s segment) (lo, hi []byte) {
	lo = appendReplayKey(nil, ep, s, 0)
	return lo, appendReplayKey(nil, ep, s, 1<<eventBits-1)
}

func appendParkedKey(b []byte, ep EndpointID) []byte {
	return binary.BigEndian.AppendUint64(append(b, prefixParked), uint64(ep))
}

func parseParkedKey(k []byte) (EndpointID, bool) {
	if len(k) != parkedKeyLen || k[0] != prefixParked {
		return 0, false
	}
	return EndpointID(binary.BigEndian.Uint64(k[1:])), true
}

func appendHourKey(b []byte, first EventID) []byte {
	return binary.BigEndian.AppendUint64(append(b, prefixHour), uint64(first))
}

func parseHourKey(k []byte) (first EventID, ok bool) {
	if len(k) != hourKeyLen || k[0] != prefixHour {
		return 0, false
	}
	return EventID(binary.BigEndian.Uint64(k[1:])), true
}

// appendKeptHour returns the smallest key of an hour among those of payloads that are kept.
func appendKeptHour(b []byte, hour uint32) []byte {
	return binary.BigEndian.AppendUint32(append(b, prefixKept), hour)
}

func appendKeptKey(b []byte, hour uint32, id EventID) []byte {
	return binary.BigEndian.AppendUint64(appendKeptHour(b, hour), uint64(id))
}

func parseKeptKey(k []byte) (EventID, bool) {
	if len(k) != keptKeyLen || k[0] != prefixKept {
		return 0, false
	}
	return EventID(binary.BigEndian.Uint64(k[5:])), true
}

func appendPartKey(b []byte, id EventID, part uint16) []byte {
	b = binary.BigEndian.AppendUint64(append(b, prefixFanOut), uint64(id))
	return binary.BigEndian.AppendUint16(b, part)
}

func parsePartKey(k []byte) (id EventID, part uint16, ok bool) {
	if len(k) != partKeyLen || k[0] != prefixFanOut {
		return 0, 0, false
	}
	return EventID(binary.BigEndian.Uint64(k[1:])), binary.BigEndian.Uint16(k[9:]), true
}

func appendWaterKey(b []byte, ep EndpointID, t track) []byte {
	return append(binary.BigEndian.AppendUint64(append(b, prefixWater), uint64(ep)), byte(t))
}

func parseWaterKey(k []byte) (ep EndpointID, t track, ok bool) {
	if len(k) != waterKeyLen || k[0] != prefixWater {
		return 0, 0, false
	}
	return EndpointID(binary.BigEndian.Uint64(k[1:])), track(k[9]), true
}
