package engine_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"hookline/engine"
	"hookline/engine/flavor/jira"
	"hookline/engine/webhook"
	"hookline/queue"
)

// until asks again and again, as what is asked for comes about by itself.
func until(t *testing.T, what string, ask func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !ask(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it does not come about: %s", what)
		}
	}
}

func deliveries(t *testing.T, e *engine.Engine, q engine.DeliveryQuery) []engine.Delivery {
	t.Helper()
	list, next, err := e.Deliveries(ctx, owner.Tenant, q)
	if err != nil || next != "" {
		t.Fatal(next, err)
	}
	return list
}

// ended publishes events that are answered with the statuses, one after the other, and waits until all have ended, or
// wait for another attempt.
func ended(t *testing.T, e *engine.Engine, r *receiver, n int) {
	t.Helper()
	for i := range n {
		publish(t, e, webhook.Event{Body: body("EX", i)})
		r.wait(t, 1)
		until(t, "the settlement", func() bool {
			attempts, _, err := e.Attempts(ctx, owner.Tenant, engine.AttemptQuery{Limit: 1000})
			return err == nil && len(attempts) == i+1
		})
	}
}

func statuses(list ...int) func(int) int {
	return func(n int) int { return list[min(n, len(list))-1] }
}

// Each delivery is listed under the status that it has, with what is known of it.
func TestDeliveries(t *testing.T) {
	r := newReceiver(t, statuses(503, 404, 200))
	e := open(t, optionsWith(vfs.NewMem(), r, time.Hour))
	install(t, e)
	begin := time.Now()
	ended(t, e, r, 3)

	all := deliveries(t, e, engine.DeliveryQuery{})
	if len(all) != 3 {
		t.Fatalf("%d deliveries: %+v", len(all), all)
	}
	for i, want := range []engine.Delivery{
		{Status: webhook.StatusWaiting, LastStatus: 503},
		{Status: webhook.StatusDead, LastStatus: 404, Reason: "rejected"},
		{Status: webhook.StatusDelivered, LastStatus: 200},
	} {
		d := all[i]
		if d.Status != want.Status || d.LastStatus != want.LastStatus || d.Reason != want.Reason || d.Attempts != 1 || d.Lane != queue.Fresh ||
			!slices.Equal(d.Webhooks, []int64{1000}) || d.Endpoint.URL != "http://receiver.example/hook" || d.ID == d.Event || d.InHand {
			t.Errorf("%d: %+v", i, d)
		}
		if d.Accepted.Before(begin.Add(-time.Second)) || d.Accepted.After(time.Now()) || d.Ended.IsZero() != (d.Status == webhook.StatusWaiting) {
			t.Errorf("times of %+v", d)
		}
		only := deliveries(t, e, engine.DeliveryQuery{Status: want.Status})
		if len(only) != 1 || only[0].ID != d.ID {
			t.Errorf("the %s alone: %+v", want.Status, only)
		}
	}
	if due := time.Until(all[0].Due); due < 50*time.Minute || due > 2*time.Hour {
		t.Errorf("due in %v", due)
	}
	for name, tt := range map[string]struct {
		query engine.DeliveryQuery
		want  int
	}{
		"its webhook":         {engine.DeliveryQuery{Webhook: 1000}, 3},
		"another webhook":     {engine.DeliveryQuery{Webhook: 7}, 0},
		"the reason":          {engine.DeliveryQuery{Reason: "rejected"}, 1},
		"another reason":      {engine.DeliveryQuery{Reason: "exhausted"}, 0},
		"later ones":          {engine.DeliveryQuery{Status: webhook.StatusDead, From: time.Now().Add(time.Minute)}, 0},
		"earlier ones":        {engine.DeliveryQuery{Status: webhook.StatusDead, Until: begin.Add(-time.Minute)}, 0},
		"those of that time":  {engine.DeliveryQuery{Status: webhook.StatusDead, From: all[1].Ended, Until: all[1].Ended.Add(time.Microsecond)}, 1},
		"those due in a year": {engine.DeliveryQuery{Status: webhook.StatusWaiting, From: time.Now().AddDate(1, 0, 0)}, 0},
	} {
		if got := deliveries(t, e, tt.query); len(got) != tt.want {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestAttempts(t *testing.T) {
	r := newReceiver(t, statuses(503, 404, 200))
	e := open(t, optionsWith(vfs.NewMem(), r, time.Hour))
	install(t, e)
	ended(t, e, r, 3)
	for name, tt := range map[string]struct {
		query engine.AttemptQuery
		codes []int
	}{
		"all":             {engine.AttemptQuery{}, []int{200, 404, 503}},
		"by outcome":      {engine.AttemptQuery{Outcome: webhook.Rejected}, []int{404}},
		"by code":         {engine.AttemptQuery{Code: 503}, []int{503}},
		"its webhook":     {engine.AttemptQuery{Webhook: 1000}, []int{200, 404, 503}},
		"another webhook": {engine.AttemptQuery{Webhook: 1}, nil},
		"of tomorrow":     {engine.AttemptQuery{From: time.Now().Add(24 * time.Hour)}, nil},
	} {
		list, next, err := e.Attempts(ctx, owner.Tenant, tt.query)
		if err != nil || next != "" {
			t.Fatal(name, next, err)
		}
		var codes []int
		for _, a := range list {
			codes = append(codes, a.Code)
			if a.Number != 1 || a.Start.IsZero() || a.Sent == 0 || !slices.Equal(a.Webhooks, []int64{1000}) || a.Endpoint == nil {
				t.Errorf("%s: %+v", name, a)
			}
			if again := a.Code == 503; a.Settled == again || a.Next.IsZero() == again {
				t.Errorf("%s: what follows: %+v", name, a)
			}
		}
		if !slices.Equal(codes, tt.codes) {
			t.Errorf("%s: %v, want %v", name, codes, tt.codes)
		}
	}
	var invalid *webhook.InvalidError
	for _, q := range []engine.AttemptQuery{{Outcome: "great"}, {Cursor: "x"}} {
		if _, _, err := e.Attempts(ctx, owner.Tenant, q); !errors.As(err, &invalid) {
			t.Errorf("%+v: %v", q, err)
		}
	}
}

// Pages of any size give each delivery and attempt once, in the order of the whole list.
func TestPages(t *testing.T) {
	const n = 30
	r := newReceiver(t, func(n int) int { return []int{503, 404, 200}[n%3] })
	e := open(t, optionsWith(vfs.NewMem(), r, time.Hour))
	install(t, e)
	ended(t, e, r, n)
	var whole []string
	for _, d := range deliveries(t, e, engine.DeliveryQuery{}) {
		whole = append(whole, d.ID)
	}
	for limit := range 12 {
		limit++
		var got []string
		q := engine.DeliveryQuery{Limit: limit}
		for more := true; more; more = q.Cursor != "" {
			page, next, err := e.Deliveries(ctx, owner.Tenant, q)
			if err != nil || len(page) > limit || len(page) < limit && next != "" {
				t.Fatalf("limit %d: %d, %q, %v", limit, len(page), next, err)
			}
			for _, d := range page {
				got = append(got, d.ID)
			}
			q.Cursor = next
		}
		if len(whole) != n || !slices.Equal(got, whole) {
			t.Errorf("limit %d: %d of %d deliveries", limit, len(got), len(whole))
		}
		seen := map[string]bool{}
		a := engine.AttemptQuery{Limit: limit}
		for more := true; more; more = a.Cursor != "" {
			page, next, err := e.Attempts(ctx, owner.Tenant, a)
			if err != nil {
				t.Fatal(err)
			}
			for _, one := range page {
				if seen[one.Delivery] {
					t.Errorf("%s is there twice", one.Delivery)
				}
				seen[one.Delivery] = true
			}
			a.Cursor = next
		}
		if len(seen) != n {
			t.Errorf("limit %d: %d attempts", limit, len(seen))
		}
	}
	var invalid *webhook.InvalidError
	for _, q := range []engine.DeliveryQuery{
		{Cursor: "x"}, {Cursor: "dead.x"}, {Cursor: "waiting.", Status: webhook.StatusDead}, {Status: "gone"},
		{Reason: "bad luck"}, {Reason: "rejected", Status: webhook.StatusWaiting},
	} {
		if _, _, err := e.Deliveries(ctx, owner.Tenant, q); !errors.As(err, &invalid) {
			t.Errorf("%+v: %v", q, err)
		}
	}
	if _, _, err := e.Deliveries(ctx, "nobody", engine.DeliveryQuery{}); !errors.Is(err, webhook.ErrUnknownTenant) {
		t.Errorf("an unknown tenant: %v", err)
	}
}

// A delivery is found by its identifier, with all attempts at it, its type and its body; and by its own tenant only.
func TestDelivery(t *testing.T) {
	r := newReceiver(t, statuses(503, 503, 404, 200))
	e := open(t, options(vfs.NewMem(), r))
	install(t, e)
	publish(t, e, webhook.Event{Body: body("EX", 1)})
	id := r.wait(t, 3)[0].identifier
	until(t, "the dead letter", func() bool { return len(deliveries(t, e, engine.DeliveryQuery{Status: webhook.StatusDead})) == 1 })
	d, attempts, err := e.Delivery(ctx, owner.Tenant, id)
	if err != nil || d.ID != id || d.Status != webhook.StatusDead || d.Type != "jira:issue_updated" || d.Attempts != 3 || d.Endpoint == nil {
		t.Errorf("%+v, %v", d, err)
	}
	if len(attempts) != 3 || attempts[0].Number != 1 || attempts[1].Code != 503 || attempts[2].Code != 404 || !attempts[2].Settled {
		t.Errorf("attempts: %+v", attempts)
	}
	if got, err := e.Body(ctx, owner.Tenant, id); err != nil || !bytes.Equal(got, body("EX", 1)) {
		t.Errorf("body %s, %v", got, err)
	}
	if err := e.PutTenant(ctx, webhook.Tenant{ID: "rival"}); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct{ tenant, id string }{{"rival", id}, {"nobody", id}, {owner.Tenant, d.Event}, {owner.Tenant, "x"}, {owner.Tenant, id[:35] + "g"}} {
		_, _, one := e.Delivery(ctx, x.tenant, x.id)
		_, body := e.Body(ctx, x.tenant, x.id)
		_, resend := e.Resend(ctx, x.tenant, x.id)
		for name, err := range map[string]error{
			"Delivery": one, "Body": body, "Resend": resend, "Discard": e.Discard(ctx, x.tenant, x.id),
		} {
			if !errors.Is(err, engine.ErrUnknownDelivery) {
				t.Errorf("%s of %+v: %v", name, x, err)
			}
		}
	}
	if list, _, err := e.Deliveries(ctx, "rival", engine.DeliveryQuery{}); err != nil || len(list) > 0 {
		t.Errorf("the rival sees %+v, %v", list, err)
	}
}

// What is sent again by hand has the identifier that it had, says what it is, and counts its attempts anew.
func TestResend(t *testing.T) {
	r := newReceiver(t, statuses(404, 503, 200))
	o := options(vfs.NewMem(), r)
	o.KeepDelivered = time.Hour
	e := open(t, o)
	install(t, e)
	publish(t, e, webhook.Event{Body: body("EX", 1)})
	id := r.wait(t, 1)[0].identifier
	until(t, "the dead letter", func() bool { return len(deliveries(t, e, engine.DeliveryQuery{Status: webhook.StatusDead})) == 1 })
	for n, want := range []int{3, 4} { // the dead letter takes two attempts, what was delivered another one
		if d, err := e.Resend(ctx, owner.Tenant, id); err != nil || d.ID != id || d.Status != webhook.StatusWaiting || d.Lane != queue.Replay {
			t.Fatalf("%+v, %v", d, err)
		}
		got := r.wait(t, 2-n)
		if len(got) != want {
			t.Fatalf("%d requests", len(got))
		}
		last := got[want-1]
		if last.identifier != id || last.replay != "true" || last.body != got[0].body || got[0].replay != "" {
			t.Errorf("%+v", last)
		}
		until(t, "the delivery", func() bool {
			list := deliveries(t, e, engine.DeliveryQuery{})
			return len(list) == n+1 && list[0].Status == webhook.StatusDelivered && list[0].Lane == queue.Replay
		})
	}
	d, attempts, err := e.Delivery(ctx, owner.Tenant, id)
	if err != nil || d.Status != webhook.StatusDelivered || d.Lane != queue.Replay {
		t.Errorf("%+v, %v", d, err)
	}
	var numbers []int
	for _, a := range attempts {
		numbers = append(numbers, a.Number)
	}
	if !slices.Equal(numbers, []int{1, 1, 2, 1}) {
		t.Errorf("numbers of the attempts: %v", numbers)
	}
}

// What cannot be sent again is refused with the reason.
func TestResendRefused(t *testing.T) {
	r := newReceiver(t, statuses(503, 200))
	e := open(t, optionsWith(vfs.NewMem(), r, time.Hour))
	install(t, e)
	ended(t, e, r, 2)
	all := deliveries(t, e, engine.DeliveryQuery{})
	if _, err := e.Resend(ctx, owner.Tenant, all[0].ID); !errors.Is(err, engine.ErrUnderWay) {
		t.Errorf("a waiting one: %v", err)
	}
	if _, err := e.Resend(ctx, owner.Tenant, all[1].ID); !errors.Is(err, engine.ErrNotKept) {
		t.Errorf("a delivered one: %v", err)
	}
	if _, err := e.Body(ctx, owner.Tenant, all[1].ID); !errors.Is(err, engine.ErrNotKept) {
		t.Errorf("its body: %v", err)
	}
	for _, d := range all {
		if err := e.Discard(ctx, owner.Tenant, d.ID); !errors.Is(err, engine.ErrNotDead) {
			t.Errorf("discarding a %s one: %v", d.Status, err)
		}
	}
}

// Of many who send one dead letter again at the same time, one does.
func TestResendOnce(t *testing.T) {
	r := newReceiver(t, statuses(404))
	e := open(t, options(vfs.NewMem(), r))
	install(t, e)
	ended(t, e, r, 1)
	id := deliveries(t, e, engine.DeliveryQuery{})[0].ID
	pause(t, e, true)
	results := make(chan error)
	for range 8 {
		go func() {
			_, err := e.Resend(ctx, owner.Tenant, id)
			results <- err
		}()
	}
	sent := 0
	for range 8 {
		switch err := <-results; {
		case err == nil:
			sent++
		case !errors.Is(err, engine.ErrUnderWay):
			t.Error(err)
		}
	}
	if list := deliveries(t, e, engine.DeliveryQuery{}); sent != 1 || len(list) != 1 || list[0].Status != webhook.StatusWaiting {
		t.Errorf("%d sent it: %+v", sent, list)
	}
}

// pause stops what is sent to the only endpoint, or lets it go on.
func pause(t *testing.T, e *engine.Engine, on bool) {
	t.Helper()
	change := e.Resume
	if on {
		change = e.Pause
	}
	if _, err := change(ctx, owner.Tenant, e.Registry().EndpointsOf(owner, jira.DynamicFlavor)[0].ID); err != nil {
		t.Fatal(err)
	}
}

func TestDiscard(t *testing.T) {
	fs := vfs.NewCrashableMem()
	r := newReceiver(t, statuses(404))
	e := open(t, options(fs, r))
	install(t, e)
	ended(t, e, r, 2)
	all := deliveries(t, e, engine.DeliveryQuery{Status: webhook.StatusDead})
	if err := e.Discard(ctx, owner.Tenant, all[0].ID); err != nil {
		t.Fatal(err)
	}
	if err := e.Discard(ctx, owner.Tenant, all[0].ID); !errors.Is(err, engine.ErrUnknownDelivery) {
		t.Errorf("a second time: %v", err)
	}
	again := open(t, options(fs.CrashClone(vfs.CrashCloneCfg{}), r))
	if left := deliveries(t, again, engine.DeliveryQuery{Status: webhook.StatusDead}); len(left) != 1 || left[0].ID != all[1].ID {
		t.Errorf("after a crash: %+v", left)
	}
}
