package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/google/go-cmp/cmp"

	"hookline/engine/store"
	"hookline/queue"
)

var ctx = context.Background()

// full is a store with registrations and a queue in it, half of it in tables and half in the log. One payload has a file.
func full(t *testing.T, on vfs.FS) *store.Store {
	t.Helper()
	s, err := store.Open("data", store.Options{
		FS: on, CacheSize: 1 << 20, Logger: slog.New(slog.DiscardHandler), Fatal: func(err error) { t.Errorf("fatal: %v", err) },
	})
	if err != nil {
		t.Fatal(err)
	}
	c, _ := sample()
	if err := s.Apply(ctx, c); err != nil {
		t.Fatal(err)
	}
	withQueue(t, s, func(q *queue.Queue) {
		for n := range 40 {
			payload := fmt.Appendf(nil, "payload %d", n)
			if n%20 == 0 {
				payload = append(payload, make([]byte, 2000)...)
			}
			if _, err := q.Accept(ctx, queue.Message{Payload: payload, Deliveries: []queue.Target{{Endpoint: 1}}}); err != nil {
				t.Fatal(err)
			}
			if n == 20 {
				if err := s.DB().Flush(); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
	return s
}

func withQueue(t *testing.T, s *store.Store, do func(*queue.Queue)) {
	t.Helper()
	q, err := queue.Open(s.DB(), queue.Options{FS: s.FS(), Dir: s.PayloadDir(), SideBytes: 1000, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	do(q)
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
}

// holds fails the test unless a data directory has what full has put into it.
func holds(t *testing.T, on vfs.FS, dir string) {
	t.Helper()
	s, err := store.Open(dir, store.Options{FS: on, CacheSize: 1 << 20, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	_, want := sample()
	if diff := cmp.Diff(want, load(t, s)); diff != "" {
		t.Error(diff)
	}
	withQueue(t, s, func(q *queue.Queue) {
		for n := range 40 {
			d, ok := q.Take(1)
			if !ok || !strings.HasPrefix(string(d.Payload), fmt.Sprintf("payload %d", n)) || len(d.Payload) > 100 != (n%20 == 0) {
				t.Fatalf("delivery %d is %.20q (%v)", n, d.Payload, ok)
			}
		}
	})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func verify(t *testing.T, on vfs.FS, dir string) []string {
	t.Helper()
	r, err := store.Verify(ctx, dir, store.Options{FS: on, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return r.Problems
}

// The ballast is there to be removed: it is neither in a backup nor in what is restored from it.
func TestBackupLeavesBallast(t *testing.T) {
	disk := vfs.NewMem()
	s := full(t, disk)
	f, err := disk.Create("data/ballast", vfs.WriteCategoryUnspecified)
	if err == nil {
		_, err = f.Write(make([]byte, 100_000))
	}
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	b, err := s.Backup(ctx, "backup", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range b.Files {
		if file.Name == "ballast" {
			t.Error("it is described")
		}
	}
	_, err = store.Restore(ctx, disk, "backup", "restored")
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"backup/data/ballast", "restored/ballast"} {
		if _, err := disk.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestBackupAndRestore(t *testing.T) {
	disk := vfs.NewMem()
	s := full(t, disk)
	key := s.IdentifierKey()
	b, err := s.Backup(ctx, "backups/one", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Backup(ctx, "backups/one", nil); !errors.Is(err, store.ErrExists) {
		t.Errorf("the same again: %v", err)
	}
	if _, err := s.Backup(ctx, "data/backup", nil); err == nil {
		t.Error("a backup in the data directory")
	}
	withQueue(t, s, func(q *queue.Queue) { // what happens to the original later changes nothing
		for range 40 {
			d, _ := q.Take(1)
			if err := q.Settle(&d, queue.Outcome{Verdict: queue.Done}); err != nil {
				t.Fatal(err)
			}
		}
	})
	if err := errors.Join(s.DB().Compact(ctx, []byte{0}, []byte{255}, true), s.Close()); err != nil {
		t.Fatal(err)
	}
	read, err := store.ReadBackup(disk, "backups/one")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(b, read); diff != "" {
		t.Error(diff)
	}
	tables, files, sums := 0, 0, 0
	for _, f := range b.Files {
		switch {
		case strings.HasSuffix(f.Name, ".sst"):
			tables++
		case strings.HasPrefix(f.Name, "payloads/"):
			files++
		case f.SHA256 != "":
			sums++
		}
	}
	if tables == 0 || files != 2 || sums < 4 || tables+files+sums != len(b.Files) || b.Store != store.Format || b.Queue != queue.Format {
		t.Errorf("%d tables, %d files of payloads, %d others: %+v", tables, files, sums, b)
	}
	if problems := verify(t, disk, "backups/one"); len(problems) > 0 {
		t.Errorf("problems of the backup: %q", problems)
	}
	if _, err := store.Restore(ctx, disk, "backups/one", "new/data"); err != nil {
		t.Fatal(err)
	}
	holds(t, disk, "new/data")
	restored, err := store.Open("new/data", store.Options{FS: disk, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer restored.Close()
	if restored.IdentifierKey() != key {
		t.Error("the identifier key is another one")
	}
	if problems := verify(t, disk, "backups/one"); len(problems) > 0 {
		t.Errorf("problems of the backup after a start on what was restored: %q", problems)
	}
}

// watch calls before with each operation that changes something below a path.
func watch(on vfs.FS, prefix string, before func()) vfs.FS {
	return errorfs.Wrap(on, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if strings.HasPrefix(op.Path, prefix) && op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
			before()
		}
		return nil
	}))
}

// whole fails the test unless a directory is a backup without problems, or not there.
func whole(t *testing.T, on vfs.FS, dir string) (there bool) {
	t.Helper()
	if _, err := on.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return false
	}
	if problems := verify(t, on, dir); len(problems) > 0 {
		t.Errorf("half a backup: %q", problems)
	}
	return true
}

// Whenever power is lost, the backup is whole or not there, and nothing of it is in the way of the next. When the call has
// returned, it is there.
func TestPowerLossDuringBackup(t *testing.T) {
	disk := vfs.NewCrashableMem()
	var clones []*vfs.MemFS
	s := full(t, watch(disk, "backups", func() {
		clones = append(clones, disk.CrashClone(vfs.CrashCloneCfg{}))
	}))
	defer s.Close()
	if _, err := s.Backup(ctx, "backups/one", nil); err != nil {
		t.Fatal(err)
	}
	if len(clones) < 20 {
		t.Fatalf("power was lost at %d points", len(clones))
	}
	for n, clone := range clones {
		if n%7 == 0 {
			again, err := store.Open("data", store.Options{FS: clone, Logger: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := again.Backup(ctx, "backups/two", nil); err != nil {
				t.Errorf("the next backup: %v", err)
			}
			if !whole(t, clone, "backups/two") {
				t.Error("the next backup is not there")
			}
			if err := again.Close(); err != nil {
				t.Fatal(err)
			}
		}
		whole(t, clone, "backups/one")
	}
	if !whole(t, disk.CrashClone(vfs.CrashCloneCfg{}), "backups/one") {
		t.Error("the backup was lost with the power")
	}
}

// Whatever operation fails, the answer is an error, nothing is left, and neither the store nor the process minds.
func TestBackupFails(t *testing.T) {
	n := 0
	for failed := true; failed; n++ {
		failed = false
		left := n
		disk := vfs.NewMem()
		faulty := new(errorfs.Toggle)
		faulty.Injector = errorfs.InjectorFunc(func(op errorfs.Op) error {
			if !strings.HasPrefix(op.Path, "backups") || op.Kind.ReadOrWrite() != errorfs.OpIsWrite || op.Kind == errorfs.OpRemoveAll {
				return nil
			}
			if left--; left == -1 {
				failed = true
				return errorfs.ErrInjected
			}
			return nil
		})
		s := full(t, errorfs.Wrap(disk, faulty))
		faulty.On()
		_, err := s.Backup(ctx, "backups/one", nil)
		faulty.Off()
		there := whole(t, disk, "backups/one")
		if err == nil && !there || err != nil && !failed {
			t.Errorf("operation %d: the error is %v, and the backup there: %v", n, err, there)
		}
		if names, err := disk.List("backups"); err == nil && !there && len(names) > 0 {
			t.Errorf("operation %d leaves %q", n, names)
		}
		c, _ := sample()
		if err := errors.Join(s.Apply(ctx, c), s.Close()); err != nil {
			t.Errorf("operation %d: the store does not go on: %v", n, err)
		}
	}
	if n < 20 {
		t.Errorf("%d operations failed", n)
	}
}

func TestBackupEndsWithItsContext(t *testing.T) {
	disk := vfs.NewMem()
	s := full(t, disk)
	defer s.Close()
	ended, end := context.WithCancel(ctx)
	end()
	if _, err := s.Backup(ended, "backups/one", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if names, _ := disk.List("backups"); len(names) > 0 {
		t.Errorf("it leaves %q", names)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Backup(ctx, "backups/one", nil); !errors.Is(err, store.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

func TestBackupOffline(t *testing.T) {
	disk := vfs.NewMem()
	o := store.Options{FS: disk, Logger: slog.New(slog.DiscardHandler)}
	s := full(t, disk)
	if _, err := store.BackupOffline(ctx, "data", "backup", o); !errors.Is(err, store.ErrInUse) {
		t.Errorf("of an open directory: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := store.BackupOffline(ctx, "nothing", "backup", o); !errors.Is(err, store.ErrNoStore) {
		t.Errorf("of nothing: %v", err)
	}
	if _, err := disk.Stat("nothing"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what was not there was made: %v", err)
	}
	if _, err := store.BackupOffline(ctx, "data", "backup", o); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Restore(ctx, disk, "backup", "restored"); err != nil {
		t.Fatal(err)
	}
	holds(t, disk, "restored")
}

// Directories may be named with a slash behind, as a shell completes them.
func TestDirectoriesWithASlashBehind(t *testing.T) {
	disk := vfs.NewMem()
	s := full(t, disk)
	_, err := s.Backup(ctx, "backups/one/", nil)
	if err := errors.Join(err, s.Close(), disk.MkdirAll("new/data", 0o750)); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Restore(ctx, disk, "backups/one/", "new/data/"); err != nil {
		t.Fatal(err)
	}
	holds(t, disk, "new/data")
	for dir, want := range map[string]string{"backups": "one", "new": "data"} {
		if names, err := disk.List(dir); err != nil || len(names) != 1 || names[0] != want {
			t.Errorf("%s has %q (%v)", dir, names, err)
		}
	}
}

// A backup that is asked for while another is made is refused at once, whatever that one waits for.
func TestBackupsOneAtATime(t *testing.T) {
	disk := vfs.NewMem()
	s := full(t, disk)
	defer s.Close()
	held := 0
	_, err := s.Backup(ctx, "backups/one", func() (func(), error) {
		if _, err := s.Backup(ctx, "backups/two", func() (func(), error) { panic("it waits for the files") }); !errors.Is(err, store.ErrBusy) {
			t.Errorf("the second: %v", err)
		}
		held++
		return func() {
			if whole(t, disk, "backups/one") {
				held--
			}
		}, nil
	})
	if err != nil || held != 0 {
		t.Errorf("got %v, and files are held: %d", err, held)
	}
	none := errors.New("none")
	if _, err := s.Backup(ctx, "backups/two", func() (func(), error) { return nil, none }); !errors.Is(err, none) {
		t.Errorf("files that cannot be held: %v", err)
	}
}

// No table is copied after the context has ended: a stop does not wait for a copy of everything.
func TestBackupEndsAmongTables(t *testing.T) {
	begun, end := context.WithCancel(ctx)
	tables := 0
	s := full(t, errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if strings.HasPrefix(op.Path, "backups") && strings.Contains(op.Path, "/OPTIONS-") {
			end()
		}
		if strings.HasSuffix(op.Path, ".sst") && (op.Kind == errorfs.OpLink || strings.HasPrefix(op.Path, "backups")) && begun.Err() != nil {
			tables++
		}
		return nil
	})))
	defer s.Close()
	if _, err := s.Backup(begun, "backups/one", nil); !errors.Is(err, context.Canceled) || tables > 0 {
		t.Errorf("%d tables after the end, and %v", tables, err)
	}
}

// What is left of backups that a crash cut off is removed, and nothing else that has such a name.
func TestRemoveUnfinished(t *testing.T) {
	disk := vfs.NewMem()
	s := full(t, disk)
	defer s.Close()
	if err := s.RemoveUnfinished("backups"); err != nil {
		t.Errorf("there is no directory: %v", err)
	}
	if _, err := s.Backup(ctx, "backups/one", nil); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"backups/two.partial/data/payloads", "backups/film.partial/scenes"} {
		if err := disk.MkdirAll(dir, 0o750); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.RemoveUnfinished("backups"); err != nil {
		t.Fatal(err)
	}
	names, err := disk.List("backups")
	slices.Sort(names)
	if diff := cmp.Diff([]string{"film.partial", "one"}, names); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

// A backup says which layout is in it, which is not that of the program that made it where nothing was upgraded.
func TestBackupOfAnotherLayout(t *testing.T) {
	disk := vfs.NewMem()
	o := store.Options{FS: disk, Logger: slog.New(slog.DiscardHandler)}
	s := full(t, disk)
	layout := func(v byte) {
		t.Helper()
		if err := s.DB().Set([]byte("mf"), []byte{0, 0, 0, 0, 0, 0, 0, v}, pebble.Sync); err != nil {
			t.Fatal(err)
		}
	}
	layout(1)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if b, err := store.BackupOffline(ctx, "data", "old", o); err != nil || b.Queue != 1 {
		t.Errorf("of layout 1: %+v, %v", b, err)
	}
	s, err := store.Open("data", o)
	if err != nil {
		t.Fatal(err)
	}
	layout(9)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := store.BackupOffline(ctx, "data", "new", o); !errors.Is(err, store.ErrFormat) || !strings.Contains(err.Error(), "the queue is version 9") {
		t.Errorf("of layout 9: %v", err)
	}
	if _, err := disk.Stat("new.partial"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it leaves something (%v)", err)
	}
}

// A database of a newer Pebble is refused as one of a newer program, by all that opens it.
func TestNewerDatabaseIsRefused(t *testing.T) {
	disk := vfs.NewMem()
	o := store.Options{FS: disk, Logger: slog.New(slog.DiscardHandler)}
	if err := full(t, disk).Close(); err != nil {
		t.Fatal(err)
	}
	rewriteNew(t, disk, "data/marker.format-version.000999.999")
	for name, open := range map[string]func() error{
		"Open":          func() error { _, err := store.Open("data", o); return err },
		"Inspect":       func() error { _, err := store.Inspect(ctx, "data", o); return err },
		"BackupOffline": func() error { _, err := store.BackupOffline(ctx, "data", "backup", o); return err },
	} {
		if err := open(); !errors.Is(err, store.ErrFormat) || !strings.Contains(err.Error(), "the database is version 999") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// backedUp returns a file system with a backup on it, and the name of one of its tables.
func backedUp(t *testing.T) (disk *vfs.MemFS, table string) {
	t.Helper()
	disk = vfs.NewCrashableMem()
	s := full(t, disk)
	b, err := s.Backup(ctx, "backup", nil)
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	for _, f := range b.Files {
		if strings.HasSuffix(f.Name, ".sst") {
			table = f.Name
		}
	}
	return disk, table
}

// rewrite changes a file.
func rewrite(t *testing.T, on vfs.FS, name string, change func([]byte) []byte) {
	t.Helper()
	f, err := on.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(f)
	if err = errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	to, err := on.Create(name, vfs.WriteCategoryUnspecified)
	if err == nil {
		_, err = to.Write(change(text))
		err = errors.Join(err, to.Sync(), to.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}

func flipped(text []byte) []byte {
	text = bytes.Clone(text)
	text[len(text)/3] ^= 1
	return text
}

func shortened(text []byte) []byte { return text[:len(text)-1] }

func replaced(old, with string) func([]byte) []byte {
	return func(text []byte) []byte { return bytes.Replace(text, []byte(old), []byte(with), 1) }
}

func TestRestoreRefuses(t *testing.T) {
	disk, table := backedUp(t)
	for name, test := range map[string]struct {
		harm func(on vfs.FS) error
		want error
		text string
	}{
		"no backup": {func(on vfs.FS) error { return on.Remove("backup/backup.json") }, store.ErrIncomplete, "backup.json"},
		"half a description": {
			func(on vfs.FS) error {
				rewrite(t, on, "backup/backup.json", func(text []byte) []byte { return text[:len(text)/2] })
				return nil
			}, store.ErrIncomplete, "backup.json",
		},
		"a newer description": {edit(t, `"version": 1`, `"version": 2`), store.ErrFormat, "its description in the backup is version 2"},
		"a newer store":       {edit(t, `"store": 3`, `"store": 7`), store.ErrFormat, "version 7, and this program knows versions up to 3"},
		"a newer queue":       {edit(t, `"queue": 2`, `"queue": 3`), store.ErrFormat, "the queue in the backup is version 3"},
		"a newer database":    {edit(t, `"database": `, `"database": 9`), store.ErrFormat, "the database in the backup"},
		"no format":           {edit(t, `"queue": 2`, `"queue": 0`), store.ErrIncomplete, "the queue"},
		"a name that leads elsewhere": {
			edit(t, `"name": "`+table, `"name": "../../`+table), store.ErrIncomplete, "../../",
		},
		"a missing table": {func(on vfs.FS) error { return on.Remove("backup/data/" + table) }, store.ErrIncomplete, table},
		"a shorter table": {func(on vfs.FS) error { rewrite(t, on, "backup/data/"+table, shortened); return nil }, store.ErrIncomplete, table},
		"another log": {
			func(on vfs.FS) error { rewrite(t, on, logOf(t, on), flipped); return nil }, store.ErrIncomplete, ".log is not as it was written",
		},
		"a directory with something in it": {
			func(on vfs.FS) error {
				if err := on.MkdirAll("restored", 0o750); err != nil {
					return err
				}
				rewriteNew(t, on, "restored/notes")
				return nil
			}, store.ErrExists, "not empty",
		},
		"a file": {func(on vfs.FS) error { rewriteNew(t, on, "restored"); return nil }, store.ErrExists, "is a file"},
	} {
		t.Run(name, func(t *testing.T) {
			on := disk.CrashClone(vfs.CrashCloneCfg{})
			if err := test.harm(on); err != nil {
				t.Fatal(err)
			}
			_, err := store.Restore(ctx, on, "backup", "restored")
			if !errors.Is(err, test.want) || !strings.Contains(fmt.Sprint(err), test.text) {
				t.Errorf("got %v, want %v with %q", err, test.want, test.text)
			}
			if _, err := on.Stat("restored.partial"); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("it left what it had copied (%v)", err)
			}
			if _, err := on.Stat("restored/notes"); name == "a directory with something in it" && err != nil {
				t.Errorf("what was there is gone: %v", err)
			}
		})
	}
}

func edit(t *testing.T, old, with string) func(vfs.FS) error {
	return func(on vfs.FS) error { rewrite(t, on, "backup/backup.json", replaced(old, with)); return nil }
}

func rewriteNew(t *testing.T, on vfs.FS, name string) {
	t.Helper()
	f, err := on.Create(name, vfs.WriteCategoryUnspecified)
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// logOf returns the path of a log of the backup that has something in it.
func logOf(t *testing.T, on vfs.FS) string {
	t.Helper()
	names, err := on.List("backup/data")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if info, err := on.Stat("backup/data/" + name); err == nil && strings.HasSuffix(name, ".log") && info.Size() > 100 {
			return "backup/data/" + name
		}
	}
	t.Fatal("there is no log in the backup")
	return ""
}

// A directory that cannot be replaced, such as a mount point, is found out before anything is copied.
func TestRestoreOntoAMountPoint(t *testing.T) {
	disk, _ := backedUp(t)
	if err := disk.MkdirAll("restored", 0o750); err != nil {
		t.Fatal(err)
	}
	copied := 0
	on := errorfs.Wrap(disk, errorfs.InjectorFunc(func(op errorfs.Op) error {
		switch {
		case op.Kind == errorfs.OpRemove && op.Path == "restored":
			return syscall.EBUSY
		case op.Kind == errorfs.OpCreate:
			copied++
		}
		return nil
	}))
	_, err := store.Restore(ctx, on, "backup", "restored")
	if !errors.Is(err, syscall.EBUSY) || !strings.Contains(err.Error(), "name one below it") || copied > 0 {
		t.Errorf("got %v after %d files", err, copied)
	}
	if _, err := disk.Stat("restored.partial"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it leaves something (%v)", err)
	}
}

// A directory that was there and empty is there and empty when a restore has failed.
func TestFailedRestoreLeavesTheDirectory(t *testing.T) {
	disk, table := backedUp(t)
	if err := errors.Join(disk.MkdirAll("restored", 0o750), disk.Remove("backup/data/"+table)); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Restore(ctx, disk, "backup", "restored"); !errors.Is(err, store.ErrIncomplete) {
		t.Errorf("got %v", err)
	}
	if names, err := disk.List("restored"); err != nil || len(names) > 0 {
		t.Errorf("%q, %v", names, err)
	}
}

// A backup whose process ended right before it was given its name is not what a restore clears away.
func TestRestoreOfUnfinished(t *testing.T) {
	disk, _ := backedUp(t)
	if err := disk.Rename("backup", "restored.partial"); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Restore(ctx, disk, "restored.partial/", "restored"); !errors.Is(err, store.ErrExists) {
		t.Errorf("got %v", err)
	}
	if _, err := store.Restore(ctx, disk, "restored.partial", "elsewhere"); err != nil {
		t.Error(err)
	}
}

// A backup is verified where nothing can be written.
func TestVerifyOnAReadOnlyDisk(t *testing.T) {
	disk, _ := backedUp(t)
	on := errorfs.Wrap(disk, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind.ReadOrWrite() == errorfs.OpIsWrite && op.Kind != errorfs.OpMkdirAll {
			return fmt.Errorf("%s: %w", op.Path, syscall.EROFS)
		}
		return nil
	}))
	if problems := verify(t, on, "backup"); len(problems) > 0 {
		t.Errorf("%q", problems)
	}
	names, err := disk.List("backup/data")
	if err != nil || slices.Contains(names, "LOCK") {
		t.Errorf("%q, %v", names, err)
	}
}

// Whenever power is lost, the restored directory is whole or not there.
func TestPowerLossDuringRestore(t *testing.T) {
	disk, _ := backedUp(t)
	var clones []*vfs.MemFS
	on := watch(disk, "restored", func() { clones = append(clones, disk.CrashClone(vfs.CrashCloneCfg{})) })
	if err := on.MkdirAll("restored", 0o750); err != nil { // it may be there when it is empty
		t.Fatal(err)
	}
	if _, err := store.Restore(ctx, on, "backup", "restored"); err != nil {
		t.Fatal(err)
	}
	clones = append(clones, disk.CrashClone(vfs.CrashCloneCfg{}))
	for n, clone := range clones {
		names, err := clone.List("restored")
		if there := err == nil && len(names) > 0; there {
			holds(t, clone, "restored")
		} else if n == len(clones)-1 {
			t.Error("what was restored was lost with the power")
		}
	}
	if len(clones) < 20 {
		t.Errorf("power was lost at %d points", len(clones))
	}
}

func TestVerifyFindsDamage(t *testing.T) {
	disk, table := backedUp(t)
	side := "0000000000000001"
	for name, test := range map[string]struct {
		harm func(on vfs.FS) error
		want []string
	}{
		"a table with another bit":  {func(on vfs.FS) error { rewrite(t, on, "backup/data/"+table, flipped); return nil }, []string{"table " + table}},
		"a payload file is missing": {func(on vfs.FS) error { return on.Remove("backup/data/payloads/" + side) }, []string{"payloads/" + side + " is missing", "the payload of event 1:"}},
		"a payload file with another bit": {
			func(on vfs.FS) error { rewrite(t, on, "backup/data/payloads/"+side, flipped); return nil }, []string{"the payload of event 1:", "checksum"},
		},
		"a payload file too short": {
			func(on vfs.FS) error { rewrite(t, on, "backup/data/payloads/"+side, shortened); return nil }, []string{"payloads/" + side + " has"},
		},
		"options of the database": {
			func(on vfs.FS) error {
				names, err := on.List("backup/data")
				for _, name := range names {
					if strings.HasPrefix(name, "OPTIONS") {
						rewrite(t, on, "backup/data/"+name, func(text []byte) []byte { return append(text, '\n') })
					}
				}
				return err
			}, []string{"file OPTIONS-"},
		},
		"rows": {
			func(on vfs.FS) error {
				if err := on.Rename("backup/data", "harmed"); err != nil { // no store opens a backup
					return err
				}
				s, err := store.Open("harmed", store.Options{FS: on, Logger: slog.New(slog.DiscardHandler)})
				if err != nil {
					return err
				}
				db := s.DB()
				return errors.Join(
					db.Set([]byte("tacme"), []byte("{"), nil), db.Set([]byte("o"), []byte("1"), nil), db.Set([]byte("J?"), nil, nil),
					db.DeleteRange([]byte("p"), []byte("q"), nil), db.Set([]byte("u"), nil, pebble.Sync), s.Close(),
					on.Rename("harmed", "backup/data"))
			},
			[]string{`tenants: row "tacme"`, `endpoint_numbers: row "o"`, `unknown: row "J?": nothing has such rows`, "event 3: its payload is missing", `failing_endpoints: row "u"`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			on := disk.CrashClone(vfs.CrashCloneCfg{})
			if err := test.harm(on); err != nil {
				t.Fatal(err)
			}
			problems := strings.Join(verify(t, on, "backup"), "\n")
			for _, want := range test.want {
				if !strings.Contains(problems, want) {
					t.Errorf("nothing says %q:\n%s", want, problems)
				}
			}
		})
	}
}

func TestInspectRefuses(t *testing.T) {
	disk := vfs.NewMem()
	o := store.Options{FS: disk, Logger: slog.New(slog.DiscardHandler)}
	if _, err := store.Inspect(ctx, "nothing", o); !errors.Is(err, store.ErrNoStore) {
		t.Errorf("nothing: %v", err)
	}
	s := full(t, disk)
	if _, err := store.Inspect(ctx, "data", o); !errors.Is(err, store.ErrInUse) {
		t.Errorf("an open directory: %v", err)
	}
	if err := errors.Join(s.DB().Set([]byte("mf"), []byte{0, 0, 0, 0, 0, 0, 0, 9}, pebble.Sync), s.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Inspect(ctx, "data", o); !errors.Is(err, store.ErrFormat) || !strings.Contains(err.Error(), "version 9") {
		t.Errorf("a newer queue: %v", err)
	}
}

func TestInspect(t *testing.T) {
	disk := vfs.NewMem()
	if err := full(t, disk).Close(); err != nil {
		t.Fatal(err)
	}
	r, err := store.Inspect(ctx, "data", store.Options{FS: disk, Logger: slog.New(slog.DiscardHandler)})
	if err != nil || len(r.Problems) > 0 {
		t.Fatal(err, r)
	}
	kinds := map[string]store.KindReport{}
	for _, k := range r.Kinds {
		kinds[k.Kind] = k
	}
	for kind, n := range map[string]int64{"payloads": 40, "deliveries": 40, "side_files": 2, "tenants": 2, "apps": 1, "webhooks": 1, "store_state": 2, "dead_letters": 0} {
		if k, ok := kinds[kind]; !ok || k.Keys != n {
			t.Errorf("%d %s (%v), want %d", k.Keys, kind, ok, n)
		}
	}
	if k := kinds["deliveries"]; k.Oldest.IsZero() || k.Newest.Before(k.Oldest) || k.Bytes < 40*26 || k.Tables == 0 {
		t.Errorf("deliveries: %+v", k)
	}
	if r.PayloadFiles != 2 || r.PayloadFileBytes < 4000 || r.PayloadFileBytes > 4100 {
		t.Errorf("%d payload files with %d bytes", r.PayloadFiles, r.PayloadFileBytes)
	}
	if r.Store != store.Format || r.Queue != queue.Format || r.Size == 0 || len(r.Levels) == 0 || r.Backup != nil {
		t.Errorf("%+v", r)
	}
}

// A backup is not taken for a data directory, nor changed by being opened.
func TestBackupIsNoDataDirectory(t *testing.T) {
	mem := vfs.NewMem()
	s := open(t, mem)
	if _, err := s.Backup(context.Background(), "backup", nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"backup", "backup/", "backup/data", "backup/data/"} {
		s, err := store.Open(dir, store.Options{FS: mem, Logger: slog.New(slog.DiscardHandler)})
		if err == nil {
			err = s.Close()
		}
		if !errors.Is(err, store.ErrIsBackup) {
			t.Errorf("%s: %v", dir, err)
		}
	}
	if names, err := mem.List("backup"); err != nil || len(names) != 2 {
		t.Errorf("it has %q, %v", names, err)
	}
}
