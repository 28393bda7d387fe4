package engine_test

import (
	"errors"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"hookline/engine"
	"hookline/engine/store"
	"hookline/engine/webhook"
	"hookline/queue"
)

// As the room on the disk goes, events are refused first and replays wait next; what waits is delivered all along.
func TestRoomOnTheDisk(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		fs := vfs.NewMem()
		room := func(e *engine.Engine, free uint64, want store.Level) {
			t.Helper()
			fs.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: free, TotalBytes: 10_000})
			time.Sleep(2 * time.Second)
			if got := e.Space(); got.Level != want || got.Free != free {
				t.Fatalf("%+v, want %v", got, want)
			}
		}
		fs.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: 5000, TotalBytes: 10_000})
		const n = 4
		r := newReceiver(t, refusing(n))
		e := open(t, options(fs, r))
		install(t, e)
		letters(t, e, r, numbered(n)...)
		pause(t, e, true)
		publish(t, e, webhook.Event{Body: body("EX", 100)})

		room(e, 999, store.Low)
		_, err := e.Publish(ctx, webhook.Event{Tenant: owner.Tenant, Body: body("EX", 101)})
		if !errors.Is(err, queue.ErrReadOnly) {
			t.Errorf("an event: %v", err)
		}
		pause(t, e, false)
		r.wait(t, 1)

		one := webhook.Selection{Status: webhook.StatusDead}
		id := start(t, e, one, 1).ID // one a second
		r.wait(t, 1)
		room(e, 299, store.Scarce)
		if _, err := e.StartReplay(ctx, owner.Tenant, one, 1); !errors.Is(err, queue.ErrReadOnly) {
			t.Errorf("a replay: %v", err)
		}
		sent := func() int {
			now, err := e.Replay(owner.Tenant, id)
			if err != nil || now.State != webhook.ReplayRunning && now.Sent < n {
				t.Fatalf("%+v, %v", now, err)
			}
			return now.Sent
		}
		before := sent()
		time.Sleep(time.Minute)
		if after := sent(); after != before || after == n {
			t.Errorf("%d were sent, then %d", before, after)
		}
		room(e, 5000, store.Ample)
		time.Sleep(time.Minute)
		if sent() != n {
			t.Errorf("%d were sent", sent())
		}
		publish(t, e, webhook.Event{Body: body("EX", 102)})
		if err := e.Close(ctx); err != nil {
			t.Error(err)
		}
	})
}
