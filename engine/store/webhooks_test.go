package store_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"hookline/engine/store"
	"hookline/engine/webhook"
)

// three is a store with three webhooks, of which the row of the second is cut short.
func three(t *testing.T, fs vfs.FS) *store.Store {
	t.Helper()
	s := open(t, fs)
	c := &store.Changes{PutTenants: []*webhook.Tenant{{ID: "acme"}}}
	for id := range int64(3) {
		c.PutWebhooks = append(c.PutWebhooks, &webhook.Webhook{ID: id, Owner: webhook.Owner{Tenant: "acme"}, Endpoint: 1})
	}
	c.Groups = map[uint64]store.Groups{1: {{Count: 3}}}
	if err := s.Apply(context.Background(), c); err != nil {
		t.Fatal(err)
	}
	if err := s.DB().Set([]byte("racme\x00\x00\x00\x00\x00\x00\x00\x00\x01"), []byte(`{"id":1`), pebble.Sync); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestUnreadableWebhook: it is an error of its own, which the others do not have, and is counted once.
func TestUnreadableWebhook(t *testing.T) {
	s := three(t, vfs.NewMem())
	defer s.Close()
	for range 2 {
		if err := s.Webhooks("acme", func(*webhook.Webhook) {}); !errors.Is(err, store.ErrUnreadable) {
			t.Errorf("all: %v", err)
		}
		for id := range int64(3) {
			w, err := s.Webhook("acme", id)
			if errors.Is(err, store.ErrUnreadable) != (id == 1) || id != 1 && (err != nil || w.ID != id) {
				t.Errorf("%d: %+v, %v", id, w, err)
			}
		}
		if list := subscribers(t, s, "acme"); len(list) != 3 {
			t.Errorf("%d subscribers", len(list))
		}
	}
	if n := s.Stats().UnreadableRows; n != 1 {
		t.Errorf("%d rows are counted", n)
	}
}

// TestCorruptBlock: of webhooks in a block that does not fit its checksum each is unreadable, and others are not.
func TestCorruptBlock(t *testing.T) {
	fs := vfs.NewMem()
	s := open(t, fs)
	put := func(id int64) {
		w := &webhook.Webhook{ID: id, Owner: webhook.Owner{Tenant: "acme"}, Endpoint: 1}
		if err := s.Apply(context.Background(), &store.Changes{PutWebhooks: []*webhook.Webhook{w}}); err != nil {
			t.Fatal(err)
		}
	}
	put(1)
	put(2)
	if err := s.DB().Compact(t.Context(), []byte{0}, []byte{0xff}, false); err != nil {
		t.Fatal(err)
	}
	put(3)
	tables, err := s.DB().SSTables()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, level := range tables {
		for _, table := range level {
			if table.Smallest.UserKey[0] != 'r' && table.Largest.UserKey[0] != 'r' {
				continue
			}
			data, err := fs.UnsafeGetFileDataBuffer(fmt.Sprintf("data/%06d.sst", table.FileNum))
			if err != nil {
				t.Fatal(err)
			}
			data[8] ^= 1
		}
	}
	s = open(t, fs)
	defer s.Close()
	if err := s.Webhooks("acme", func(*webhook.Webhook) {}); !errors.Is(err, store.ErrUnreadable) {
		t.Errorf("all: %v", err)
	}
	for id := int64(1); id <= 3; id++ {
		if w, err := s.Webhook("acme", id); errors.Is(err, store.ErrUnreadable) != (id < 3) || id == 3 && w.ID != 3 {
			t.Errorf("%d: %+v, %v", id, w, err)
		}
	}
}

// TestUpgradePassesOver: one that cannot be read gets no subscriber, and keeps nobody from the new layout.
func TestUpgradePassesOver(t *testing.T) {
	for _, version := range []uint32{1, 2} {
		fs := vfs.NewMem()
		s := three(t, fs)
		setFormat(t, s, version)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = open(t, fs)
		l := loaded{ByEndpoint: map[uint64]store.Groups{}, Last: map[string]int64{}, Ages: map[string]uint64{}}
		if err := s.Load(&l); err != nil {
			t.Fatal(err)
		}
		if list := subscribers(t, s, "acme"); len(list) != 2 || list[0].ID != 0 || list[1].ID != 2 {
			t.Errorf("from %d: %+v", version, list)
		}
		if n := s.Stats().UnreadableRows; n != 1 {
			t.Errorf("from %d: %d rows are counted", version, n)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
