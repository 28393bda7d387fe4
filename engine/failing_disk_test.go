package engine

import (
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"hookline/engine/store"
	"hookline/engine/webhook"
	"hookline/queue"
)

// While the rows of failing endpoints wait for the disk, attempts are judged; and a row that is being written for an endpoint whose
// failure ends meanwhile is gone in the end.
func TestNobodyWaitsForTheRows(t *testing.T) {
	var slow atomic.Bool
	syncing, goOn := make(chan struct{}), make(chan struct{})
	fs := errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if (op.Kind == errorfs.OpFileSync || op.Kind == errorfs.OpFileSyncData) && slow.CompareAndSwap(true, false) {
			close(syncing)
			<-goOn
		}
		return nil
	}))
	rows, err := store.Open("db", store.Options{FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	f := failing{rows: rows}
	now := time.Unix(1000, 0)
	for id := range uint64(3) {
		f.begin(&webhook.Endpoint{ID: id}, now)
	}
	slow.Store(true)
	kept := make(chan error)
	go func() { kept <- f.keep(now, false) }()
	<-syncing
	judged := make(chan struct{})
	go func() {
		f.begin(&webhook.Endpoint{ID: 0}, now).attempts.Add(1)
		f.begin(&webhook.Endpoint{ID: 1, Epoch: 1}, now)
		f.begin(&webhook.Endpoint{ID: 7}, now)
		f.forget(7)
		close(judged)
	}()
	<-judged // never, where attempts wait for the disk
	forgotten := make(chan struct{})
	go func() {
		f.forget(2)
		close(forgotten)
	}()
	for f.of(2) != nil {
		runtime.Gosched()
	}
	close(goOn)
	if err := <-kept; err != nil {
		t.Fatal(err)
	}
	<-forgotten
	if err := f.keep(now, false); err != nil {
		t.Fatal(err)
	}
	list, _, err := rows.Failing()
	if err != nil {
		t.Fatal(err)
	}
	got := map[queue.EndpointID]uint64{}
	for _, row := range list {
		got[queue.EndpointID(row.Endpoint)] = row.Epoch
	}
	if len(got) != 2 || got[0] != 0 || got[1] != 1 {
		t.Errorf("rows %v", list)
	}
}
