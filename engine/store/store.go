package store

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"hookline/queue"
)

// Format is the version of the layout that this package reads and writes.
const Format = 1

// Errors of Open that an operator can act on.
var (
	// ErrInUse means that another process has the directory open.
	ErrInUse = errors.New("store: the data directory is in use by another process")
	// ErrFormat means that the directory was written by a version with another layout.
	ErrFormat = errors.New("store: the data directory has a format that this version cannot read")
)

// ErrClosed is returned by Apply and Load after Close.
var ErrClosed = errors.New("store: closed")

// Options of a Store.
type Options struct {
	// FS is the file system of the directory. Defaults to the operating system's.
	FS vfs.FS

	// CacheSize is the size of the block cache in bytes. Defaults to 256 MiB.
	CacheSize int64

	// Logger gets what Pebble has to say. Defaults to slog.Default.
	Logger *slog.Logger

	// Fatal is called when the write-ahead log cannot be written, after which nothing that the store says can be
	// relied on. It must not return. Defaults to ending the process with [ExitLog].
	Fatal func(message string)
}

// ExitLog is the exit code of a process whose write-ahead log failed: a supervisor should start it
// again, and what was accepted up to the last acknowledged sync is there then.
const ExitLog = 74 // EX_IOERR of sysexits

// Store is an open database. Its methods are safe for any number of goroutines.
type Store struct {
	db     *pebble.DB
	dir    string
	fs     vfs.FS
	lock   *pebble.Lock
	events *events
	cipher [16]byte

	mu     sync.RWMutex // held for reading by what uses the database, so that Close waits
	closed bool
}

// Open opens the database in a directory, and makes it if there is none.
func Open(dir string, o Options) (*Store, error) {
	po := pebbleOptions(o)
	seen := &events{}
	po.EventListener = seen.listener()
	lock, err := lockDirectory(dir, po.FS)
	if err != nil {
		return nil, err
	}
	po.Lock = lock
	db, err := pebble.Open(dir, po)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("store: opening %s: %w", dir, err), lock.Close())
	}
	s := &Store{db: db, dir: dir, fs: po.FS, lock: lock, events: seen}
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

func pebbleOptions(o Options) *pebble.Options {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.FS == nil {
		o.FS = vfs.Default
	}
	if o.CacheSize == 0 {
		o.CacheSize = 256 << 20
	}
	if o.Fatal == nil {
		o.Fatal = func(message string) {
			o.Logger.Error("the write-ahead log failed; ending at once", "err", message)
			os.Exit(ExitLog)
		}
	}
	po := &pebble.Options{
		FS:        o.FS,
		CacheSize: o.CacheSize,
		Logger:    &pebbleLog{log: o.Logger, fatal: o.Fatal},
	}
	queue.Tune(po)
	return po
}

// DB lends the database to the queue. Close of the Store ends the loan.
func (s *Store) DB() *pebble.DB { return s.db }

// FS is the file system of the data directory.
func (s *Store) FS() vfs.FS { return s.fs }

// PayloadDir is where in the data directory the queue keeps payloads that get files of their own. They are part of the
// store as the database is: neither is whole without the other.
func (s *Store) PayloadDir() string { return s.fs.PathJoin(s.dir, "payloads") }

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
	return errors.Join(s.db.Close(), s.lock.Close())
}

var (
	keyFormat = []byte("s/format")
	keyCipher = []byte("s/identifier")
)

// identify checks the format version, and gives a new store its version and identifier key.
func (s *Store) identify() error {
	version, err := s.get(keyFormat)
	if errors.Is(err, pebble.ErrNotFound) {
		return s.initialise()
	}
	if err != nil {
		return fmt.Errorf("store: reading the format version: %w", err)
	}
	if len(version) != 4 || binary.BigEndian.Uint32(version) != Format {
		return fmt.Errorf("%w: it is %x, and this version reads %d; use the version that wrote it", ErrFormat, version, Format)
	}
	key, err := s.get(keyCipher)
	if err != nil || len(key) != len(s.cipher) {
		return fmt.Errorf("store: the identifier key is unreadable: %v", err)
	}
	copy(s.cipher[:], key)
	return nil
}

func (s *Store) initialise() error {
	rand.Read(s.cipher[:])
	b := s.db.NewBatch()
	defer b.Close()
	if err := b.Set(keyFormat, binary.BigEndian.AppendUint32(nil, Format), nil); err != nil {
		return err
	}
	if err := b.Set(keyCipher, s.cipher[:], nil); err != nil {
		return err
	}
	if err := b.Commit(pebble.Sync); err != nil {
		return fmt.Errorf("store: writing the format version: %w", err)
	}
	return nil
}

func (s *Store) get(key []byte) ([]byte, error) {
	v, closer, err := s.db.Get(key)
	if err != nil {
		return nil, err
	}
	defer closer.Close()
	return append([]byte(nil), v...), nil
}

// pebbleLog hands Pebble's messages to slog. Pebble calls Fatalf, by design, when its log cannot be written.
type pebbleLog struct {
	log   *slog.Logger
	fatal func(string)
}

func (l *pebbleLog) Infof(format string, args ...any) {
	l.log.Debug("pebble: " + fmt.Sprintf(format, args...))
}

func (l *pebbleLog) Errorf(format string, args ...any) {
	l.log.Error("pebble: " + fmt.Sprintf(format, args...))
}

func (l *pebbleLog) Fatalf(format string, args ...any) {
	l.fatal("pebble: " + fmt.Sprintf(format, args...))
}
