package crashtest

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"hookline/queue"
	"hookline/queue/internal/lab"
)

// backup makes a copy of the queue while it is in use, and compares what is in it with what there may have been meanwhile. One is
// made at a time.
func (h *hand) backup() {
	sure, dir := map[*debt]int{}, ""
	h.note(func() {
		if h.copying {
			return
		}
		h.copying = true
		h.backups++
		dir = fmt.Sprintf("backup-%d", h.backups)
		for _, msg := range h.messages {
			for _, d := range msg.debts {
				sure[d] = d.sure
			}
		}
	})
	if dir == "" {
		return
	}
	c := backup{life: h.life, plan: h.plan, database: h.mem.PathJoin(dir, databaseDir), payloads: h.mem.PathJoin(dir, payloadDir)}
	err := c.make()
	if err == nil {
		err = c.compare(sure)
	}
	err = errors.Join(err, c.close(), h.mem.RemoveAll(dir))
	h.note(func() {
		h.copying = false
		if err != nil && (h.faults == nil || !errors.Is(err, errorfs.ErrInjected)) {
			h.report.breach(Other, "a backup: %v", err)
		}
	})
}

// backup is a copy of a queue.
type backup struct {
	*life
	plan               *plan
	database, payloads string
	copy               *pebble.DB
}

// make makes the copy, in the order that queue.SideFiles asks for.
func (c *backup) make() error {
	if err := c.fs.MkdirAll(c.payloads, 0o750); err != nil {
		return err
	}
	release, err := c.q.HoldFiles()
	if err != nil {
		return err
	}
	defer release()
	if err := c.checkpoint(); err != nil {
		return err
	}
	if c.copy, err = c.disk.open(c.database, c.disk.nesting(c.mem), exits{c.life}); err != nil {
		return err
	}
	var failed error
	err = queue.SideFiles(c.copy, func(f queue.SideFile) bool {
		failed = c.fs.Link(c.fs.PathJoin(payloadDir, f.Name), c.fs.PathJoin(c.payloads, f.Name))
		return failed == nil
	})
	return errors.Join(err, failed)
}

// checkpoint makes an error of the panic by which a database answers a directory of the copy that cannot be synced.
func (c *backup) checkpoint() (err error) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case error:
			err = p
		default:
			panic(p)
		}
	}()
	return c.db.Checkpoint(c.database, pebble.WithFlushedWAL())
}

// compare opens the copy. Of each debt it has a state from the first that it could have when the copy was begun to the last that it
// can have now.
func (c *backup) compare(sure map[*debt]int) error {
	o := queue.Options{Dir: c.payloads, FS: c.mem, SideBytes: c.plan.options.SideBytes, Logger: slog.New(slog.NewTextHandler(io.Discard, nil))}
	lab.Prepare(&o, lab.Setup{Now: c.plan.setup.Now})
	q, err := queue.Open(c.copy, o)
	if err != nil {
		return err
	}
	c.note(func() {
		var found sights
		if found, err = look(q, c.model); err != nil {
			return
		}
		for d, first := range sure {
			if seen := found.at(d).state; !d.wasOnce(seen, first) {
				err = fmt.Errorf("%v is %v; it may have been %v", d, seen, d.states[first:])
			}
		}
	})
	return errors.Join(err, q.Close())
}

func (c *backup) close() error {
	if c.copy == nil {
		return nil
	}
	return c.copy.Close()
}

// wasOnce says that a debt was as it was seen, or may have been, since it was in one of its states.
func (d *debt) wasOnce(seen state, first int) bool {
	return slices.ContainsFunc(d.states[first:], seen.looksLike)
}
