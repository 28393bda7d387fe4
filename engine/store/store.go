package store

import (
	"cmp"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/atomicfs"

	"hookline/queue"
)

// Format is the version of the layout that this package writes. The queue has one of its own, queue.Format.
const Format = 3

// payloadDir is below the data directory.
const payloadDir = "payloads"

// Errors of Open that an operator can act on.
var (
	// ErrInUse means that another process has the directory open.
	ErrInUse = errors.New("store: the data directory is in use by another process")
	// ErrFormat means that the directory was written by a program that knows a newer layout.
	ErrFormat = errors.New("store: the data directory is newer than this program knows")
	// ErrIsBackup means that the directory is a backup, or that of its files. A store that was opened there would be a new and
	// empty one beside them, or change them.
	ErrIsBackup = errors.New("store: this is a backup; restore it to a data directory")
)

// ErrClosed is returned by Apply and Load after Close.
var ErrClosed = errors.New("store: closed")

// Options of a Store.
type Options struct {
	// FS is the file system of the directory. Defaults to the operating system's.
	FS vfs.FS

	// CacheSize is the size in bytes of the block cache with the memtables, which get theirs from it. Defaults to 256 MiB.
	CacheSize int64

	// Logger gets what Pebble has to say. Defaults to slog.Default.
	Logger *slog.Logger

	// Disk says how much room is left on the disk.
	Disk Disk

	// Fatal is called when the write-ahead log or the MANIFEST cannot be written, with the file and why: nobody knows then
	// what is on the disk, and nothing may be acknowledged any more. It must not return; if it does, the goroutine at hand
	// panics. Several goroutines may call it.
	//
	// Defaults to a line in the log and the end of the process with [ExitLog].
	Fatal func(error)
}

// ExitLog is the exit code of a process whose write-ahead log or MANIFEST failed: a supervisor should start it
// again, and what was acknowledged is there then.
const ExitLog = 74 // EX_IOERR of sysexits

// Store is an open database. Its methods are safe for any number of goroutines.
type Store struct {
	db     *pebble.DB
	cache  *pebble.Cache
	dir    string
	fs     *vital
	lock   *pebble.Lock
	watch  *watch
	events *events
	cipher [16]byte
	format uint64 // of the layout that is there

	backups sync.Mutex // held while one is being made

	mu     sync.RWMutex // held for reading by what uses the database, so that Close waits
	closed bool
}

// Open opens the database in a directory, and makes it if there is none.
func Open(dir string, o Options) (*Store, error) {
	o = o.withDefaults()
	if isBackup(o.FS, dir) {
		return nil, fmt.Errorf("%w: %s", ErrIsBackup, dir)
	}
	lock, err := lockDirectory(dir, o.FS)
	if err != nil {
		return nil, err
	}
	if err := checkDatabase(o.FS, dir); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	w := newWatch(o.FS, dir, o.Disk, o.Logger)
	if err := w.start(); err != nil {
		return nil, errors.Join(fmt.Errorf("store: the room on the disk of %s: %w", dir, err), lock.Close())
	}
	s := &Store{dir: dir, lock: lock, watch: w, cache: pebble.NewCache(o.CacheSize)}
	defer s.cache.Unref() // the database has it
	s.fs = &vital{FS: queue.WholeLogs(vfs.OnDiskFull(o.FS, w.diskFull)), outside: o.FS, dir: o.FS.PathJoin(dir), disk: w, fatal: o.Fatal}
	if s.db, err = pebble.Open(dir, s.pebbleOptions(&o)); err != nil {
		w.close()
		return nil, errors.Join(fmt.Errorf("store: opening %s: %w", dir, err), lock.Close())
	}
	s.fs.open.Store(true)
	if err := s.identify(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func lockDirectory(dir string, fs vfs.FS) (*pebble.Lock, error) {
	if err := fs.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("store: making %s: %w", dir, err)
	}
	lock, err := pebble.LockDirectory(dir, fs)
	if pathErr := (*os.PathError)(nil); errors.As(err, &pathErr) {
		return nil, fmt.Errorf("store: locking %s: %w", dir, err)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %s (%v)", ErrInUse, dir, err)
	}
	return lock, nil
}

func (o Options) withDefaults() Options {
	o.Logger = cmp.Or(o.Logger, slog.Default())
	o.CacheSize = cmp.Or(o.CacheSize, 256<<20)
	if o.FS == nil {
		o.FS = vfs.Default
	}
	fatal := o.Fatal
	if fatal == nil {
		fatal = func(err error) {
			o.Logger.Error("the store cannot be written any more, so the process ends at once: nothing was acknowledged that is not on the disk. "+
				"Check the disk and the log of the kernel, and start again", "err", err)
			os.Exit(ExitLog)
		}
	}
	o.Fatal = func(err error) {
		fatal(err)
		panic(err)
	}
	return o
}

func (s *Store) pebbleOptions(o *Options) *pebble.Options {
	log := &pebbleLog{log: o.Logger, fatal: o.Fatal}
	s.events = &events{log: o.Logger}
	po := &pebble.Options{
		FS:            s.fs,
		Cache:         s.cache,
		Lock:          s.lock,
		Logger:        log,
		EventListener: s.events.listener(),
	}
	po.EventListener.BackgroundError = s.backgroundError(o.Fatal)
	queue.Tune(po)
	return po
}

// backgroundError is told of flushes and compactions that failed. Pebble's Open does not return before its flush is made, and tries
// that again at once and for ever: where the disk is full by then, nothing is there yet that could make room or be stopped.
func (s *Store) backgroundError(fatal func(error)) func(error) {
	return func(err error) {
		s.events.failed(err)
		if isFull(err) && !s.fs.open.Load() {
			fatal(fmt.Errorf("store: opening %s: %w", s.dir, withoutTrace(err)))
		}
	}
}

// databaseFormat is the format of the database that this program writes.
func databaseFormat() pebble.FormatMajorVersion {
	o := new(pebble.Options)
	queue.Tune(o)
	return o.FormatMajorVersion
}

// DB lends the database to the queue. Close of the Store ends the loan.
func (s *Store) DB() *pebble.DB { return s.db }

// Cache is the block cache of the database, which is lent with it. Pebble takes the room of memtables from it, too.
func (s *Store) Cache() *pebble.Cache { return s.cache }

// FS is the file system that the database is on, as it must be used for what else belongs to the store: a write that finds
// the disk full is known to the store.
func (s *Store) FS() vfs.FS { return s.fs }

// PayloadDir is where in the data directory the queue keeps payloads that get files of their own. They are part of the
// store as the database is: neither is whole without the other.
func (s *Store) PayloadDir() string { return s.fs.PathJoin(s.dir, payloadDir) }

// Space returns the room on the disk as it was at the last look, which is made each second. It costs next to nothing.
func (s *Store) Space() Space { return *s.watch.now.Load() }

// ReadOnly says whether nothing new is to be taken in, for want of room on the disk.
func (s *Store) ReadOnly() bool { return s.watch.now.Load().Level != Ample }

// IdentifierKey is 16 random bytes that were made with the store and never change.
func (s *Store) IdentifierKey() [16]byte { return s.cipher }

// Close waits for calls in progress and closes the database. Whoever borrowed it must be closed before.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	err := s.db.Close()
	s.watch.close()
	return errors.Join(err, s.lock.Close())
}

