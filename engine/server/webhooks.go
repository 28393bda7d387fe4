package server

import (
	"slices"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"

	"hookline/engine/registry"
	"hookline/engine/webhook"
)

// States of a webhook, the first that holds of: switched off by its owner, past its life, its endpoint disabled, its
// endpoint paused.
const (
	stateDisabled = "disabled"
	stateExpired  = "expired"
	stateStopped  = "stopped"
	statePaused   = "paused"
	stateActive   = "active"
)

// webhookView is a webhook of any flavour as the API shows it: without anything that signs or opens.
type webhookView struct {
	ID           int64        `json:"id"`
	Flavor       string       `json:"flavor"`
	App          string       `json:"app,omitempty"`
	User         string       `json:"user,omitempty"`
	URL          string       `json:"url"`
	Filter       string       `json:"filter,omitempty"`
	Events       []string     `json:"events,omitempty"`
	FieldIDs     []string     `json:"fieldIds,omitempty"`
	PropertyKeys []string     `json:"propertyKeys,omitempty"`
	Name         string       `json:"name,omitempty"`
	Description  string       `json:"description,omitempty"`
	State        string       `json:"state"`
	Created      time.Time    `json:"created"`
	Expires      time.Time    `json:"expires,omitzero"`
	Updated      time.Time    `json:"updated,omitzero"`
	AutoExtend   *bool        `json:"autoExtend,omitempty"`
	Endpoint     endpointView `json:"endpoint"`
}

// endpointView is the callback of a webhook. Signed says that its requests carry X-Hub-Signature. Webhooks lists all that
// lead to it; it is left out of lists of webhooks.
type endpointView struct {
	ID       uint64                `json:"id"`
	Paused   bool                  `json:"paused"`
	Stopped  webhook.Stopped       `json:"stopped,omitempty"`
	Signed   bool                  `json:"signed"`
	Signing  []webhook.SigningKind `json:"signing,omitempty"`
	Policy   string                `json:"policy,omitempty"`
	Rate     float64               `json:"rate,omitempty"` // requests per second
	Order    webhook.Order         `json:"order,omitempty"`
	Failing  *failingView          `json:"failing,omitempty"`
	Webhooks []int64               `json:"webhooks,omitempty"`
}

// failingView is what is known of an endpoint to which nothing could be delivered lately (engine.Failing).
type failingView struct {
	Since     time.Time `json:"since"`
	Attempts  int       `json:"attempts"`
	Warned    int       `json:"warned,omitempty"` // percent of the way
	DisableAt time.Time `json:"disableAt,omitzero"`
}

func (s *Server) viewWebhook(w *webhook.Webhook, now time.Time) webhookView {
	v := webhookView{
		ID: w.ID, Flavor: w.Flavor, App: w.Owner.App, User: w.Owner.User, URL: w.URL, Filter: w.Filter, Events: w.Events,
		FieldIDs: w.FieldIDs, PropertyKeys: w.PropertyKeys, Created: w.Created.UTC(), Expires: w.Expires.UTC(),
		Endpoint: s.viewEndpoint(w), State: s.stateOf(w, now),
	}
	if set := w.Settings; set != nil {
		v.Name, v.Description, v.Updated = set.Name, set.Description, set.Updated.UTC()
	}
	if !w.Expires.IsZero() {
		extends := s.options.Engine.AutoExtends(w)
		v.AutoExtend = &extends
	}
	return v
}

func (s *Server) viewEndpoint(w *webhook.Webhook) endpointView {
	v := endpointView{ID: w.Endpoint, Signed: s.options.Engine.Signed(w)}
	if ep, ok := s.options.Engine.Registry().Endpoint(w.Endpoint); ok {
		v.Paused, v.Stopped, v.Policy, v.Rate, v.Order = ep.Paused, ep.Stopped, ep.Policy, ep.Rate, ep.Order
		for _, signing := range ep.Signing {
			v.Signing = append(v.Signing, signing.Kind)
		}
	}
	if f, ok := s.options.Engine.Failing(w.Endpoint); ok {
		v.Failing = &failingView{Since: f.Since.UTC(), Attempts: f.Attempts, Warned: f.Warned, DisableAt: f.DisableAt.UTC()}
	}
	return v
}

