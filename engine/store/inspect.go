package store

import (
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"

	"hookline/engine/webhook"
	"hookline/queue"
)

// Report is what was found in a data directory or a backup.
type Report struct {
	Backup *Backup `json:"backup,omitempty"` // nil for a data directory
	Store  uint64  `json:"store"`            // Format
	Queue  uint64  `json:"queue"`            // queue.Format; 0 where it never held one
	Size   uint64  `json:"size"`             // bytes of the database on disk, log included

	PayloadFiles     int64 `json:"payloadFiles"`     // that the queue needs
	PayloadFileBytes int64 `json:"payloadFileBytes"` // as they were written

	Kinds  []KindReport  `json:"kinds"`
	Levels []LevelReport `json:"levels"` // those with tables

	// Problems are what is not as it should be. Some are looked for by Verify alone.
	Problems []string `json:"problems"`
}

// KindReport is what there is of a kind of row.
type KindReport struct {
	Kind   string    `json:"kind"`
	Keys   int64     `json:"keys"`
	Bytes  int64     `json:"bytes"`  // of keys and values, before compression
	Tables uint64    `json:"tables"` // bytes in tables on disk, an estimate
	Oldest time.Time `json:"oldest,omitzero"`
	Newest time.Time `json:"newest,omitzero"`
}

// LevelReport is a level of the database.
type LevelReport struct {
	Level  int    `json:"level"`
	Tables int64  `json:"tables"`
	Bytes  uint64 `json:"bytes"`
}

// ErrNoStore means that a directory holds no store.
var ErrNoStore = errors.New("store: there is no data directory")

// Inspect reads all rows of a data directory that no process has open, or of a backup, and says what there is. It changes
// nothing but the lock file of a data directory. Errors: [ErrNoStore], [ErrInUse], [ErrFormat], that of ctx, or why it cannot be
// opened.
func Inspect(ctx context.Context, dir string, o Options) (*Report, error) {
	return inspectAt(ctx, dir, o, false)
}

// Verify is Inspect, and reads every block of every table as well to compare it with its checksum, and every file of a
// backup with its description.
func Verify(ctx context.Context, dir string, o Options) (*Report, error) {
	return inspectAt(ctx, dir, o, true)
}

type inspector struct {
	ctx    context.Context
	fs     vfs.FS
	root   string // of the backup; else dir
	dir    string // of the database
	db     *readOnly
	tables sstable.ReaderOptions
	report Report
}

func inspectAt(ctx context.Context, dir string, o Options, thoroughly bool) (_ *Report, err error) {
	o.CacheSize = cmp.Or(o.CacheSize, 64<<20)
	o = o.withDefaults()
	i := &inspector{
		ctx: ctx, fs: o.FS, root: dir, dir: dir, tables: readOnlyOptions(&o).MakeReaderOptions(),
		report: Report{Problems: []string{}},
	}
	backup, err := ReadBackup(o.FS, dir)
	if err == nil {
		i.report.Backup, i.dir = backup, o.FS.PathJoin(dir, backupData)
		o.FS = unlocked{o.FS}
	} else if !errors.Is(err, ErrIncomplete) || exists(o.FS, o.FS.PathJoin(dir, backupFile)) {
		return nil, err
	}
	if backup != nil && thoroughly {
		i.report.Problems = append(i.report.Problems, backup.compare(i.fs, i.root)...)
	}
	if i.db, err = openReadOnly(i.dir, o); err != nil {
		if len(i.report.Problems) == 0 {
			return nil, err
		}
		i.problem(fmt.Sprintf("it cannot be opened: %v", err))
		return &i.report, nil
	}
	defer func() { err = errors.Join(err, i.db.Close()) }()
	i.sizes()
	steps := []func() error{i.formats, i.payloadFiles, i.queueRows, i.ownRows}
	if thoroughly {
		steps = slices.Insert(steps, 1, i.verifyTables, i.verifyPayloadFiles)
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return &i.report, nil
}

func exists(on vfs.FS, path string) bool {
	_, err := on.Stat(path)
	return err == nil
}

// readOnly is a database that is only read.
type readOnly struct {
	*pebble.DB
	lock *pebble.Lock
}

func (r *readOnly) Close() error { return errors.Join(r.DB.Close(), r.lock.Close()) }

// unlocked is the file system of a backup. Nobody writes to that, so it may be where nobody can.
type unlocked struct{ vfs.FS }

func (unlocked) Lock(string) (io.Closer, error) { return io.NopCloser(nil), nil }

// openReadOnly opens a database that is there, without writing to it.
func openReadOnly(dir string, o Options) (*readOnly, error) {
	if err := mustBeStore(o.FS, dir); err != nil {
		return nil, err
	}
	lock, err := lockDirectory(dir, o.FS)
	if err != nil {
		return nil, err
	}
	po := readOnlyOptions(&o)
	po.Lock = lock
	db, err := pebble.Open(dir, po)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("store: opening %s: %w", dir, err), lock.Close())
	}
	return &readOnly{db, lock}, nil
}

func mustBeStore(on vfs.FS, dir string) error {
	if err := checkDatabase(on, dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	desc, err := pebble.Peek(dir, on)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("store: %s: %w", dir, err)
	}
	if err != nil || !desc.Exists {
		return fmt.Errorf("%w in %s", ErrNoStore, dir)
	}
	return nil
}

func readOnlyOptions(o *Options) *pebble.Options {
	po := &pebble.Options{
		FS:        o.FS,
		ReadOnly:  true,
		CacheSize: o.CacheSize,
		Logger:    &pebbleLog{log: o.Logger, fatal: o.Fatal},
		// What is corrupt is to be reported, not to end the process.
		EventListener: &pebble.EventListener{DataCorruption: func(pebble.DataCorruptionInfo) {}, BackgroundError: func(error) {}},
	}
	queue.Tune(po)
	po.EnsureDefaults()
	return po
}

