package queue

import (
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"errors"
)

// Mark is a place in a list of attempts, dead letters or waiting deliveries: behind the entry it came with. It
// stays good when that entry is gone, and when the queue is opened again. Marks may be compared with ==; the
// zero Mark is before all entries.
type Mark struct {
	at       micros
	endpoint EndpointID
	event    EventID
	number   uint16 // of an attempt
	lane     Lane
	place    micros // of a parked delivery: where it was in its lane; 0 for all else
}

// ErrMark is returned by ParseMark for a text that String does not write.
var ErrMark = errors.New("queue: malformed mark")

const (
	markLen     = 8 + 8 + 8 + 2 + 1
	longMarkLen = markLen + 8
)

var markText = base64.RawURLEncoding.Strict()

// String returns a text of letters, digits, '-' and '_', empty for the zero Mark.
func (m Mark) String() string {
	if m == (Mark{}) {
		return ""
	}
	b := make([]byte, 0, longMarkLen)
	b = binary.BigEndian.AppendUint64(b, uint64(m.at))
	b = binary.BigEndian.AppendUint64(b, uint64(m.endpoint))
	b = binary.BigEndian.AppendUint64(b, uint64(m.event))
	b = binary.BigEndian.AppendUint16(b, m.number)
	b = append(b, byte(m.lane))
	if m.place != 0 {
		b = binary.BigEndian.AppendUint64(b, uint64(m.place))
	}
	return markText.EncodeToString(b)
}

// ParseMark reads what String wrote. Error: ErrMark.
func ParseMark(s string) (Mark, error) {
	if s == "" {
		return Mark{}, nil
	}
	b, err := markText.DecodeString(s)
	// The decoder passes over line ends.
	if err != nil || len(s) != markText.EncodedLen(len(b)) || len(b) != markLen && len(b) != longMarkLen || b[26] >= lanes {
		return Mark{}, ErrMark
	}
	m := Mark{
		at:       micros(binary.BigEndian.Uint64(b)),
		endpoint: EndpointID(binary.BigEndian.Uint64(b[8:])),
		event:    EventID(binary.BigEndian.Uint64(b[16:])),
		number:   binary.BigEndian.Uint16(b[24:]),
		lane:     Lane(b[26]),
	}
	if m.at <= 0 || m.at >= end.due {
		return Mark{}, ErrMark
	}
	if len(b) == longMarkLen {
		if m.place = micros(binary.BigEndian.Uint64(b[markLen:])); m.place <= 0 || m.place >= end.due {
			return Mark{}, ErrMark
		}
	}
	return m, nil
}

// compare puts marks in the order of the lists: by time, and where that is the same, in some order that stays.
func (m Mark) compare(o Mark) int {
	return cmp.Or(
		cmp.Compare(m.at, o.at),
		cmp.Compare(m.endpoint, o.endpoint),
		cmp.Compare(m.place, o.place),
		cmp.Compare(m.event, o.event),
		cmp.Compare(m.number, o.number),
		cmp.Compare(m.lane, o.lane),
	)
}

func (m Mark) position() position { return position{m.at, m.event} }
