package server

import "strings"

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
