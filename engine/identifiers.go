package engine

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"encoding/hex"

	"hookline/queue"
)

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

// parse leads back from the name of a delivery, in lower case as it was given out. Any text of that form leads
// somewhere; one that was not given out leads, as good as surely, to an endpoint that does not exist.
func (n identifiers) parse(name string) (queue.EventID, queue.EndpointID, bool) {
	if len(name) != 36 || name[8] != '-' || name[13] != '-' || name[18] != '-' || name[23] != '-' {
		return 0, 0, false
	}
	var raw [16]byte
	at := 0
	for _, part := range [...]string{name[0:8], name[9:13], name[14:18], name[19:23], name[24:36]} {
		size, err := hex.Decode(raw[at:], []byte(part))
		if err != nil {
			return 0, 0, false
		}
		at += size
	}
	n.block.Decrypt(raw[:], raw[:])
	ev, ep := binary.BigEndian.Uint64(raw[:8]), binary.BigEndian.Uint64(raw[8:])
	return queue.EventID(ev), queue.EndpointID(ep), n.name(ev, ep) == name
}
