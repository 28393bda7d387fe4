package queue

import (
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// openFixture opens a database that a program with layout 1 has closed. See testdata/layout1/README.md for what is in it.
func openFixture(t *testing.T) *house {
	t.Helper()
	h := &house{t: t, fs: vfs.NewCrashableMem(), misuse: new(atomic.Int64)}
	if ok, err := vfs.Clone(vfs.Default, h.fs, "testdata/layout1/db", "db", vfs.CloneSync); err != nil || !ok {
		t.Fatalf("the fixture is not there: %v", err)
	}
	w := &wall{t: time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC)}
	h.opts = Options{now: w.now, KeepDelivered: 24 * time.Hour, Logger: slog.New(slog.DiscardHandler)}
	return h
}

// A database of layout 1 is read as it was left, and marked as one of this layout.
func TestLayout1IsUpgraded(t *testing.T) {
	h := openFixture(t)
	h.open()
	t.Cleanup(h.finish)
	if v, err := FormatOf(h.db); v != Format || err != nil {
		t.Errorf("the version is %d now (%v)", v, err)
	}
	h.takes(1, "plain", "retried", "first in line")
	h.takes(2, "sent again")
	var dead []DeadLetter
	if err := h.DeadLetters(Select{}, func(l DeadLetter) bool { dead = append(dead, l); return true }); err != nil {
		t.Fatal(err)
	}
	if len(dead) != 1 || dead[0].Endpoint != 3 || dead[0].Reason != Exhausted || string(dead[0].Note) != "a note" {
		t.Errorf("dead letters: %+v", dead)
	}
	if b, ok, err := h.Payload(dead[0].Event); string(b) != "given up" || !ok || err != nil {
		t.Errorf("the payload of the dead letter: %q, %v, %v", b, ok, err)
	}
	attempts := 0
	if err := h.Attempts(Select{}, func(a LoggedAttempt) bool { attempts++; return string(a.Record) == "record" }); err != nil || attempts != 1 {
		t.Errorf("%d attempts, %v", attempts, err)
	}
	r, err := h.Accept(t.Context(), Message{Key: "known", Payload: []byte("plain"), Deliveries: to(1)})
	if err != nil || !r.Repeated {
		t.Errorf("the key is not known: %+v, %v", r, err)
	}
}

// What an upgrade has written is there after a loss of power.
func TestUpgradeIsDurable(t *testing.T) {
	h := openFixture(t)
	h.open()
	t.Cleanup(h.finish)
	h.crash()
	if v, err := FormatOf(h.db); v != Format || err != nil {
		t.Errorf("the version is %d (%v)", v, err)
	}
}

func TestNewerLayoutIsRefused(t *testing.T) {
	h := &house{t: t, fs: vfs.NewCrashableMem(), misuse: new(atomic.Int64)}
	db, err := openTestDB(h.fs, h.misuse, Options{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := writeMeta(db, keyFormat, Format+1, pebble.Sync); err != nil {
		t.Fatal(err)
	}
	_, err = Open(db, Options{})
	if !errors.Is(err, ErrFormat) {
		t.Fatalf("got %v, want ErrFormat", err)
	}
	for _, part := range []string{"version 3", "up to 2", "start the program that wrote it"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error does not say %q: %v", part, err)
		}
	}
	if v, err := FormatOf(db); v != Format+1 || err != nil {
		t.Errorf("the version was changed to %d (%v)", v, err)
	}
}
