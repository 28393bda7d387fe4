package store_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"hookline/engine/store"
	"hookline/engine/webhook"
)

// subscribers reads those of a tenant.
func subscribers(t interface{ Fatal(...any) }, s *store.Store, tenant string) (list []store.Subscriber) {
	err := s.Subscribers(tenant, func(row *store.Subscriber) {
		row.Filter = bytes.Clone(row.Filter)
		list = append(list, *row)
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// TestSubscribers: whatever is put and deleted, there is one for each webhook, as that is, with the filter that was put last.
func TestSubscribers(t *testing.T) {
	s := open(t, vfs.NewMem())
	defer s.Close()
	rapid.Check(t, func(rt *rapid.T) {
		want := map[int64]store.Subscriber{}
		var all store.Changes
		for range rapid.IntRange(1, 20).Draw(rt, "changes") {
			var c store.Changes
			id := rapid.Int64Range(1, 5).Draw(rt, "id")
			w := &webhook.Webhook{ID: id, Owner: webhook.Owner{Tenant: "acme"}, Endpoint: rapid.Uint64().Draw(rt, "endpoint"), Filter: rapid.StringN(0, 3, 9).Draw(rt, "filter")}
			if rapid.Bool().Draw(rt, "expires") {
				w.Expires = time.Unix(0, rapid.Int64Min(1).Draw(rt, "at"))
			}
			w.Events = rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b"}), 0, 2).Draw(rt, "events")
			if rapid.Bool().Draw(rt, "settings") {
				w.Settings = &webhook.Settings{Disabled: rapid.Bool().Draw(rt, "disabled")}
			}
			old, there := want[id]
			switch rapid.IntRange(0, 3).Draw(rt, "change") {
			case 0:
				c.DeleteWebhooks = []*webhook.Webhook{w}
				delete(want, id)
			case 1:
				if !there {
					continue
				}
				old.Filter = []byte{byte(id), 0}
				want[id] = old
				c.PutFilters = []store.Filter{{Tenant: "acme", Webhook: id, Value: old.Filter}}
			case 2:
				row := store.SubscriberOf(w)
				row.Filter = old.Filter
				want[id] = row
				c.PutWebhooks = []*webhook.Webhook{w}
			case 3:
				row := store.SubscriberOf(w)
				row.Filter = []byte(w.Filter + "!")
				want[id] = row
				c.PutWebhooks, c.PutFilters = []*webhook.Webhook{w}, []store.Filter{{Tenant: "acme", Webhook: id, Value: row.Filter}}
			}
			all.DeleteWebhooks = append(all.DeleteWebhooks, w)
			if err := s.Apply(context.Background(), &c); err != nil {
				rt.Fatal(err)
			}
		}
		var list []store.Subscriber
		for id := range int64(6) {
			if row, ok := want[id]; ok {
				list = append(list, row)
			}
		}
		if diff := cmp.Diff(list, subscribers(rt, s, "acme")); diff != "" {
			rt.Fatal(diff)
		}
		if err := s.Apply(context.Background(), &all); err != nil {
			rt.Fatal(err)
		}
	})
}

// TestTexts: what stands for the texts of a webhook differs where one of them does, or is in another list.
func TestTexts(t *testing.T) {
	seen := map[[8]byte]string{}
	for _, w := range []webhook.Webhook{
		{}, {Filter: "a"}, {Filter: "ab"}, {Events: []string{"a"}}, {Events: []string{"a", "b"}}, {Events: []string{"ab"}}, {FieldIDs: []string{"a"}},
		{PropertyKeys: []string{"a"}}, {Filter: "a", Events: []string{"b"}}, {Filter: "a", FieldIDs: []string{"b"}},
	} {
		texts, is := store.SubscriberOf(&w).Texts, fmt.Sprintf("%+v", w)
		if other, known := seen[texts]; known {
			t.Errorf("%s and %s have the same", is, other)
		}
		seen[texts] = is
		w.ID, w.URL, w.Expires, w.Settings = 7, "https://r", time.Now(), &webhook.Settings{Name: "n"}
		if store.SubscriberOf(&w).Texts != texts {
			t.Errorf("%s: others of its members count", is)
		}
	}
}

// TestUpgradeOfFilters: a store of version 2 gets subscribers of all webhooks, and loses what it had in their place.
func TestUpgradeOfFilters(t *testing.T) {
	fs := vfs.NewMem()
	s := open(t, fs)
	c, want := sample()
	for n := range int64(25_000) {
		c.PutWebhooks = append(c.PutWebhooks, &webhook.Webhook{ID: 2000 + n, Owner: webhook.Owner{Tenant: "b"}, Endpoint: 5})
	}
	if err := s.Apply(context.Background(), c); err != nil {
		t.Fatal(err)
	}
	setFormat(t, s, 2)
	old := []byte("cacme\x00\x00\x00\x00\x00\x00\x00\x03\xe8")
	half := []byte("jacme\x00\x00\x00\x00\x00\x00\x00\x03\xe9") // of an upgrade that ended half-way, and a webhook that an older program deleted after it
	for _, err := range []error{
		s.DB().DeleteRange([]byte("j"), []byte("k"), pebble.Sync), s.DB().Set(old, []byte("stamp and filter"), pebble.Sync), s.DB().Set(half, nil, pebble.Sync), s.Close(),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	o := store.Options{FS: fs, CacheSize: 1 << 20}
	if r, err := store.Verify(context.Background(), "data", o); err != nil || r.Store != 2 || len(r.Problems) != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	s = open(t, fs)
	want.Subscribers[0].Filter = nil
	is := load(t, s)
	is.Endpoints, is.ByEndpoint = want.Endpoints, want.ByEndpoint
	if diff := cmp.Diff(want, is); diff != "" {
		t.Error(diff)
	}
	if list := subscribers(t, s, "b"); len(list) != 25_000 || !slices.IsSortedFunc(list, func(a, b store.Subscriber) int { return int(a.ID - b.ID) }) || list[24_999].Endpoint != 5 {
		t.Errorf("%d subscribers", len(list))
	}
	if _, _, err := s.DB().Get(old); err != pebble.ErrNotFound {
		t.Errorf("the old row: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if r, err := store.Verify(context.Background(), "data", o); err != nil || r.Store != store.Format || len(r.Problems) > 0 {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestCorruptSubscribers: a row that is none is an error; a filter that is nobody's is passed over.
func TestCorruptSubscribers(t *testing.T) {
	const first = "jacme\x00\x00\x00\x00\x00\x00\x00\x03\xe8"
	good := "\x01textual.\x05\x00"
	for name, tt := range map[string]struct {
		key, value string
		wrong      bool
	}{
		"as it is":             {first, good, false},
		"nobody's filter":      {"jacme\x00\x00\x00\x00\x00\x00\x00\x03\xe9\x00", "?", false},
		"empty":                {first, "", true},
		"cut short":            {first, good[:len(good)-1], true},
		"cut shorter":          {first, good[:9], true},
		"with more behind it":  {first, good + "\x00", true},
		"a flag of no meaning": {first, "\x04" + good[1:], true},
		"half a number":        {"jacme\x00\x00\x00", good, true},
		"too much number":      {first + "\x01", good, true},
	} {
		t.Run(name, func(t *testing.T) {
			fs := vfs.NewMem()
			s := open(t, fs)
			c, _ := sample()
			c.PutFilters = nil
			if err := s.Apply(context.Background(), c); err != nil {
				t.Fatal(err)
			}
			if err := s.DB().Set([]byte(tt.key), []byte(tt.value), pebble.Sync); err != nil {
				t.Fatal(err)
			}
			n := 0
			if err := s.Subscribers("acme", func(row *store.Subscriber) {
				if n++; row.Filter != nil {
					t.Errorf("%d has the filter of another", row.ID)
				}
			}); (err != nil) != tt.wrong || !tt.wrong && n != 1 {
				t.Errorf("%d, %v", n, err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			r, err := store.Verify(context.Background(), "data", store.Options{FS: fs, CacheSize: 1 << 20})
			if err != nil || len(r.Problems) > 0 != tt.wrong {
				t.Errorf("%+v, %v", r.Problems, err)
			}
		})
	}
}
