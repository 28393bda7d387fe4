package store

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2/sstable"

	"hookline/queue"
)

// This file is what Verify reads that Inspect does not: all that has a checksum.

// verifyTables compares blocks with their checksums, and the tables with each other.
func (i *inspector) verifyTables() error {
	before := len(i.report.Problems)
	levels, err := i.db.SSTables()
	if err != nil {
		return fmt.Errorf("store: the list of tables: %w", err)
	}
	seen := map[string]bool{}
	for _, tables := range levels {
		for _, t := range tables {
			if err := i.ctx.Err(); err != nil {
				return err
			}
			name := t.BackingSSTNum.String() + ".sst"
			if seen[name] {
				continue
			}
			seen[name] = true
			if err := i.blocks(name); err != nil {
				i.problem(fmt.Sprintf("table %s: %v", name, err))
			}
		}
	}
	if len(i.report.Problems) > before {
		return nil // the next step would say the same
	}
	if err := i.db.CheckLevels(nil); err != nil {
		i.problem(fmt.Sprintf("the tables contradict each other: %v", err))
	}
	return nil
}

// verifyPayloadFiles compares them with their checksums.
func (i *inspector) verifyPayloadFiles() error {
	dir := i.fs.PathJoin(i.dir, payloadDir)
	_ = queue.SideFiles(i.db.DB, func(f queue.SideFile) bool {
		if err := f.Check(i.fs, dir); err != nil {
			i.problem(fmt.Sprintf("the payload of event %d: %v", f.Event, err))
		}
		return i.ctx.Err() == nil
	})
	return i.ctx.Err()
}

// blocks compares the blocks of a table with their checksums.
func (i *inspector) blocks(name string) (err error) {
	f, err := i.fs.Open(i.fs.PathJoin(i.dir, name))
	if err != nil {
		return err
	}
	table, err := sstable.NewSimpleReadable(f)
	if err != nil {
		return errors.Join(err, f.Close())
	}
	r, err := sstable.NewReader(i.ctx, table, i.tables)
	if err != nil {
		return err // and the file is closed
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	return r.ValidateBlockChecksums()
}
