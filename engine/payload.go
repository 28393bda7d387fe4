package engine

import (
	"encoding/binary"
	"errors"

	"hookline/engine/registry"
	"hookline/engine/webhook"
)

// A stored payload is a small head (version, flow, length of the trace, trace) and the event's body. It is shared by
// all deliveries of the event.
const payloadVersion = 1

func appendPayloadHead(dst []byte, ev *webhook.Event) []byte {
	dst = append(dst, payloadVersion, byte(ev.Flow))
	dst = binary.AppendUvarint(dst, uint64(len(ev.Trace)))
	return append(dst, ev.Trace...)
}

var errPayload = errors.New("engine: a stored payload is unreadable")

// splitPayload returns the parts of a payload; the slices are into it.
func splitPayload(p []byte) (flow webhook.Flow, trace, body []byte, err error) {
	if len(p) < 3 || p[0] != payloadVersion {
		return 0, nil, nil, errPayload
	}
	flow = webhook.Flow(p[1])
	n, size := binary.Uvarint(p[2:])
	if size <= 0 || n > uint64(len(p)-2-size) {
		return 0, nil, nil, errPayload
	}
	rest := p[2+size:]
	return flow, rest[:n], rest[n:], nil
}

// The note of a delivery is the numbers of the webhooks that matched, ascending, each as the difference to the
// one before.
func appendNote(dst []byte, matched []registry.Matched) []byte {
	last := int64(0)
	for _, m := range matched {
		dst = binary.AppendUvarint(dst, uint64(m.Webhook-last))
		last = m.Webhook
	}
	return dst
}

var errNote = errors.New("engine: the note of a delivery is unreadable")

func appendIDs(dst []int64, note []byte) ([]int64, error) {
	last := int64(0)
	for len(note) > 0 {
		n, size := binary.Uvarint(note)
		if size <= 0 {
			return dst, errNote
		}
		last += int64(n)
		dst = append(dst, last)
		note = note[size:]
	}
	return dst, nil
}
