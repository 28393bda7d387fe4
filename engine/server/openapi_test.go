package server_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"hookline/engine/server"
)

// The document keeps to the specification, its examples to its schemas.
func TestDocumentIsValid(t *testing.T) {
	t.Parallel()
	doc := contractOf(t)
	if err := doc.Validate(t.Context(), openapi3.IsOpenAPI31OrLater()); err != nil {
		t.Error(err)
	}
	ids := map[string]bool{}
	for name, op := range operations(doc) {
		if ids[op.OperationID] || op.OperationID == "" || op.Summary == "" || len(op.Tags) != 1 || doc.Tags.Get(op.Tags[0]) == nil || op.Security == nil {
			t.Errorf("%s: id %q, summary %q, tags %q, security %v", name, op.OperationID, op.Summary, op.Tags, op.Security)
		}
		ids[op.OperationID] = true
		if body := op.RequestBody; body != nil && !hasExample(body.Value.Content) {
			t.Errorf("%s: no example of a request", name)
		}
		for status, r := range op.Responses.Map() {
			if status != "204" && !hasExample(r.Value.Content) {
				t.Errorf("%s: no example of the answer %s", name, status)
			}
		}
		if (op.Responses.Status(401) != nil) != (len(*op.Security) > 0) || op.Responses.Status(400) == nil || op.Responses.Default() == nil {
			t.Errorf("%s: the answers are %v", name, slices.Sorted(maps.Keys(op.Responses.Map())))
		}
	}
}

func hasExample(content openapi3.Content) bool {
	m := content["application/json"]
	return m != nil && (m.Example != nil || len(m.Examples) > 0)
}

// operations returns the operations of a document by method and path.
func operations(doc *openapi3.T) map[string]*openapi3.Operation {
	list := map[string]*openapi3.Operation{}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			list[method+" "+path] = op
		}
	}
	return list
}

// The document and the server have the same operations, with the same parameters.
func TestDocumentIsWhole(t *testing.T) {
	t.Parallel()
	doc, routes := contractOf(t), newHouse(t).Server.NativeRoutes()
	for name, op := range operations(doc) {
		known, ok := routes[name]
		if !ok {
			t.Errorf("%s is in the document and not in the server", name)
			continue
		}
		var told []string
		for _, p := range op.Parameters {
			if p.Value.In == openapi3.ParameterInQuery {
				told = append(told, p.Value.Name)
			}
		}
		slices.Sort(told)
		slices.Sort(known)
		if !slices.Equal(told, known) {
			t.Errorf("%s: the document has the parameters %q, the server knows %q", name, told, known)
		}
	}
	for name := range routes {
		if operations(doc)[name] == nil {
			t.Errorf("%s is in the server and not in the document", name)
		}
	}
}

func TestDocumentIsServed(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, r := range []request{{Path: "/v1/openapi.json"}, {Path: "/t/acme/v1/openapi.json"}, {Path: "/v1/openapi.json", Host: "rival.example"}, {Path: "/v1/openapi.json", Token: "wrong"}} {
		r.Method = "GET"
		a := h.Send(r)
		if a.Status != 200 || a.Header.Get("Content-Type") != "application/json" || a.Body+"\n" != string(server.OpenAPI()) {
			t.Errorf("%+v is answered %d with %d bytes", r, a.Status, len(a.Body))
		}
	}
}

// documented returns the operations of the document that need credentials below a prefix, as method and path, with names
// of this house's in place of the parameters.
func documented(t testing.TB, prefix string) []string {
	fill := strings.NewReplacer("/t/{tenant}", "", "{tenant}", "acme", "{app}", "ci", "{system}", "jira", "{id}", "1000", "{kind}", "standard")
	var list []string
	for name, op := range operations(contractOf(t)) {
		method, path, _ := strings.Cut(name, " ")
		if len(*op.Security) > 0 && strings.HasPrefix(path, "/t/") == (prefix == "/t/") && strings.HasPrefix(path, prefix) {
			list = append(list, method+" "+fill.Replace(path))
		}
	}
	slices.Sort(list)
	return list
}

// No operation of the native API takes a parameter that it does not know, or one twice.
func TestUnknownParameters(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, route := range append(documented(t, "/t/"), documented(t, "/v1")...) {
		method, path, _ := strings.Cut(route, " ")
		host := ""
		if slices.Contains(documented(t, "/t/"), route) {
			host = "acme.example"
		}
		for query, part := range map[string]string{
			"nonsense=1": `"nonsense"`, "LIMIT=1": `"LIMIT"`, "limit=1&limit=2": "limit", "dry_run=true&dry_run=true": "dry_run",
		} {
			a := h.Send(request{Method: method, Path: path + "?" + query, Host: host, Token: tokenAdmin, Body: "{}"})
			h.wantProblem(a, 400, "invalid_parameter", part)
		}
	}
	h.Want(h.admin("GET", "/v1/tenants/acme", ""), 200, `{"id":"acme","hosts":["acme.example"],"tokens":1}`)
}

// No operation that reads a body of its own (descriptors and events are others') takes one that is no JSON object, or has a member that it does not know, or one twice.
func TestUnknownMembers(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.subscribe()
	for name, op := range operations(contractOf(t)) {
		method, path, _ := strings.Cut(name, " ")
		if op.RequestBody == nil || strings.Contains(path, "/events") || strings.Contains(path, "/descriptor") {
			continue
		}
		path = strings.NewReplacer("{tenant}", "acme", "{app}", "ci", "{id}", "1000", "{kind}", "standard").Replace(path)
		for body, part := range map[string]string{
			`[]`: "an array", `null`: "null", `7`: "a number", `"{}"`: "a string", `true`: "a truth value", `{`: "incomplete", `{"nonsense":1}`: `"nonsense"`,
			`{} {}`: "after top-level value", `{"nonsense":1,"nonsense":1}`: "nonsense", strings.Repeat(`{"a":`, 20000): "",
		} {
			h.wantProblem(h.admin(method, path, body), 400, "invalid_json", part)
		}
	}
	for range 2 {
		h.Want(h.admin("GET", "/v1/tenants/acme", ""), 200, `{"id":"acme","hosts":["acme.example"],"tokens":1}`)
	}
	h.wantProblem(h.admin("PUT", "/v1/tenants/acme", `{"hosts":[],"hosts":[]}`), 400, "invalid_json", "duplicate")
}

// pages reads a list page by page and returns the numbers under a member of its entries.
func (h *house) pages(path, token, member string) []string {
	h.T.Helper()
	var all []string
	next := ""
	for range 1000 {
		var page struct {
			Items []map[string]any `json:"items"`
			Next  string           `json:"next"`
		}
		join := "?"
		if strings.Contains(path, "?") {
			join = "&"
		}
		at := path
		if next != "" {
			at += join + "cursor=" + next
		}
		a := h.Send(request{Method: "GET", Path: at, Token: token})
		if a.Status != 200 {
			h.T.Fatalf("%s is answered %d %s", at, a.Status, a.Body)
		}
		h.decode(a, &page)
		for _, item := range page.Items {
			all = append(all, fmt.Sprint(item[member]))
		}
		if next = page.Next; next == "" {
			return all
		}
	}
	h.T.Fatalf("%s has no end", path)
	return nil
}
