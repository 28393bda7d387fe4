package dispatch

import (
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"hookline/engine/egress"
)

const (
	// proxyFailures is the number of connections to the egress proxy that fail one after the other, after which it is left
	// alone.
	proxyFailures = 5

	// Before that an endpoint whose connection failed waits for firstProxyWait. The others do not: of many connections some fail at
	// a proxy that works.
	firstProxyWait = proxyWait / 10

	// It is left alone for proxyWait, twice as long with every further failure, up to maxProxyWait.
	proxyWait    = time.Second
	maxProxyWait = 30 * time.Second
)

// proxyState is what is known of the way out that all hosts share. As long as it is closed nothing is taken from the queue:
// that uses up no attempt, writes nothing, and is held against no host.
type proxyState struct {
	failures atomic.Uint64 // since New
	failed   atomic.Int64  // in a row; what need not wait looks at this alone

	mu    sync.Mutex
	since time.Time     // what began before is no news
	until time.Time     // nothing is attempted before, but by the turn that goes first
	wait  time.Duration // 0 where nothing has to wait
}

// closedFor returns how long a turn has to wait, 0 where it may go on. After each wait one turn goes first.
func (p *proxyState) closedFor() time.Duration {
	if p.failed.Load() < proxyFailures {
		return 0
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if left := p.until.Sub(now); left > 0 {
		return left + time.Duration(rand.Float64()*float64(p.wait)/5)
	}
	if p.wait > 0 {
		p.since, p.until = now, now.Add(p.wait)
	}
	return 0
}

// fail notes that a connection which was begun at a time did not reach the proxy, and reports whether that is left alone from now on.
func (p *proxyState) fail(start time.Time) (held bool) {
	p.failures.Add(1)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failed.Add(1) < proxyFailures || p.wait > 0 && start.Before(p.since) {
		return false
	}
	held = p.wait == 0
	now := time.Now()
	p.wait = min(max(2*p.wait, proxyWait), maxProxyWait)
	p.since, p.until = now, now.Add(p.wait)
	return held
}

// pass notes that the proxy was reached, and reports whether anything has waited for that.
func (p *proxyState) pass() bool {
	if p.failed.Load() == 0 {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	held := p.wait > 0
	p.failed.Store(0)
	p.wait, p.until = 0, time.Time{}
	return held
}

// errNoProxy ends an attempt that was none.
var errNoProxy = errors.New("the egress proxy cannot be reached")

// wayOutFailed has the endpoint of a turn wait a little before it is tried again. It comes before the delivery is given back, which
// wakes the endpoint.
func (h *host) wayOutFailed(t *turn) {
	wait := firstProxyWait + time.Duration(rand.Float64()*float64(firstProxyWait)/5)
	h.mu.Lock()
	h.holdBack(t.member, time.Now().Add(wait))
	h.mu.Unlock()
}

// waits says whether the endpoint of a turn was held back since the turn began: another turn of it has met the way out that fails.
func (h *host) waits(t *turn) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.held[t.endpoint].After(time.Now())
}

// dialled sees to what a connection that was opened, or was to be, says of the proxy. Requests on connections that were kept
// say nothing: a proxy may go on with those and take no others.
func (d *Dispatcher) dialled(err error, start time.Time) {
	var unreached *egress.ProxyError
	var refused *egress.TunnelError
	switch {
	case errors.As(err, &unreached):
		if d.proxy.fail(start) {
			d.opts.Logger.Error("the egress proxy cannot be reached: all deliveries wait for it", "err", unreached.Err)
		}
	case err != nil && !errors.As(err, &refused): // which need not have come as far as the proxy
	case d.proxy.pass():
		d.opts.Logger.Info("the egress proxy is reached again")
	}
}
