package engine

import (
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"time"

	"hookline/engine/webhook"
)

// recordVersion begins what the attempt log keeps of an attempt: see appendRecord for what follows.
const recordVersion = 1

// Bounds of the texts in a record, in bytes.
const (
	maxRecordError  = 256
	maxRecordAnswer = 256
)

// recordOutcomes are the outcomes in the order of their numbers on disk. New ones go to the end.
var recordOutcomes = []webhook.Outcome{
	webhook.Delivered, webhook.Rejected, webhook.Throttled, webhook.ServerError, webhook.Retriable,
	webhook.Timeout, webhook.ConnectFailed, webhook.Broken, webhook.Unsendable,
	webhook.Blocked,
}

// record is what the attempt log keeps of an attempt, beside the names and the lane of its delivery.
type record struct {
	start, accepted time.Time
	next            time.Time // zero where no further attempt follows
	duration        time.Duration
	settled         bool
	outcome         webhook.Outcome
	status          int
	sent, received  int
	problem         string
	answer          []byte // the beginning of it
	note            []byte // of the delivery
}

// The flags of a record.
const (
	recordSettled = 1 << iota
	recordNext
)

// recordHead is more than a record usually takes beside its texts and its note.
const recordHead = 48

// newRecord makes the record of an attempt at a delivery with a note, in one piece of memory: there is one for every
// attempt.
func newRecord(a *webhook.Attempt, note []byte) []byte {
	size := recordHead + min(len(a.Answer), maxRecordAnswer) + len(note)
	if a.Err != nil {
		size += maxRecordError
	}
	return appendRecord(make([]byte, 0, size), a, note)
}

// appendRecord appends the record of an attempt at a delivery with a note. Times are kept to the microsecond, the
// others as distances from the start.
func appendRecord(dst []byte, a *webhook.Attempt, note []byte) []byte {
	flags := byte(0)
	if a.Settled {
		flags |= recordSettled
	}
	if !a.Next.IsZero() {
		flags |= recordNext
	}
	dst = append(dst, recordVersion, flags, byte(slices.Index(recordOutcomes, a.Outcome)+1))
	start := a.Start.UnixMicro()
	dst = binary.AppendVarint(dst, start)
	dst = binary.AppendVarint(dst, start-a.Accepted.UnixMicro())
	if flags&recordNext != 0 {
		dst = binary.AppendVarint(dst, a.Next.UnixMicro()-start)
	}
	for _, n := range [...]int64{a.Duration.Microseconds(), int64(a.Status), int64(a.Sent), int64(a.Received)} {
		dst = binary.AppendUvarint(dst, uint64(max(n, 0)))
	}
	problem := ""
	if a.Err != nil {
		problem = a.Err.Error()
	}
	dst = appendText(dst, problem, maxRecordError)
	dst = appendText(dst, a.Answer, maxRecordAnswer)
	return append(dst, note...)
}

// appendText appends a text, cut to a number of bytes.
func appendText[T string | []byte](dst []byte, text T, size int) []byte {
	text = text[:min(len(text), size)]
	return append(binary.AppendUvarint(dst, uint64(len(text))), text...)
}

var errRecord = errors.New("engine: a record in the attempt log is unreadable")

// parseRecord reads what appendRecord wrote. The slices of the result are into b.
func parseRecord(b []byte) (record, error) {
	if len(b) < 3 || b[0] != recordVersion || b[1]&^(recordSettled|recordNext) != 0 || b[2] == 0 || int(b[2]) > len(recordOutcomes) {
		return record{}, errRecord
	}
	r := record{settled: b[1]&recordSettled != 0, outcome: recordOutcomes[b[2]-1]}
	in := recordReader{b: b[3:]}
	start := in.varint()
	r.start, r.accepted = time.UnixMicro(start), time.UnixMicro(start-in.varint())
	if b[1]&recordNext != 0 {
		r.next = time.UnixMicro(start + in.varint())
	}
	r.duration = time.Duration(in.size()) * time.Microsecond
	r.status, r.sent, r.received = in.size(), in.size(), in.size()
	r.problem = strings.ToValidUTF8(string(in.text(maxRecordError)), "\ufffd")
	r.answer = in.text(maxRecordAnswer)
	r.note = in.b
	if in.bad {
		return record{}, errRecord
	}
	return r, nil
}

// recordReader takes numbers and texts off a record. After the first malformed one it yields nothing.
type recordReader struct {
	b   []byte
	bad bool
}

func (r *recordReader) varint() int64 {
	v, n := binary.Varint(r.b)
	return v * int64(r.took(n))
}

// maxSize is more than anything that is counted in a record: bytes, and microseconds of an attempt.
const maxSize = 1 << 42

func (r *recordReader) size() int {
	v, n := binary.Uvarint(r.b)
	if v > maxSize {
		n = 0
	}
	return int(v) * r.took(n)
}

func (r *recordReader) text(limit int) []byte {
	n := r.size()
	if n > len(r.b) || n > limit {
		r.took(0)
		return nil
	}
	text := r.b[:n:n]
	r.b = r.b[n:]
	return text
}

// took passes over n bytes and returns 1; for n that are none it returns 0.
func (r *recordReader) took(n int) int {
	if n <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return 1
}
