package server

import (
	"context"

	"hookline/engine"
	"hookline/engine/webhook"
)

// intake takes the events of one request: it publishes them, or tries them where the request is a dry run.
type intake struct {
	engine *engine.Engine
	work   context.Context
	dry    bool
}

// taken is what became of one event.
type taken struct {
	accepted
	err error
}

// status is that of an event which was taken.
func (in intake) status() int {
	if in.dry {
		return 200
	}
	return 202
}

func (in intake) one(ev webhook.Event) (accepted, error) {
	if in.dry {
		t, err := in.engine.Try(ev)
		return ofTrial(t), err
	}
	r, err := in.engine.Publish(in.work, ev)
	return ofReceipt(r), err
}

// all takes events together, so that publishing them costs one write to the disk.
func (in intake) all(events []webhook.Event) []taken {
	list := make([]taken, len(events))
	if in.dry {
		for i, ev := range events {
			list[i].accepted, list[i].err = in.one(ev)
		}
		return list
	}
	for i, p := range in.engine.PublishAll(in.work, events) {
		list[i] = taken{ofReceipt(p.Receipt), p.Err}
	}
	return list
}

func ofReceipt(r engine.Receipt) accepted {
	return accepted{ID: r.ID, Type: r.Type, Matched: r.Matched, Deliveries: r.Deliveries, Repeated: r.Repeated}
}

func ofTrial(t engine.Trial) accepted {
	ids := t.Webhooks
	if ids == nil {
		ids = []int64{} // none is an answer too
	}
	return accepted{Type: t.Type, Matched: t.Matched, Deliveries: t.Deliveries, Webhooks: ids}
}
