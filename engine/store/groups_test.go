package store_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"

	"hookline/engine/store"
	"hookline/engine/webhook"
)

// TestGroups: webhooks are counted with those that are like them, whatever comes and goes.
func TestGroups(t *testing.T) {
	yes, no := true, false
	at := time.Date(2026, 4, 24, 14, 24, 22, 123456789, time.UTC)
	plain := &webhook.Webhook{}
	first := &webhook.Webhook{Expires: at}
	second := &webhook.Webhook{Expires: at.In(time.FixedZone("", 3600)), Settings: &webhook.Settings{Name: "n"}} // like the first
	kept := &webhook.Webhook{Expires: at, Settings: &webhook.Settings{AutoExtend: &yes}}
	left := &webhook.Webhook{Expires: at, Settings: &webhook.Settings{AutoExtend: &no}}
	signed := &webhook.Webhook{Settings: &webhook.Settings{Secret: "s"}}
	var g store.Groups
	for _, w := range []*webhook.Webhook{plain, first, second, kept, left, signed, first} {
		g = g.Add(w, 1)
	}
	g = g.Add(plain, -1).Add(second, -1)
	g = g.Add(&webhook.Webhook{Expires: at.Add(1)}, -1) // which is not there
	want := store.Groups{
		{Alike: store.Alike{Expires: at.UnixNano()}, Count: 2},
		{Alike: store.Alike{Expires: at.UnixNano(), AutoExtend: 1}, Count: 1},
		{Alike: store.Alike{Expires: at.UnixNano(), AutoExtend: -1}, Count: 1},
		{Alike: store.Alike{Secret: true}, Count: 1},
	}
	if diff := cmp.Diff(want, g); diff != "" {
		t.Error(diff)
	}
	if n := g.Webhooks(); n != 5 {
		t.Errorf("%d webhooks", n)
	}
	if a := store.AlikeOf(first); a.Expired(at.Add(-1)) || !a.Expired(at) || (store.Alike{}).Expired(at) {
		t.Error("it expires at another time")
	}
}

// older makes a store of version 1: webhooks, and neither groups nor subscribers.
func older(t *testing.T, fs vfs.FS) *store.Changes {
	t.Helper()
	s := open(t, fs)
	defer func() {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}()
	c := &store.Changes{PutTenants: []*webhook.Tenant{{ID: "acme"}}}
	for e := range 3 {
		c.PutEndpoints = append(c.PutEndpoints, &webhook.Endpoint{ID: uint64(e), Owner: webhook.Owner{Tenant: "acme"}})
		for i := range e {
			c.PutWebhooks = append(c.PutWebhooks, &webhook.Webhook{ID: int64(10*e + i), Owner: webhook.Owner{Tenant: "acme"}, Endpoint: uint64(e)})
		}
	}
	if err := s.Apply(context.Background(), c); err != nil {
		t.Fatal(err)
	}
	setFormat(t, s, 1)
	if err := s.DB().DeleteRange([]byte("j"), []byte("k"), pebble.Sync); err != nil {
		t.Fatal(err)
	}
	return c
}

// setFormat makes a store one of an older version by its word.
func setFormat(t *testing.T, s *store.Store, version uint32) {
	t.Helper()
	if err := s.DB().Set([]byte("s/format"), binary.BigEndian.AppendUint32(nil, version), pebble.Sync); err != nil {
		t.Fatal(err)
	}
}

var upgraded = map[uint64]store.Groups{1: {{Count: 1}}, 2: {{Count: 2}}}

