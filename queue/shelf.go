package queue

import (
	"encoding/binary"
	"math"
)

// shelf is a kind of key that can be listed. Behind the prefix comes the bucket of time, then the endpoint, the
// track if each has a stream of its own, and then time and event.
type shelf struct {
	prefix byte
	width  int // bytes of the bucket: 0, 2 or 4
	bucket func(micros) uint32
	tracks bool // each track of an endpoint has a stream of its own
	parse  func(key []byte) (Mark, stream, bool)
}

// stream is a series of entries that is in order on disk: those of an endpoint, or of one track of it, in one
// bucket.
type stream struct {
	endpoint EndpointID
	track    track // 0 where an endpoint has one stream
}

func (sh *shelf) bucketKey(b uint32) []byte {
	key := []byte{sh.prefix}
	switch sh.width {
	case 2:
		key = binary.BigEndian.AppendUint16(key, uint16(b))
	case 4:
		key = binary.BigEndian.AppendUint32(key, b)
	}
	return key
}

// behind is the first key behind a bucket.
func (sh *shelf) behind(b uint32) []byte {
	if sh.width == 0 || sh.width == 2 && b == math.MaxUint16 || b == math.MaxUint32 {
		return []byte{sh.prefix + 1}
	}
	return sh.bucketKey(b + 1)
}

func (sh *shelf) key(bucket uint32, s stream, p position) []byte {
	key := binary.BigEndian.AppendUint64(sh.bucketKey(bucket), uint64(s.endpoint))
	if sh.tracks {
		key = append(key, byte(s.track))
	}
	key = binary.BigEndian.AppendUint64(key, uint64(p.due))
	return binary.BigEndian.AppendUint64(key, uint64(p.event))
}
