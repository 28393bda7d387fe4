package engine

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"encoding/hex"
	"errors"

	"hookline/engine/webhook"
	"hookline/queue"
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
func appendNote(dst []byte, matched []*webhook.Webhook) []byte {
	last := int64(0)
	for _, w := range matched {
		dst = binary.AppendUvarint(dst, uint64(w.ID-last))
		last = w.ID
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

// identifiers makes the public names of events and deliveries out of their numbers, by a cipher whose
// key was made with the store: names tell nothing of how many there are, never collide, need no space on disk,
// and lead back to the numbers.
type identifiers struct{ block cipher.Block }

func newIdentifiers(key [16]byte) identifiers {
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err) // the key has 16 bytes
	}
	return identifiers{block}
}

// event names an event; delivery names one event owed to one endpoint. They have the form of a UUID.
func (n identifiers) event(ev queue.EventID) string { return n.name(uint64(ev), 0) }

func (n identifiers) delivery(ev queue.EventID, ep queue.EndpointID) string {
	return n.name(uint64(ev), uint64(ep))
}

func (n identifiers) name(a, b uint64) string {
	var raw [16]byte
	binary.BigEndian.PutUint64(raw[:8], a)
	binary.BigEndian.PutUint64(raw[8:], b)
	n.block.Encrypt(raw[:], raw[:])
	var text [36]byte
	hex.Encode(text[0:8], raw[0:4])
	hex.Encode(text[9:13], raw[4:6])
	hex.Encode(text[14:18], raw[6:8])
	hex.Encode(text[19:23], raw[8:10])
	hex.Encode(text[24:36], raw[10:16])
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	return string(text[:])
}