// TestUpgrade: an older store gets its groups when it is first loaded, and not before, and once.
func TestUpgrade(t *testing.T) {
	fs := vfs.NewMem()
	older(t, fs)
	o := store.Options{FS: fs, CacheSize: 1 << 20}
	s := open(t, fs)
	if b, err := s.Backup(context.Background(), "backup", nil); err != nil || b.Store != 1 {
		t.Fatalf("a backup of version %+v, %v", b, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if r, err := store.Verify(context.Background(), "data", o); err != nil || r.Store != 1 || len(r.Problems) > 0 {
		t.Fatalf("%+v, %v", r, err)
	}
	s = open(t, fs)
	if diff := cmp.Diff(upgraded, load(t, s).ByEndpoint); diff != "" {
		t.Error(diff)
	}
	if err := s.Apply(context.Background(), &store.Changes{Groups: map[uint64]store.Groups{1: nil, 2: {{Count: 7}}}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, fs)
	if diff := cmp.Diff(map[uint64]store.Groups{2: {{Count: 7}}}, load(t, s).ByEndpoint); diff != "" {
		t.Error(diff)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if r, err := store.Verify(context.Background(), "data", o); err != nil || r.Store != store.Format || len(r.Problems) > 0 {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := store.Restore(context.Background(), fs, "backup", "restored"); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open("restored", o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if diff := cmp.Diff(upgraded, load(t, s).ByEndpoint); diff != "" {
		t.Error(diff)
	}
}

// TestUpgradeAgain: one that ended half-way is begun anew.
func TestUpgradeAgain(t *testing.T) {
	fs := vfs.NewMem()
	older(t, fs)
	s := open(t, fs)
	half := map[uint64]store.Groups{2: {{Count: 1}}, 9: {{Count: 3}}} // the second endpoint's is wrong, and one is nobody's
	if err := s.Apply(context.Background(), &store.Changes{Groups: half}); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if diff := cmp.Diff(upgraded, load(t, s).ByEndpoint); diff != "" {
		t.Error(diff)
	}
}

// TestWebhooksOfATenant: those of one tenant are read, and of no other whose id begins alike.
func TestWebhooksOfATenant(t *testing.T) {
	s := open(t, vfs.NewMem())
	c := &store.Changes{}
	for _, id := range []string{"a", "a-", "a0", "ab", "b"} {
		for n := range int64(2) {
			c.PutWebhooks = append(c.PutWebhooks, &webhook.Webhook{ID: 255 + n, Owner: webhook.Owner{Tenant: id}, Filter: id})
			c.PutFilters = append(c.PutFilters, store.Filter{Tenant: id, Webhook: 255 + n, Value: []byte(id)})
		}
	}
	if err := s.Apply(context.Background(), c); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"a", "a-", "a0", "ab", "b", "c"} {
		var got string
		if err := s.Webhooks(id, func(w *webhook.Webhook) { got += fmt.Sprint(w.Filter, w.ID, " ") }); err != nil {
			t.Fatal(err)
		}
		if err := s.Subscribers(id, func(row *store.Subscriber) { got += fmt.Sprint(string(row.Filter), row.ID, " ") }); err != nil {
			t.Fatal(err)
		}
		want := fmt.Sprintf("%[1]s255 %[1]s256 %[1]s255 %[1]s256 ", id)
		if id == "c" {
			want = ""
		}
		if got != want {
			t.Errorf("%s has %q, want %q", id, got, want)
		}
		w, err := s.Webhook(id, 256)
		if err != nil || (w == nil) != (id == "c") || w != nil && (w.ID != 256 || w.Filter != id) {
			t.Errorf("%s: %+v, %v", id, w, err)
		}
	}
	if w, err := s.Webhook("a", 257); w != nil || err != nil {
		t.Errorf("%+v, %v", w, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Webhooks("a", func(*webhook.Webhook) {}); err != store.ErrClosed {
		t.Error(err)
	}
	if _, err := s.Webhook("a", 256); err != store.ErrClosed {
		t.Error(err)
	}
	if err := s.Subscribers("a", func(*store.Subscriber) {}); err != store.ErrClosed {
		t.Error(err)
	}
}

// TestCorruptGroups: a row of groups that is none has all made anew, as the endpoint would seem to be without webhooks.
func TestCorruptGroups(t *testing.T) {
	second := append([]byte{'z'}, binary.BigEndian.AppendUint64(nil, 2)...)
	for name, row := range map[string]struct{ key, value []byte }{
		"cut short":          {second, []byte(`[{"co`)},
		"empty":              {second, nil},
		"of none":            {second, []byte("[]")},
		"null":               {second, []byte("null")},
		"a negative count":   {second, []byte(`[{"count":-2}]`)},
		"of no endpoint":     {[]byte("z"), []byte(`[{"count":2}]`)},
		"of half a number":   {[]byte("z\x00\x00\x00"), []byte(`[{"count":2}]`)},
		"of too much number": {append(second[:9:9], 0), []byte(`[{"count":2}]`)},
	} {
		t.Run(name, func(t *testing.T) {
			fs := vfs.NewMem()
			older(t, fs)
			s := open(t, fs)
			load(t, s) // which upgrades it
			if err := s.DB().Set(row.key, row.value, pebble.Sync); err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if r, err := store.Verify(context.Background(), "data", store.Options{FS: fs, CacheSize: 1 << 20}); err != nil || len(r.Problems) != 1 {
				t.Errorf("%+v, %v", r.Problems, err)
			}
			s = open(t, fs)
			defer s.Close()
			if diff := cmp.Diff(upgraded, load(t, s).ByEndpoint); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestCorruptRows: rows that are cut short are an error where they are needed, and passed over where they are not.
func TestCorruptRows(t *testing.T) {
	for _, key := range []string{"nacme", "gacme", "o"} {
		s := open(t, vfs.NewMem())
		if err := s.DB().Set([]byte(key), []byte{0, 1}, pebble.Sync); err != nil {
			t.Fatal(err)
		}
		if err := s.Load(&loaded{}); err == nil {
			t.Errorf("%s was loaded", key)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