func (s *Server) stateOf(w *webhook.Webhook, now time.Time) string {
	ep, ok := s.options.Engine.Registry().Endpoint(w.Endpoint)
	switch {
	case w.Disabled():
		return stateDisabled
	case w.Expired(now):
		return stateExpired
	case ok && ep.Stopped != "":
		return stateStopped
	case ok && ep.Paused:
		return statePaused
	}
	return stateActive
}

// webhookFilter selects webhooks; what is empty selects all.
type webhookFilter struct{ flavor, app, user, url, event, state string }

func (f *webhookFilter) selects(v *webhookView) bool {
	is := func(wanted, has string) bool { return wanted == "" || wanted == has }
	return is(f.flavor, v.Flavor) && is(f.app, v.App) && is(f.user, v.User) && is(f.url, v.URL) && is(f.state, v.State) &&
		(f.event == "" || slices.Contains(v.Events, f.event))
}

// listWebhooks answers the webhooks of all flavours in order of their numbers.
func (s *Server) listWebhooks(ctx *fasthttp.RequestCtx) {
	q := queryOf(ctx)
	filter := webhookFilter{
		flavor: q.oneOf("flavor", s.flavorNames()...), app: q.text("app"), user: q.text("user"), url: q.text("url"), event: q.text("event"),
		state: q.oneOf("state", stateActive, stateExpired, stateDisabled, stateStopped, statePaused),
	}
	p := q.page("webhooks")
	after, err := strconv.ParseInt(p.after, 10, 64)
	if p.after != "" && err != nil {
		q.badCursor()
	}
	if q.refused() {
		return
	}
	all, err := s.options.Engine.Registry().All(tenantOf(ctx).ID)
	if err != nil {
		refuse(ctx, err)
		return
	}
	now := time.Now()
	var views []webhookView
	for _, w := range all {
		if w.ID <= after {
			continue
		}
		if v := s.viewWebhook(w, now); filter.selects(&v) {
			views = append(views, v)
		}
		if len(views) > p.limit { // one more than is asked for tells that there is a next page
			views = views[:p.limit]
			answerList(ctx, views, p.cursor(strconv.FormatInt(views[p.limit-1].ID, 10)))
			return
		}
	}
	answerList(ctx, views, "")
}

func (s *Server) flavorNames() []string {
	var names []string
	for _, f := range s.options.Engine.Options().Flavors {
		names = append(names, f.Rules().Flavor)
	}
	return names
}

func (s *Server) getWebhook(ctx *fasthttp.RequestCtx) {
	if w, ok := s.pathWebhook(ctx); ok {
		s.answerWebhook(ctx, w)
	}
}

// answerWebhook answers a webhook with all that share its endpoint.
func (s *Server) answerWebhook(ctx *fasthttp.RequestCtx, w *webhook.Webhook) {
	v := s.viewWebhook(w, time.Now())
	all, err := s.options.Engine.Registry().All(w.Owner.Tenant)
	if err != nil {
		refuse(ctx, err)
		return
	}
	for _, other := range all {
		if other.Endpoint == w.Endpoint {
			v.Endpoint.Webhooks = append(v.Endpoint.Webhooks, other.ID)
		}
	}
	answer(ctx, 200, v)
}

// pathWebhook returns the webhook that the path names; without one the request is answered.
func (s *Server) pathWebhook(ctx *fasthttp.RequestCtx) (*webhook.Webhook, bool) {
	id, ok := pathNumber(ctx)
	if !ok {
		return nil, false
	}
	w, err := s.options.Engine.Registry().Webhook(tenantOf(ctx).ID, id)
	if err != nil {
		refuse(ctx, err)
	}
	return w, err == nil
}

// pathNumber returns the number of a webhook in the path; without one the request is answered.
func pathNumber(ctx *fasthttp.RequestCtx) (id int64, ok bool) {
	name := param(ctx, "id")
	id, err := strconv.ParseInt(name, 10, 64)
	if err != nil || strconv.FormatInt(id, 10) != name {
		refuse(ctx, registry.ErrUnknownWebhook)
		return 0, false
	}
	return id, true
}
