package dispatch

import (
	"errors"
	"net"
	"time"

	"github.com/valyala/fasthttp"

	"hookline/engine/webhook"
)

// limit is how many requests may be in flight to a host at present, or to an endpoint of it that has a limit of its own, guarded by
// the host's mutex. Between 1 and [Options.HostLimit] it follows what the receiver can take by additive increase and multiplicative
// decrease, as TCP does (RFC 5681): one more for every limit's worth of successes while all of it is in use, and half as many when the
// receiver shows that it is overloaded. A host that was down begins with one, and one more for every success, which doubles it in the time of
// a request, until it is back where it was. Requests from before that are still in flight then do not count, so that one that is
// never answered does not keep the host from being tried; with them there are still no more than HostLimit.
type limit struct {
	now   int
	most  int
	fixed bool // at most, by Options.FixedLimit

	credit int       // successes since it last rose
	slow   int       // it rises with every success until it is this
	good   int       // what it was at the last success, or was to become
	since  time.Time // of the last decrease: what began before says nothing about the limit that there is now

	round                   uint64 // counts restarts
	inFlight, replays       int    // turns, and those of them that have a place among the replays
	earlier, earlierReplays int    // of them, those of earlier rounds
}

func newLimit(o *Options) limit {
	return limit{now: o.HostLimit, most: o.HostLimit, good: o.HostLimit, fixed: o.FixedLimit}
}

// room says whether there may be another worker.
func (l *limit) room(workers int) bool { return workers < l.most && workers-l.earlier < l.now }

// exceeded says whether there are more workers than there may be.
func (l *limit) exceeded(workers int) bool { return workers-l.earlier > l.now }

// begin counts a turn, and returns the round that it belongs to.
func (l *limit) begin() uint64 {
	l.inFlight++
	return l.round
}

func (l *limit) end(round uint64) {
	l.inFlight--
	if round != l.round {
		l.earlier--
	}
}

// replayRoom says whether another turn may have a place among the replays, of which there may be so many where the limit is at its
// most. Those of earlier rounds do not count, or a host for which only replays wait would not be tried before they have
// ended; with them there is still room for one that is fresh.
func (l *limit) replayRoom(most int) bool {
	return l.replays < max(1, l.most-1) && l.replays-l.earlierReplays < max(1, most*l.now/l.most)
}

// beginReplay gives a turn of a round a place among the replays.
func (l *limit) beginReplay(round uint64) {
	l.replays++
	if round != l.round {
		l.earlierReplays++
	}
}

func (l *limit) endReplay(round uint64) {
	l.replays--
	if round != l.round {
		l.earlierReplays--
	}
}

// success counts a success of an attempt that began at a time. used says that the limit, or its share for replays, was reached when it
// ended; a limit that is not needed does not rise.
func (l *limit) success(began time.Time, used bool) {
	if began.Before(l.since) {
		return
	}
	if used && l.now < l.most {
		l.credit++
		if l.now < l.slow || l.credit >= l.now {
			l.now++
			l.credit = 0
		}
	}
	l.good = max(l.now, l.slow)
}

// overload counts a sign of overload. The requests that were in flight together are one sign.
func (l *limit) overload(began, now time.Time) {
	if l.fixed || !began.After(l.since) {
		return
	}
	l.now = max(1, l.now/2)
	l.credit, l.slow, l.since = 0, 0, now
}

// restart begins anew with a host that is down.
func (l *limit) restart(now time.Time) {
	if l.fixed {
		return
	}
	l.now, l.slow = 1, l.good
	l.credit, l.since = 0, now
	l.earlier, l.earlierReplays = l.inFlight, l.replays
	l.round++
}

// overloaded says whether an attempt is a sign that the host has more to do than it can. A 429 is none of itself; see host.refused.
//
// That something was not done in time is one wherever it was the host's to do: to take the connection, since a full backlog
// of those drops what comes, to make the TLS handshake, and to answer. To look up its name is the name server's.
func overloaded(a *webhook.Attempt) bool {
	if a.Err == nil {
		return a.Status == fasthttp.StatusServiceUnavailable
	}
	var name *net.DNSError
	return isTimeout(a.Err) && !errors.As(a.Err, &name)
}
