package store_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"

	"hookline/engine/store"
	"hookline/engine/webhook"
	"hookline/queue"
)

// loaded collects what a store holds.
type loaded struct {
	Tenants     []webhook.Tenant
	Apps        []webhook.App
	Endpoints   []webhook.Endpoint
	Webhooks    []webhook.Webhook
	Subscribers []store.Subscriber
	Last        map[string]int64
	Ages        map[string]uint64
	LastEnd     uint64

	ByEndpoint map[uint64]store.Groups
}

func (l *loaded) Tenant(t *webhook.Tenant)             { l.Tenants = append(l.Tenants, *t) }
func (l *loaded) App(a *webhook.App)                   { l.Apps = append(l.Apps, *a) }
func (l *loaded) Endpoint(e *webhook.Endpoint)         { l.Endpoints = append(l.Endpoints, *e) }
func (l *loaded) Groups(id uint64, g store.Groups)     { l.ByEndpoint[id] = g }
func (l *loaded) LastWebhookID(tenant string, n int64) { l.Last[tenant] = n }
func (l *loaded) Generation(tenant string, n uint64)   { l.Ages[tenant] = n }
func (l *loaded) LastEndpointID(n uint64)              { l.LastEnd = n }

func load(t *testing.T, s *store.Store) loaded {
	t.Helper()
	l := loaded{ByEndpoint: map[uint64]store.Groups{}, Last: map[string]int64{}, Ages: map[string]uint64{}}
	if err := s.Load(&l); err != nil {
		t.Fatal(err)
	}
	if err := s.Webhooks("acme", func(w *webhook.Webhook) { l.Webhooks = append(l.Webhooks, *w) }); err != nil {
		t.Fatal(err)
	}
	err := s.Subscribers("acme", func(row *store.Subscriber) {
		row.Filter = bytes.Clone(row.Filter)
		l.Subscribers = append(l.Subscribers, *row)
	})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func open(t *testing.T, fs vfs.FS) *store.Store {
	t.Helper()
	s, err := store.Open("data", store.Options{FS: fs, CacheSize: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func sample() (*store.Changes, loaded) {
	now := time.Date(2026, 4, 24, 14, 24, 22, 0, time.UTC)
	owner := webhook.Owner{Tenant: "acme", App: "ci", User: "u1"}
	want := loaded{
		Tenants: []webhook.Tenant{{ID: "acme", Hosts: []string{"acme.example"}, Site: webhook.Site{EpicLink: 10008}, Tokens: []webhook.TokenHash{"ab"}, Region: "EU",
			PostFunctions: []webhook.PostFunction{{Workflow: "w", Transition: "<t>", Webhook: 1000}}}, {ID: "b"}},
		Apps: []webhook.App{{Tenant: "acme", Key: "ci", Kind: webhook.OAuth, Tokens: []webhook.AppToken{{Hash: "cd", User: "u1"}},
			Descriptor: &webhook.Descriptor{BaseURL: "https://app.example", Regions: map[string]string{"EU": "https://eu.example"}, Unsigned: true, Text: `{"key":"<ci>"}`}}},
		Endpoints: []webhook.Endpoint{{ID: 1<<40 + 7, Owner: owner, Flavor: "f", URL: "https://r.example/x?a=1&b=<2>"}},
		Webhooks: []webhook.Webhook{{
			ID: 1000, Owner: owner, Flavor: "f", Endpoint: 1<<40 + 7, URL: "https://r.example/", Filter: `status = "in <progress>"`,
			Events: []string{"jira:issue_updated"}, Created: now, Expires: now.Add(time.Hour), FieldIDs: []string{"summary"},
		}},
		ByEndpoint: map[uint64]store.Groups{1<<40 + 7: {{Alike: store.Alike{Expires: now.Add(time.Hour).UnixNano()}, Count: 1}}},
		Last:       map[string]int64{"acme": 1000}, Ages: map[string]uint64{"acme": 3}, LastEnd: 1<<40 + 7,
	}
	row := store.SubscriberOf(&want.Webhooks[0])
	row.Filter = []byte{0, 1, 255}
	want.Subscribers = []store.Subscriber{row}
	c := &store.Changes{
		PutTenants: []*webhook.Tenant{&want.Tenants[0], &want.Tenants[1]}, PutApps: []*webhook.App{&want.Apps[0]},
		PutEndpoints: []*webhook.Endpoint{&want.Endpoints[0]}, PutWebhooks: []*webhook.Webhook{&want.Webhooks[0]},
		PutFilters: []store.Filter{{Tenant: "acme", Webhook: 1000, Value: row.Filter}}, Groups: want.ByEndpoint,
		LastWebhookID: want.Last, Generations: want.Ages, LastEndpointID: want.LastEnd,
	}
	return c, want
}

func TestRowsSurviveReopening(t *testing.T) {
	fs := vfs.NewMem()
	s := open(t, fs)
	c, want := sample()
	if err := s.Apply(context.Background(), c); err != nil {
		t.Fatal(err)
	}
	key := s.IdentifierKey()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, fs)
	defer s.Close()
	if diff := cmp.Diff(want, load(t, s)); diff != "" {
		t.Error(diff)
	}
	if s.IdentifierKey() != key {
		t.Error("the identifier key changed")
	}
}

func TestDeletions(t *testing.T) {
	s := open(t, vfs.NewMem())
	defer s.Close()
	c, want := sample()
	if err := s.Apply(context.Background(), c); err != nil {
		t.Fatal(err)
	}
	err := s.Apply(context.Background(), &store.Changes{
		DeleteTenants: []string{"b"}, DeleteApps: c.PutApps, DeleteEndpoints: []uint64{want.LastEnd}, DeleteWebhooks: c.PutWebhooks,
	})
	if err != nil {
		t.Fatal(err)
	}
	want.Tenants, want.Apps, want.Endpoints, want.Webhooks, want.Subscribers = want.Tenants[:1], nil, nil, nil, nil
	clear(want.ByEndpoint)
	if diff := cmp.Diff(want, load(t, s)); diff != "" {
		t.Error(diff)
	}
}

// Power is lost right after Apply returned: everything unsynced is gone, what was applied is not.
func TestApplySurvivesPowerLoss(t *testing.T) {
	fs := vfs.NewCrashableMem()
	s := open(t, fs)
	c, want := sample()
	if err := s.Apply(context.Background(), c); err != nil {
		t.Fatal(err)
	}
	crashed := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 0})
	s.Close()
	s = open(t, crashed)
	defer s.Close()
	if diff := cmp.Diff(want, load(t, s)); diff != "" {
		t.Error(diff)
	}
}

// Replays are there after a loss of power right after they were put, as they were last put; those of tenants whose
// ids begin alike are kept apart.
func TestReplaysSurvivePowerLoss(t *testing.T) {
	fs := vfs.NewCrashableMem()
	s := open(t, fs)
	created := time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC)
	running := &webhook.Replay{
		ID: "B", Tenant: "acme", Generation: 2, Rate: 100, State: webhook.ReplayRunning, Selected: -1, Created: created,
		Selection: webhook.Selection{
			Status: webhook.StatusDead, Webhook: 1000, Reason: "exhausted", From: created.Add(-time.Hour), Until: created,
			Events: []string{"comment_created"}, JQL: `status = "in <progress>"`,
		},
	}
	other := &webhook.Replay{ID: "A", Tenant: "acme2", State: webhook.ReplayDone, Selected: 3, Sent: 2, Skipped: 1, Ended: created, Mark: "m"}
	gone := &webhook.Replay{ID: "C", Tenant: "acme"}
	for _, r := range []*webhook.Replay{running, other, gone} {
		if err := s.PutReplay(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.DeleteReplays([]*webhook.Replay{gone}); err != nil {
		t.Fatal(err)
	}
	running.Selected, running.Sent, running.Mark = 9, 4, "further"
	if err := s.PutReplay(running); err != nil {
		t.Fatal(err)
	}
	crashed := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 0})
	s.Close()
	s = open(t, crashed)
	defer s.Close()
	list, err := s.Replays()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]*webhook.Replay{running, other}, list); diff != "" {
		t.Error(diff)
	}
}

