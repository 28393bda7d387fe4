package queue

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/cockroachdb/pebble/v2"

	"hookline/queue/internal/lab"
)

// writeSides puts the payloads that are large into files, and returns when those are durable. It is done before the accept
// has a ticket or a place in a group, since it takes as long as the disk does and nobody should wait for that.
func (a *accepting) writeSides() error {
	err := a.writeLarge()
	if err == nil && a.sides != nil && a.q.opts.defect != lab.RowBeforeFile {
		err = a.q.sides.names.sync()
	}
	if err != nil {
		a.discardSides()
	}
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		a.q.log.Error("queue: a payload file found no room on the disk", "err", err)
		return &OverloadedError{RetryAfter: retryReadOnly, Cause: ErrReadOnly}
	}
	if err != nil {
		return fmt.Errorf("queue: accept: payload file: %w", err)
	}
	return nil
}

func (a *accepting) writeLarge() (err error) {
	q := a.q
	if q.sides.dir == "" {
		return nil
	}
	for i := range a.messages {
		m := &a.messages[i]
		if len(m.Payload) < q.opts.SideBytes || len(m.Deliveries) == 0 || a.receipts[i].Repeated {
			continue
		}
		if a.sides == nil {
			a.sides = make([]sideFile, len(a.messages))
		}
		if a.sides[i], err = q.sides.write(m.Payload); err != nil {
			return err
		}
		a.size -= len(m.Payload)
		a.room -= len(m.Payload)
	}
	return nil
}

// side returns the file of a message's payload.
func (a *accepting) side(i int) sideFile {
	if a.sides == nil {
		return sideFile{}
	}
	return a.sides[i]
}

func addSide(b *pebble.Batch, id EventID, f sideFile) error {
	var buf [payloadKeyLen + sideLen]byte
	key := appendPayloadKey(buf[:0], id)
	split := len(key)
	key = appendSide(key, f)
	if err := b.Set(key[:split], key[split:], nil); err != nil {
		return err
	}
	key = appendSideKey(buf[:0], f.number)
	split = len(key)
	key = appendSideRow(key, id)
	return b.Set(key[:split], key[split:], nil)
}

// discardSides removes the files of an accept that has failed, except those that the database refers to all the same: it
// may show what it could not make durable, and a crash may then keep that.
func (a *accepting) discardSides() {
	q := a.q
	for _, f := range a.sides {
		if f.number == 0 {
			continue
		}
		there, err := q.has(appendSideKey(nil, f.number))
		if err == nil && !there {
			err = q.sides.remove(f.number)
		}
		if err != nil {
			q.log.Error("queue: the payload file of a failed accept stays until the next start", "file", q.sides.path(f.number), "err", err)
		}
	}
}
