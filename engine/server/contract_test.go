package server_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"hookline/engine/server"
)

// contract is what the OpenAPI document says of the native API. Every request that a test sends is held against it,
// and every answer.
var contract = sync.OnceValues(func() (*openapi3.T, error) {
	for _, kind := range []string{"application/x-ndjson", "application/ndjson", "application/jsonl"} {
		openapi3filter.RegisterBodyDecoder(kind, decodeLines)
	}
	return openapi3.NewLoader().LoadFromData(closed(server.OpenAPI()))
})

func contractOf(t testing.TB) *openapi3.T {
	t.Helper()
	doc, err := contract()
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// closed allows objects no members that the document does not name. Clients are not told so, as answers may get more
// members; that none is forgotten in the document shows in the tests.
func closed(text []byte) []byte {
	var doc any
	if err := json.Unmarshal(text, &doc); err != nil {
		panic(err)
	}
	var shut func(any)
	shut = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, element := range v {
				shut(element)
			}
		case map[string]any:
			if _, open := v["additionalProperties"]; !open && v["type"] == "object" && v["properties"] != nil {
				v["additionalProperties"] = false
			}
			for _, member := range v {
				shut(member)
			}
		}
	}
	shut(doc)
	text, err := json.Marshal(doc)
	if err != nil {
		panic(err)
	}
	return text
}

// decodeLines reads lines of JSON as an array. A line that is none is a text: it is answered for itself.
func decodeLines(body io.Reader, _ http.Header, _ *openapi3.SchemaRef, _ openapi3filter.EncodingFn) (any, error) {
	text, err := io.ReadAll(body)
	if err != nil {
		return nil, err
	}
	list := []any{}
	for line := range bytes.Lines(text) {
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		var v any
		if json.Unmarshal(line, &v) != nil {
			v = string(line)
		}
		list = append(list, v)
	}
	return list, nil
}

// anyRequest are statuses that any request may be answered, which the document says once for all.
var anyRequest = []int{405, 408, 413, 415, 431}

// keeps fails the test unless a request to the native API and its answer are as the document says: a request that
// was carried out is one that it allows, and one that was refused got a documented answer.
func (h *house) keeps(sent *http.Request, body string, a answer) {
	h.T.Helper()
	path, native := h.documentedPath(sent)
	if !native {
		return
	}
	doc := contractOf(h.T)
	route, params := operation(doc, sent.Method, path)
	if route == nil {
		if a.Status < 400 {
			h.T.Errorf("%s %s is answered %d and is not in the document", sent.Method, path, a.Status)
		}
		return
	}
	if a.Status >= 400 && a.Status < 500 && !slices.Contains(anyRequest, a.Status) && route.Operation.Responses.Status(a.Status) == nil {
		h.T.Errorf("%s %s is answered %d, which the document does not say: %s", sent.Method, path, a.Status, a.Body)
	}
	asked := sent.Clone(h.T.Context())
	asked.Body, asked.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
	if body != "" && asked.Header.Get("Content-Type") == "" {
		asked.Header.Set("Content-Type", "application/json")
	}
	in := &openapi3filter.RequestValidationInput{
		Request: asked, PathParams: params, Route: route,
		Options: &openapi3filter.Options{
			AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true, SkipSettingDefaults: true,
		},
	}
	if a.Status < 300 {
		if err := openapi3filter.ValidateRequest(h.T.Context(), in); err != nil {
			h.T.Errorf("%s %s with %.200q is answered %d and is not allowed by the document: %v", sent.Method, path, body, a.Status, err)
		}
	}
	out := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: a.Status, Header: a.Header, Options: in.Options}
	if err := openapi3filter.ValidateResponse(h.T.Context(), out.SetBodyBytes([]byte(a.Body))); err != nil {
		h.T.Errorf("%s %s: the answer %d %s is not what the document says: %v", sent.Method, path, a.Status, a.Body, err)
	}
}

// documentedPath returns the path of a request as the document has it, with the tenant in front where the request is
// addressed to it by host name. Tricks are not in the document.
func (h *house) documentedPath(sent *http.Request) (path string, native bool) {
	path = sent.URL.EscapedPath()
	if strings.ContainsAny(path, "%") || strings.Contains(path, "//") || strings.Contains(path, "..") {
		return "", false
	}
	if !strings.HasPrefix(path, "/t/") {
		name, _, _ := strings.Cut(strings.ToLower(sent.Host), ":")
		if t, ok := h.Engine.Registry().TenantOfHost(strings.TrimSuffix(name, ".")); ok {
			path = "/t/" + t.ID + path
		}
	}
	rest := path
	if tenant, ok := strings.CutPrefix(path, "/t/"); ok {
		_, rest, _ = strings.Cut(tenant, "/")
		rest = "/" + rest
	}
	return path, rest == "/v1" || strings.HasPrefix(rest, "/v1/")
}

// operation finds an operation of the document, nil where there is none, with the parameters in its path.
func operation(doc *openapi3.T, method, path string) (*routers.Route, map[string]string) {
	for template, item := range doc.Paths.Map() {
		params, ok := fits(template, path)
		if op := item.Operations()[method]; ok && op != nil {
			return &routers.Route{Spec: doc, Path: template, PathItem: item, Method: method, Operation: op}, params
		}
	}
	return nil, nil
}

func fits(template, path string) (map[string]string, bool) {
	want, have := strings.Split(template, "/"), strings.Split(path, "/")
	params := map[string]string{}
	for i, part := range want {
		switch {
		case len(have) != len(want):
			return nil, false
		case strings.HasPrefix(part, "{") && have[i] != "":
			params[strings.Trim(part, "{}")] = have[i]
		case part != have[i]:
			return nil, false
		}
	}
	return params, true
}
