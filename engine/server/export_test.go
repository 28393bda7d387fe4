package server

import (
	"slices"
	"strings"
)

// Route is a route as a router knows it.
type Route struct{ Method, Path string }

// Routes returns all routes there are below a tenant, and those of the installation.
func (s *Server) Routes() (tenants, installation []Route) {
	return routesOf(s.tenants.List()), routesOf(s.global.List())
}

func routesOf(list map[string][]string) (routes []Route) {
	for method, paths := range list {
		for _, path := range paths {
			routes = append(routes, Route{method, path})
		}
	}
	slices.SortFunc(routes, func(a, b Route) int { return strings.Compare(a.Path+" "+a.Method, b.Path+" "+b.Method) })
	return routes
}

// NativeRoutes returns the parameters of every operation of the native API, by method and path as the document has
// them. Operations that are reached and are in no list of routes have nil.
func (s *Server) NativeRoutes() map[string][]string {
	routes := map[string][]string{}
	for prefix, router := range map[string]interface{ List() map[string][]string }{"/t/{tenant}": s.tenants, "": s.global} {
		for method, paths := range router.List() {
			for _, path := range paths {
				if path == "/v1" || strings.HasPrefix(path, "/v1/") {
					routes[method+" "+prefix+path] = nil
				}
			}
		}
	}
	for prefix, list := range map[string][]route{"/t/{tenant}": s.tenantRoutes(), "": s.installationRoutes()} {
		for _, r := range list {
			routes[r.method+" "+prefix+r.path] = append([]string{}, strings.Fields(r.query)...)
		}
	}
	return routes
}

// OpenAPI is the document as it is served.
func OpenAPI() []byte { return openAPI }
