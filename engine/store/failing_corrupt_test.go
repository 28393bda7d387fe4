package store_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"hookline/engine/store"
)

// Where it is corrupt how long endpoints have failed, that is not known of them, and it is no error.
func TestCorruptFailing(t *testing.T) {
	fs := vfs.NewMem()
	s := open(t, fs)
	if err := s.PutFailing([]store.Failing{{Endpoint: 1, Since: time.Unix(1, 0)}}, time.Unix(2, 0)); err != nil {
		t.Fatal(err)
	}
	if err := s.DB().Compact(t.Context(), []byte{0}, []byte{0xff}, false); err != nil {
		t.Fatal(err)
	}
	tables, err := s.DB().SSTables()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	done := 0
	for _, level := range tables {
		for _, table := range level {
			if !strings.HasPrefix(string(table.Smallest.UserKey), "u") {
				continue
			}
			data, err := fs.UnsafeGetFileDataBuffer(fmt.Sprintf("data/%06d.sst", table.FileNum))
			if err != nil {
				t.Fatal(err)
			}
			data[8] ^= 1
			done++
		}
	}
	if done != 1 {
		t.Fatalf("%d tables with such rows", done)
	}
	s = open(t, fs)
	defer s.Close()
	if list, _, err := s.Failing(); err != nil || len(list) != 0 {
		t.Errorf("%+v, %v", list, err)
	}
}
