package server_test

import (
	"encoding/json"
	"strings"
	"testing"
)

// What fails below a flavour's paths before it comes to a handler is answered in the form of its system.
func TestFailuresOfFlavors(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, tt := range []struct {
		request
		status int
		part   string
	}{
		{request{Method: "GET", Path: "/rest/api/3/webhook"}, 404, "There is nothing at /rest/api/3/webhook."},
		{request{Method: "GET", Path: "/t/acme/rest/api/1/webhook"}, 404, "There is nothing at /rest/api/1/webhook."},
		{request{Method: "GET", Path: "/rest/api/1/webhook", Host: "acme.example"}, 404, "There is nothing at"},
		{request{Method: "GET", Path: "/t/nobody/rest/api/3/webhook"}, 404, `There is no tenant "nobody".`},
		{request{Method: "PATCH", Path: "/t/acme/rest/api/3/webhook"}, 405, "PATCH is not possible at"},
		{request{Method: "PATCH", Path: "/t/acme/rest/api/2/webhook/refresh"}, 405, "allowed: "},
		{request{Method: "POST", Path: "/t/acme/rest/api/3/webhook", Header: map[string]string{"Content-Encoding": "gzip"}}, 415, "Content-Encoding gzip"},
	} {
		a := h.Send(tt.request)
		h.wantJira(a, tt.status, tt.part)
		if tt.status == 405 && a.Header.Get("Allow") == "" {
			t.Errorf("%s: no Allow", tt.Path)
		}
	}
	h.wantJira(h.Raw("POST /t/acme/rest/api/3/webhook HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n"), 413, "larger than")
}

// wantJira fails the test unless the answer is an error in Jira's form with a message that has a part.
func (h *house) wantJira(a answer, status int, part string) {
	h.T.Helper()
	var got struct {
		Messages []string        `json:"errorMessages"`
		Errors   json.RawMessage `json:"errors"`
	}
	h.decode(a, &got)
	if a.Status != status || len(got.Messages) != 1 || !strings.Contains(got.Messages[0], part) || string(got.Errors) != "{}" {
		h.T.Errorf("the answer is %d %s\nwant %d and %q", a.Status, a.Body, status, part)
	}
	if kind := a.Header.Get("Content-Type"); kind != "application/json;charset=UTF-8" {
		h.T.Errorf("Content-Type is %q", kind)
	}
}
