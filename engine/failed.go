package engine

import (
	"cmp"
	"slices"
	"time"

	"hookline/engine/flavor"
	"hookline/engine/webhook"
	"hookline/queue"
)

// Failed lists the deliveries of an owner under one flavour that were given up at a time or later, oldest first, as
// long as they are kept (Options.KeepDead): size of them, and then those that were given up in the same millisecond as
// the last. Bodies are read for those alone that are listed.
func (e *Engine) Failed(owner webhook.Owner, name string, from time.Time, size int) ([]flavor.Failure, error) {
	var letters []queue.DeadLetter
	for _, ep := range e.registry.EndpointsOf(owner, name) {
		id := queue.EndpointID(ep.ID)
		err := e.queue.DeadLetters(&id, func(l queue.DeadLetter) bool {
			if !l.Died.Before(from) {
				letters = append(letters, l)
			}
			return true
		})
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(letters, func(a, b queue.DeadLetter) int {
		return cmp.Or(a.Died.Compare(b.Died), cmp.Compare(a.Event, b.Event), cmp.Compare(a.Endpoint, b.Endpoint))
	})
	if size = max(size, 1); len(letters) > size {
		end := size
		for end < len(letters) && letters[end].Died.UnixMilli() == letters[size-1].Died.UnixMilli() {
			end++
		}
		letters = letters[:end]
	}
	return e.failures(letters)
}

func (e *Engine) failures(letters []queue.DeadLetter) ([]flavor.Failure, error) {
	list := make([]flavor.Failure, 0, len(letters))
	for _, l := range letters {
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
		list = append(list, f)
	}
	return list, nil
}
