package dispatch

import (
	"testing"
	"testing/synctest"
	"time"

	"hookline/queue"
)

// A delivery that is worth nothing any more is given up without an attempt, however long it had to wait for its first.
func TestTimeToLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.serve("h:80", status(200))
		p := jiraPolicy()
		p.TTL = time.Hour
		r.target(1, "h:80", p)
		r.pause(1, true)
		r.start().queue.accept(1, 3)
		time.Sleep(time.Hour + time.Second)
		r.queue.accept(1, 1)
		r.pause(1, false)
		r.queue.wait(4)
		if done := r.queue.count(queue.Done); done != 1 || len(r.log()) != 1 {
			t.Errorf("%d delivered in %d attempts", done, len(r.log()))
		}
		for _, o := range r.queue.dead {
			if o.Reason != queue.Exhausted || o.Attempted {
				t.Errorf("given up as %+v", o)
			}
		}
	})
}

// 410 ends the endpoint where the policy says so: Gone is called after the delivery is settled, and what is left is given up
// without attempts once the target says so.
func TestGone(t *testing.T) {
	for _, stops := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			var r *rig
			gone := 0
			r = newRig(t, func(o *Options) { o.HostLimit = 1 })
			r.serve("h:80", status(410))
			p := jiraPolicy()
			p.StopOnGone = stops
			r.target(1, "h:80", p)
			r.change(1, func(target *Target) {
				target.Gone = func() {
					if gone++; r.queue.count(queue.Dead) != 1 {
						t.Errorf("%d dead", r.queue.count(queue.Dead))
					}
					r.change(1, func(t *Target) { t.Stopped = true })
				}
			})
			r.queue.accept(1, 5)
			r.start().queue.wait(5)
			reasons := map[queue.Reason]int{}
			for _, o := range r.queue.dead {
				reasons[o.Reason]++
			}
			wantGone, wantRejected := 0, 5
			if stops {
				wantGone, wantRejected = 1, 1
			}
			if gone != wantGone || reasons[queue.Rejected] != wantRejected || reasons[queue.Disabled] != 5-wantRejected || len(r.log()) != wantRejected {
				t.Errorf("stops %v: gone %d times, %v, %d attempts", stops, gone, reasons, len(r.log()))
			}
		})
	}
}
