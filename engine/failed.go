package engine

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"hookline/engine/flavor"
	"hookline/engine/registry"
	"hookline/engine/webhook"
	"hookline/queue"
)

// maxFailures is how much of bodies a list of failures holds at most before it ends, in bytes.
const maxFailures = 32 << 20

// Failed lists the deliveries of an owner under one flavour that were given up, oldest first, as long as they are kept
// (Options.KeepDead): q.Size of them, or fewer where their bodies are large, and then those that were given up in the
// same millisecond as the last. Those of the present millisecond are left for the next call. So a caller that goes
// on from the millisecond after the last one misses none and sees none twice.
//
// Bodies are read for those alone that are listed. What is listed is durable.
func (e *Engine) Failed(ctx context.Context, owner webhook.Owner, name string, q flavor.FailureQuery) ([]flavor.Failure, error) {
	until := time.Now().Truncate(time.Millisecond)
	err := e.queue.Flush(ctx) // what was given up until now is in sight after that
	if errors.Is(err, queue.ErrClosed) {
		return nil, registry.ErrClosed
	}
	if err != nil {
		return nil, err
	}
	q.Size = max(q.Size, 1)
	var letters []queue.DeadLetter
	for _, ep := range e.registry.EndpointsOf(owner, name) {
		of, err := e.letters(queue.EndpointID(ep.ID), &q, until)
		if err != nil {
			return nil, err
		}
		letters = append(letters, of...)
	}
	slices.SortFunc(letters, func(a, b queue.DeadLetter) int {
		return cmp.Or(a.Died.Compare(b.Died), cmp.Compare(a.Event, b.Event), cmp.Compare(a.Endpoint, b.Endpoint))
	})
	return e.failures(letters, q.Size)
}

// letters returns the first dead letters of an endpoint that are asked for. They come in order of time.
func (e *Engine) letters(id queue.EndpointID, q *flavor.FailureQuery, until time.Time) ([]queue.DeadLetter, error) {
	var list []queue.DeadLetter
	walk := oldest(id)
	walk.From, walk.Until = q.From, until
	err := e.queue.DeadLetters(walk, func(l queue.DeadLetter) bool {
		if len(list) >= q.Size && !together(&list[len(list)-1], &l) {
			return false
		}
		if q.Reason == "" || q.Reason == reasonLabel(l.Reason) {
			list = append(list, l)
		}
		return true
	})
	return list, err
}

// oldest selects what belongs to an endpoint, oldest first.
func oldest(id queue.EndpointID) queue.Select {
	return queue.Select{Endpoints: []queue.EndpointID{id}, Oldest: true}
}

// together says whether two deliveries were given up in the same millisecond, which is all that clients see of the
// time.
func together(a, b *queue.DeadLetter) bool { return a.Died.UnixMilli() == b.Died.UnixMilli() }

// failures reads what belongs to dead letters, until the list is full.
func (e *Engine) failures(letters []queue.DeadLetter, size int) ([]flavor.Failure, error) {
	var list []flavor.Failure
	bytes := 0
	for i := range letters {
		l := &letters[i]
		if (len(list) >= size || bytes > maxFailures) && !together(&letters[i-1], l) {
			break
		}
		ep, ok := e.registry.Endpoint(uint64(l.Endpoint))
		if !ok {
			continue
		}
		f := flavor.Failure{
			Identifier: e.names.delivery(l.Event, l.Endpoint), Endpoint: ep, Reason: reasonLabel(l.Reason),
			Time: l.Died, Attempts: l.Attempts, LastStatus: l.LastStatus,
		}
		payload, ok, err := e.queue.Payload(l.Event)
		if err != nil {
			return nil, err
		}
		if ok {
			if _, _, f.Body, err = splitPayload(payload); err != nil {
				return nil, err
			}
		}
		if f.Webhooks, err = appendIDs(nil, l.Note); err != nil {
			return nil, err
		}
		bytes += len(f.Body)
		list = append(list, f)
	}
	return list, nil
}

// listed says whether there are deliveries of an endpoint that were given up and are still kept.
func (e *Engine) listed(endpoint uint64) bool {
	any := false
	err := e.queue.DeadLetters(oldest(queue.EndpointID(endpoint)), func(queue.DeadLetter) bool {
		any = true
		return false
	})
	return any || err != nil
}
