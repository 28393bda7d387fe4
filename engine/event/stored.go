package event

import (
	"bytes"
	"strconv"
	"time"
)

// AppendStored appends the body as it is kept and sent: the root object's bytes as they came, without
// white space round them and without a matchedWebhookIds member the publisher may have put in, and
// with the time added as timestamp, in milliseconds since 1970, where there was no such member.
//
// h must be what Scan returned for body. dst must not share memory with body.
func (h *Header) AppendStored(dst, body []byte, now time.Time) []byte {
	begin := len(dst)
	if h.cutTo == 0 {
		dst = append(dst, body[h.start:h.end]...)
	} else {
		dst = append(dst, body[h.start:h.cutFrom]...)
		dst = append(dst, body[h.cutTo:h.end]...)
	}
	if h.HasTimestamp {
		return dst
	}
	dst = openMember(dst, begin, "timestamp")
	dst = strconv.AppendInt(dst, now.UnixMilli(), 10)
	return append(dst, '}')
}

// AppendMatched appends a stored body with matchedWebhookIds as the last member of the root object.
// The body must not have that member already, and must not share memory with dst.
func AppendMatched(dst, stored []byte, ids []int64) []byte {
	begin := len(dst)
	dst = append(dst, stored...)
	dst = openMember(dst, begin, "matchedWebhookIds")
	dst = append(dst, '[')
	for i, id := range ids {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendInt(dst, id, 10)
	}
	return append(dst, "]}"...)
}

// openMember takes the closing brace off the object that is dst[begin:] and starts one more member.
func openMember(dst []byte, begin int, name string) []byte {
	object := bytes.TrimRight(dst[begin:], whiteSpace)
	object = object[:len(object)-1]
	dst = dst[:begin+len(object)]
	if last := bytes.TrimRight(object, whiteSpace); last[len(last)-1] != '{' {
		dst = append(dst, ',')
	}
	dst = append(dst, '"')
	dst = append(dst, name...)
	return append(dst, '"', ':')
}