const prefixStore = 's'

var (
	keyFormat = []byte("s/format")
	keyCipher = []byte("s/identifier")
)

// identify checks the format version, and gives a new store its version and identifier key.
func (s *Store) identify() error {
	version, err := get(s.db, keyFormat)
	if errors.Is(err, pebble.ErrNotFound) {
		return s.initialise()
	}
	if err != nil {
		return fmt.Errorf("store: reading the format version: %w", err)
	}
	if err := checkFormat(version); err != nil {
		return err
	}
	s.format = uint64(binary.BigEndian.Uint32(version))
	key, err := get(s.db, keyCipher)
	if err != nil || len(key) != len(s.cipher) {
		return fmt.Errorf("store: the identifier key is unreadable: %v", err)
	}
	copy(s.cipher[:], key)
	return nil
}

func checkFormat(version []byte) error {
	if len(version) != 4 {
		return fmt.Errorf("store: the format version is unreadable: %x", version)
	}
	found := binary.BigEndian.Uint32(version)
	if found == 0 {
		return errors.New("store: the format version is unreadable: 0")
	}
	return known("the store", uint64(found), Format)
}

func checkQueue(found uint64) error { return known("the queue", found, queue.Format) }

// checkDatabase refuses a database that a newer Pebble has written, which says so in the name of a file.
func checkDatabase(on vfs.FS, dir string) error {
	text, err := atomicfs.ReadMarker(on, dir, "format-version")
	if err != nil {
		return fmt.Errorf("store: reading %s: %w", dir, err)
	}
	found, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return nil // there is none, or Pebble says what is wrong with it
	}
	return known("the database", found, uint64(databaseFormat()))
}

func known(what string, found, newest uint64) error {
	if found <= newest {
		return nil
	}
	return fmt.Errorf("%w: the format of %s is version %d, and this program knows versions up to %d; start the program that wrote it, or restore a backup made before that did",
		ErrFormat, what, found, newest)
}

func (s *Store) initialise() error {
	rand.Read(s.cipher[:])
	b := s.db.NewBatch()
	defer b.Close()
	if err := b.Set(keyFormat, formatValue(Format), nil); err != nil {
		return err
	}
	if err := b.Set(keyCipher, s.cipher[:], nil); err != nil {
		return err
	}
	if err := b.Commit(pebble.Sync); err != nil {
		return fmt.Errorf("store: writing the format version: %w", err)
	}
	s.format = Format
	return nil
}

func formatValue(version uint32) []byte { return binary.BigEndian.AppendUint32(nil, version) }

func get(db *pebble.DB, key []byte) ([]byte, error) {
	v, closer, err := db.Get(key)
	if err != nil {
		return nil, err
	}
	defer closer.Close()
	return append([]byte(nil), v...), nil
}

// pebbleLog hands Pebble's messages to slog. Pebble calls Fatalf, by design, when its log cannot be written.
type pebbleLog struct {
	log   *slog.Logger
	fatal func(error)
}

func (l *pebbleLog) Infof(format string, args ...any) {
	l.log.Debug("pebble: " + fmt.Sprintf(format, args...))
}

func (l *pebbleLog) Errorf(format string, args ...any) {
	l.log.Error("pebble: " + fmt.Sprintf(format, args...))
}

func (l *pebbleLog) Fatalf(format string, args ...any) {
	l.fatal(fmt.Errorf("store: pebble: "+format, args...))
}
