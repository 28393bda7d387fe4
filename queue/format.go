package queue

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// Format is the version of the layout in keys.go and codec.go that this package writes. It reads all before it: Open brings
// them to this one, after which programs that only know older ones refuse the database.
//
//	1  deliveries, dead letters, attempts, idempotency keys
//	2  payloads beside the database, large fan-outs, parked ranges, low-water cursors
const Format = 2

// ErrFormat means that the database was written by a program that knows a newer layout.
var ErrFormat = errors.New("queue: the layout is newer than this program knows")

// FormatOf returns the version of the layout in a database, 0 for one that never held a queue.
func FormatOf(r pebble.Reader) (uint64, error) { return readMeta(r, keyFormat) }

// upgrade checks the version of the layout and brings an older one to the present. Each version has been the one before and
// more, so there is nothing to rewrite.
func (q *Queue) upgrade() error {
	found, err := FormatOf(q.db)
	switch {
	case isCorrupt(err): // an older program fails on that, too
		q.counts.unreadable.Add(1)
		q.log.Error("queue: the version of the layout is corrupt, and is taken to be the present one", "version", Format, "err", err)
		return nil
	case err != nil:
		return fmt.Errorf("the version of the layout: %w", err)
	case found > Format:
		return fmt.Errorf("%w: it has version %d, and this program knows versions up to %d; start the program that wrote it, or restore a backup made before that did",
			ErrFormat, found, Format)
	case found == Format:
		return nil
	}
	if found != 0 {
		q.log.Info("queue: upgrading the layout, which older programs will refuse from now on", "from", found, "to", Format)
	}
	return writeMeta(q.db, keyFormat, Format, pebble.Sync)
}
