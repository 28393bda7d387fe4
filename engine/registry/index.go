package registry

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"hookline/engine/event"
	"hookline/engine/store"
	"hookline/engine/webhook"
	"hookline/jql"
	"hookline/matcher"
)

// index finds the webhooks of one tenant that an event matches.
type index struct {
	set    *matcher.Index
	env    jql.Env // of the tenant
	latest atomic.Pointer[viewPlan]
	broken int // webhooks whose filter does not compile any more; they match nothing

	compiled atomic.Bool // some conditions were, as the store did not keep them
	observed observed
}

// viewPlan is a view of the index with the plan to extract what its filters ask for.
type viewPlan struct {
	view *matcher.View
	plan *event.Plan
}

// newIndex returns the index of a tenant without subscribers.
func newIndex(t *tenant) *index {
	x := &index{set: matcher.New(), env: t.compiles().env}
	x.observed.begin(time.Now())
	return x
}

// indexed returns the index of a tenant if there is one in memory.
func (t *tenant) indexed() *index {
	if s := t.stock.Load(); s != nil {
		return s.index.Load()
	}
	return nil
}

// builders are lent for the building of an index, which keeps nothing of the filters but conditions and fields.
var builders = sync.Pool{New: func() any { return new(builder) }}

// builder is what an index is built of.
type builder struct {
	decoder     jql.Decoder
	kept        []matcher.Entry // whose conditions the store keeps, good until the decoder is reset
	others      []int64         // the numbers of the webhooks whose conditions it does not keep, or not as they are to be by now
	subscribers []store.Subscriber
}

// keptSubscribers is up to how many webhooks of a tenant a builder goes on to have room for.
const keptSubscribers = 1 << 13

func (b *builder) reset() {
	if cap(b.subscribers) > keptSubscribers {
		*b = builder{}
	}
	clear(b.kept[:cap(b.kept)])
	b.kept, b.others, b.subscribers = b.kept[:0], b.others[:0], b.subscribers[:0]
}

// read reads the subscribers of a tenant.
func (b *builder) read(s Store, tenantID string, c *compiling) error {
	b.reset()
	b.decoder.Reset(c.env.Zone)
	return s.Subscribers(tenantID, func(row *store.Subscriber) {
		if row.Events && !row.Disabled {
			if e, ok := c.read(&b.decoder, row); ok {
				b.kept = append(b.kept, e)
			} else {
				b.others = append(b.others, row.ID)
			}
		}
		one := *row
		one.Filter = nil // which is good during the call
		b.subscribers = append(b.subscribers, one)
	})
}

// readIndex builds the index of a stock, which has none, of what the store keeps of the tenant's webhooks. With fill the stock has no
// subscribers yet. The caller holds the tenant's lock of reading, so that nothing changes between that and having the index.
func (r *Registry) readIndex(s *stock, fill bool) error {
	from := s.tenant.compiles()
	b := builders.Get().(*builder)
	defer builders.Put(b)
	if err := b.read(r.store, s.tenant.id, &from); err != nil { // all that is in those rows can be made of the webhooks
		if err := r.readWhole(s); err != nil {
			return err
		}
		b.kept, b.others = b.kept[:0], s.wanted()
	} else if fill {
		s.fill(b.subscribers)
	}
	compiled, err := r.compile(s, &from, b.others)
	if err != nil {
		return err
	}
	x := newIndex(s.tenant)
	x.env = from.env
	x.compiled.Store(len(compiled) > 0)
	x.broken = len(b.others) - len(compiled)
	x.set.Update(append(b.kept, compiled...), nil)
	s.index.Store(x)
	return nil
}

// fill takes in the subscribers of a stock that has none, and that nobody else has yet.
func (s *stock) fill(rows []store.Subscriber) {
	s.subscribers = make(map[int64]subscriber, len(rows))
	for i := range rows {
		s.subscribe(rows[i].ID, subscriber{rows[i].Endpoint, rows[i].Expires, rows[i].Disabled})
	}
}

// wanted returns the numbers of the webhooks of a whole stock that are to be in its index.
func (s *stock) wanted() []int64 {
	var ids []int64
	for _, w := range s.all() {
		if indexed(w) {
			ids = append(ids, w.ID)
		}
	}
	return ids
}

// compile returns the conditions of webhooks of a stock that have one. The caller holds the tenant's lock of reading.
func (r *Registry) compile(s *stock, from *compiling, ids []int64) ([]matcher.Entry, error) {
	var list []*webhook.Webhook
	for _, id := range ids {
		w, err := r.peek(s.tenant, s, id)
		if errors.Is(err, store.ErrUnreadable) {
			continue // it counts as one that does not compile
		}
		if err != nil {
			return nil, err
		}
		if w != nil {
			list = append(list, w)
		}
	}
	return from.entries(list), nil
}

// update brings an index that was built in step with the tenant's webhooks, which must have been changed before. One that was
// not built yet will read them. The caller holds the tenant's lock of reading.
func (s *stock) update(add []matcher.Entry, remove []matcher.ID) {
	if x := s.index.Load(); x != nil {
		x.set.Update(add, remove)
		x.observed.forget(remove)
	}
}

// dropIndex forgets the index of a tenant; it is built anew when it is next needed.
func (r *Registry) dropIndex(t *tenant) {
	t.reading.Lock()
	defer t.reading.Unlock()
	if s := t.stock.Load(); s != nil {
		s.index.Store(nil)
		r.budget.charge(s)
	}
}

// view returns the latest view, and the plan for the fields it asks for. Plans are shared between views as
// long as these ask for the same fields.
func (x *index) view() (*matcher.View, *event.Plan) {
	v := x.set.View()
	last := x.latest.Load()
	if last != nil && last.view == v {
		return v, last.plan
	}
	next := &viewPlan{view: v}
	if last != nil && slices.Equal(last.view.Fields(), v.Fields()) {
		next.plan = last.plan
	} else {
		next.plan = event.NewPlan(v.Fields(), x.env)
	}
	x.latest.Store(next)
	return v, next.plan
}

// indexed says whether a webhook is found by its events and its filter, and wants to be.
func indexed(w *webhook.Webhook) bool { return len(w.Events) > 0 && !w.Disabled() }
