package dispatch

import (
	"testing"
	"testing/synctest"

	"hookline/engine/flavor/jira"
	"hookline/queue"
)

// The seed guide's schedule by all of the way that a delivery takes: 100,000 of them that nobody takes.
func TestSeedScheduleByTheDispatcher(t *testing.T) {
	if testing.Short() {
		t.Skip("makes 600,000 attempts")
	}
	synctest.Test(t, func(t *testing.T) {
		const endpoints, each = 1000, 100
		r := newRig(t, func(o *Options) { o.HostLimit, o.Breaker.Failures = endpoints*each, -1 }).start()
		for i := range queue.EndpointID(endpoints) {
			r.target(i+1, "a:80", jira.Seed())
			r.queue.accept(i+1, each)
		}
		r.queue.wait(endpoints * each)
		checkSchedule(t, r.log(), endpoints*each)
	})
}