func TestSecondOpenIsRefused(t *testing.T) {
	dir := t.TempDir()
	s, err := store.Open(dir, store.Options{CacheSize: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := store.Open(dir, store.Options{CacheSize: 1 << 20}); !errors.Is(err, store.ErrInUse) {
		t.Errorf("got %v, want ErrInUse", err)
	}
}

func TestOtherFormatIsRefused(t *testing.T) {
	fs := vfs.NewMem()
	s := open(t, fs)
	if err := s.DB().Set([]byte("s/format"), binary.BigEndian.AppendUint32(nil, store.Format+1), pebble.Sync); err != nil {
		t.Fatal(err)
	}
	s.Close()
	if _, err := store.Open("data", store.Options{FS: fs}); !errors.Is(err, store.ErrFormat) {
		t.Errorf("got %v, want ErrFormat", err)
	}
}

// The store and the queue share one database and must not share a prefix.
func TestPrefixesAreOurs(t *testing.T) {
	s := open(t, vfs.NewMem())
	defer s.Close()
	c, _ := sample()
	if err := s.Apply(context.Background(), c); err != nil {
		t.Fatal(err)
	}
	if err := s.PutReplay(&webhook.Replay{ID: "1", Tenant: "acme"}); err != nil {
		t.Fatal(err)
	}
	it, err := s.DB().NewIter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer it.Close()
	for it.First(); it.Valid(); it.Next() {
		if strings.ContainsRune(queue.Prefixes(), rune(it.Key()[0])) {
			t.Errorf("key %q begins like one of the queue's", it.Key())
		}
	}
}

func TestUseAfterClose(t *testing.T) {
	s := open(t, vfs.NewMem())
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	c, _ := sample()
	if err := s.Apply(context.Background(), c); !errors.Is(err, store.ErrClosed) {
		t.Errorf("Apply: %v", err)
	}
	if err := s.Load(&loaded{}); !errors.Is(err, store.ErrClosed) {
		t.Errorf("Load: %v", err)
	}
	if err := s.PutReplay(&webhook.Replay{ID: "1", Tenant: "acme"}); !errors.Is(err, store.ErrClosed) {
		t.Errorf("PutReplay: %v", err)
	}
	if _, err := s.Replays(); !errors.Is(err, store.ErrClosed) {
		t.Errorf("Replays: %v", err)
	}
	if got := s.Stats(); got != (store.Stats{}) {
		t.Errorf("Stats: %+v", got)
	}
	if err := s.Close(); err != nil {
		t.Errorf("a second Close: %v", err)
	}
}
