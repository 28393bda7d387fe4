package event

import (
	"bytes"
	"strconv"
	"time"
)

// AppendStored appends the body as it is kept and sent: the root object's bytes as they came, without
// white space round them, without a matchedWebhookIds member the publisher may have put in and the transition of an
// issue event, and with the time added as timestamp, in milliseconds since 1970, where there was no such member.
//
// h must be what Scan returned for body. dst must not share memory with body.
func (h *Header) AppendStored(dst, body []byte, now time.Time) []byte {
	return h.appendStored(dst, body, now, !h.HasTransition)
}

// AppendTransition is AppendStored with the transition left in: the body of what a post-function sends.
func (h *Header) AppendTransition(dst, body []byte, now time.Time) []byte {
	return h.appendStored(dst, body, now, true)
}

func (h *Header) appendStored(dst, body []byte, now time.Time, transition bool) []byte {
	begin := len(dst)
	first, second := h.matched, h.transition
	if transition {
		second = member{}
	}
	if second.end > 0 && second.end < first.end || first.end == 0 {
		first, second = second, first
	}
	at, cut := h.start, 0
	for _, m := range [...]member{first, second} {
		if m.end == 0 {
			break
		}
		if m.number > cut { // something stays in front of it, and so its comma there goes with it
			dst = append(dst, body[at:m.from]...)
			at = m.end
		} else {
			dst = append(dst, body[at:max(at, h.start+1)]...)
			at = m.next
		}
		cut++
	}
	dst = append(dst, body[at:h.end]...)
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
