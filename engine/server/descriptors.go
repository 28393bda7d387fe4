package server

import (
	"encoding/json"

	"github.com/valyala/fasthttp"

	"hookline/engine/webhook"
)

// installedView is an app's descriptor as the API shows it, with what it declares.
type installedView struct {
	App        string          `json:"app"`
	BaseURL    string          `json:"baseURL"`
	Webhooks   []declaredView  `json:"webhooks"`
	Descriptor json.RawMessage `json:"descriptor"`
}

type declaredView struct {
	ID           int64    `json:"id"`
	Flavor       string   `json:"flavor"`
	URL          string   `json:"url"`
	Events       []string `json:"events,omitempty"`
	Filter       string   `json:"filter,omitempty"`
	PropertyKeys []string `json:"propertyKeys,omitempty"`
	ExcludeBody  bool     `json:"excludeBody,omitempty"`
	Name         string   `json:"name,omitempty"` // the region
}

func viewDeclared(w *webhook.Webhook) declaredView {
	v := declaredView{ID: w.ID, Flavor: w.Flavor, URL: w.URL, Events: w.Events, Filter: w.Filter, PropertyKeys: w.PropertyKeys}
	if w.Settings != nil {
		v.ExcludeBody, v.Name = w.Settings.ExcludeBody, w.Settings.Name
	}
	return v
}

func (s *Server) getDescriptor(ctx *fasthttp.RequestCtx) { s.answerDescriptor(ctx, 200) }

// putDescriptor installs an app, or updates it.
func (s *Server) putDescriptor(ctx *fasthttp.RequestCtx) {
	tenant, app := param(ctx, "tenant"), param(ctx, "app")
	_, _, err := s.options.Engine.Installed(tenant, app)
	known := err == nil
	if err := s.options.Engine.Install(s.work, tenant, app, ctx.PostBody()); err != nil {
		refuse(ctx, err)
		return
	}
	s.answerDescriptor(ctx, created(known))
}

func (s *Server) answerDescriptor(ctx *fasthttp.RequestCtx, status int) {
	app := param(ctx, "app")
	d, list, err := s.options.Engine.Installed(param(ctx, "tenant"), app)
	if err != nil {
		refuse(ctx, err)
		return
	}
	view := installedView{App: app, BaseURL: d.BaseURL, Webhooks: []declaredView{}, Descriptor: json.RawMessage(d.Text)}
	for _, w := range list {
		view.Webhooks = append(view.Webhooks, viewDeclared(w))
	}
	answer(ctx, status, view)
}

// deleteDescriptor uninstalls an app. What it has beside its descriptor stays.
func (s *Server) deleteDescriptor(ctx *fasthttp.RequestCtx) {
	if err := s.options.Engine.Uninstall(s.work, param(ctx, "tenant"), param(ctx, "app")); err != nil {
		refuse(ctx, err)
		return
	}
	ctx.SetStatusCode(204)
}
