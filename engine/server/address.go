package server

import (
	"net"
	"strings"

	"github.com/valyala/fasthttp"

	"hookline/engine/flavor"
	"hookline/engine/webhook"
)

// address is whom a request is addressed to.
type address struct {
	host   string          // the name that the client called by: lower case, without port and final dot
	tenant *webhook.Tenant // nil for the installation, and where the tenant that the path names is not known
	id     string          // of the tenant in the path
	prefix string          // the part of the path that names the tenant
	path   string          // the rest of it
}

func (s *Server) address(u *fasthttp.URI) address {
	a := address{host: hostName(string(u.Host())), path: string(u.Path())}
	if rest, ok := strings.CutPrefix(a.path, "/t/"); ok {
		a.id, a.path, _ = strings.Cut(rest, "/")
		a.prefix, a.path = "/t/"+a.id, "/"+a.path
		a.tenant, _ = s.options.Engine.Registry().Tenant(a.id)
	} else {
		a.tenant, _ = s.options.Engine.Registry().TenantOfHost(a.host)
	}
	s.throughGateway(&a)
	return a
}

// gateway is where Atlassian's API gateway, by which OAuth apps call, has the REST API of each site:
// /ex/jira/{cloudId}/rest/. A tenant's id is its cloud id.
const gateway = "/ex/jira/"

// throughGateway takes the gateway's part off a path. It addresses a tenant by itself, and where the request is
// addressed to one already it must name the same.
func (s *Server) throughGateway(a *address) {
	rest, ok := strings.CutPrefix(a.path, gateway)
	id, path, _ := strings.Cut(rest, "/")
	if !ok || !strings.HasPrefix(path, "rest/") {
		return
	}
	switch {
	case a.tenant == nil && a.prefix == "":
		a.id = id
		a.tenant, _ = s.options.Engine.Registry().Tenant(id)
	case a.tenant != nil && a.tenant.ID != id:
		a.id, a.tenant = id, nil
	}
	a.prefix, a.path = a.prefix+gateway+id, "/"+path
}

func hostName(host string) string {
	host = strings.ToLower(host)
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.TrimSuffix(strings.Trim(host, "[]"), ".")
}

// tenantKey holds the *webhook.Tenant that a request is addressed to.
const tenantKey = "hookline.tenant"

// enter finds out whom a request is addressed to, and leaves it the path that the routers know.
func (s *Server) enter(ctx *fasthttp.RequestCtx) address {
	a := s.address(ctx.URI())
	if a.prefix != "" {
		ctx.SetUserValue(flavor.PrefixKey, a.prefix)
		ctx.URI().SetPath(a.path)
	}
	if a.tenant != nil {
		ctx.SetUserValue(tenantKey, a.tenant)
	}
	return a
}

func tenantOf(ctx *fasthttp.RequestCtx) *webhook.Tenant {
	return ctx.UserValue(tenantKey).(*webhook.Tenant)
}
