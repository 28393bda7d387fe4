package dispatch

import "time"

// crew are the goroutines that workers run on. One whose worker has left waits a little for the next worker to
// start, because a new goroutine has to grow its stack again before it has sent anything.
type crew struct {
	hosts chan *host    // unbuffered: whoever receives waits
	over  chan struct{} // closed when nobody need wait any more
}

// lingering is how long a goroutine waits for its next worker.
const lingering = time.Second

func newCrew() crew {
	return crew{hosts: make(chan *host), over: make(chan struct{})}
}

// start runs a worker of the host, for which there is room.
func (c *crew) start(h *host) {
	select {
	case c.hosts <- h:
	default:
		go c.run(h)
	}
}

func (c *crew) run(h *host) {
	patience := time.NewTimer(lingering)
	defer patience.Stop()
	for {
		h.work()
		patience.Reset(lingering)
		select {
		case h = <-c.hosts:
		case <-patience.C:
			return
		case <-c.over:
			return
		}
	}
}