// problem takes in a text, on one line and without what Pebble puts into errors for itself.
func (i *inspector) problem(text string) {
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\n<corruption detail carrier>", ""), "\n", "; ")
	i.report.Problems = append(i.report.Problems, text)
}

func (i *inspector) sizes() {
	m := i.db.Metrics()
	i.report.Size = m.DiskSpaceUsage()
	i.report.Levels = levelsOf(m)
}

// formats reads the versions, and refuses newer ones: what their rows mean is not known.
func (i *inspector) formats() error {
	v, err := get(i.db.DB, keyFormat)
	if err == nil {
		if err := checkFormat(v); err != nil {
			return err
		}
		i.report.Store = uint64(binary.BigEndian.Uint32(v))
	} else {
		i.problem(fmt.Sprintf("the format of the store: %v", err))
	}
	if i.report.Queue, err = queue.FormatOf(i.db.DB); err != nil {
		i.problem(fmt.Sprintf("the format of the queue: %v", err))
	}
	return checkQueue(i.report.Queue)
}

// payloadFiles counts them. What is wrong with the rows that name them comes up with the rows.
func (i *inspector) payloadFiles() error {
	_ = queue.SideFiles(i.db.DB, func(f queue.SideFile) bool {
		i.report.PayloadFiles++
		i.report.PayloadFileBytes += f.Size
		return i.ctx.Err() == nil
	})
	return i.ctx.Err()
}

func (i *inspector) queueRows() error {
	surveys, err := queue.Inspect(i.db.DB, i.ctx.Done(), i.problem)
	if err != nil {
		return errors.Join(i.ctx.Err(), err)
	}
	for _, s := range surveys {
		if err := i.add(s.Kind, KindReport{Keys: s.Keys, Bytes: s.Bytes, Oldest: s.Oldest, Newest: s.Newest}); err != nil {
			return err
		}
	}
	return nil
}

func (i *inspector) add(k queue.Kind, r KindReport) (err error) {
	r.Kind = k.Name
	r.Tables, err = i.db.EstimateDiskUsage([]byte{k.Prefix}, []byte{k.Prefix + 1})
	i.report.Kinds = append(i.report.Kinds, r)
	return err
}

// ownRows reads the store's rows, and finds those that are nobody's.
func (i *inspector) ownRows() error {
	known := map[byte]bool{}
	for _, k := range Kinds() {
		known[k.Prefix] = true
	}
	for _, k := range kinds {
		r, err := i.rows(k.Name, k.Prefix, readers[k.Prefix])
		if err != nil {
			return err
		}
		if err := i.add(k, r); err != nil {
			return err
		}
	}
	for prefix := range 255 {
		if known[byte(prefix)] {
			continue
		}
		strange := func(_, _ []byte) error { return errors.New("nothing has such rows") }
		if _, err := i.rows("unknown", byte(prefix), strange); err != nil {
			return err
		}
	}
	return nil
}

// maxNamed is how many rows of a kind are named that are not as they should be.
const maxNamed = 100

// rows counts the rows of a kind, and calls read for each.
func (i *inspector) rows(name string, prefix byte, read func(key, value []byte) error) (r KindReport, err error) {
	iter, err := i.db.NewIter(&pebble.IterOptions{LowerBound: []byte{prefix}, UpperBound: []byte{prefix + 1}})
	if err != nil {
		return r, err
	}
	wrong := 0
	for ok := iter.First(); ok && i.ctx.Err() == nil; ok = iter.Next() {
		key := iter.Key()
		value, err := iter.ValueAndErr()
		r.Keys++
		r.Bytes += int64(len(key) + len(value))
		if err == nil {
			err = read(key, value)
		}
		if err != nil {
			if wrong++; wrong <= maxNamed {
				i.problem(fmt.Sprintf("%s: row %q: %v", name, key, err))
			}
		}
	}
	if wrong > maxNamed {
		i.problem(fmt.Sprintf("%s: and %d more rows like these", name, wrong-maxNamed))
	}
	if err := iter.Close(); err != nil { // which is that of the reads, too
		i.problem(fmt.Sprintf("%s: reading ends after %d rows: %v", name, r.Keys, err))
	}
	return r, i.ctx.Err()
}

// readers read the store's own rows.
var readers = map[byte]func(key, value []byte) error{
	prefixTenant:     reads[webhook.Tenant],
	prefixApp:        reads[webhook.App],
	prefixEndpoint:   reads[webhook.Endpoint],
	prefixWebhook:    reads[webhook.Webhook],
	prefixGroups:     readsGroups,
	prefixOldFilter:  func(_, _ []byte) error { return nil }, // who kept them knew what they were
	prefixSubscriber: readsSubscriber,
	prefixReplay:     reads[webhook.Replay],
	prefixFailing: func(key, value []byte) error {
		if len(key) == 1 {
			return readsNumber(key, value)
		}
		return reads[Failing](key, value)
	},
	prefixLastID:  readsNumber,
	prefixLastEnd: readsNumber,
	prefixAge:     readsNumber,
	prefixStore:   func(_, _ []byte) error { return nil }, // read when the formats are
}

func reads[T any](_, value []byte) error { return json.Unmarshal(value, new(T)) }

func readsNumber(key, value []byte) error { return number(func([]byte, uint64) {})(key, value) }

func readsGroups(key, value []byte) error {
	_, _, err := decodeGroups(key, value)
	return err
}
