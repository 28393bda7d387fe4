package event

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"hookline/jql"
)

func TestTexts(t *testing.T) {
	t.Parallel()
	body := []byte(`{"a":"x","n":-1.50e3,"t":true,"z":null,"l":[{"a":1}],"o":{"a":"\u00fc\n","\u0062":7,"o":{"a":"deep"}},"last":"!"}`)
	tests := []struct{ path, want string }{
		{"a", "x"}, {"n", "-1.50e3"}, {"t", ""}, {"z", ""}, {"l", ""}, {"l.a", ""}, {"o", ""}, {"o.a", "ü\n"}, {"o.b", "7"},
		{"o.o.a", "deep"}, {"o.o", ""}, {"a.a", ""}, {"none", ""}, {"o.none", ""}, {"A", ""}, {"last", "!"},
	}
	var paths []Path
	var want []string
	for _, tt := range tests {
		path := Path(strings.Split(tt.path, "."))
		if got := Texts(body, path); got[0] != tt.want {
			t.Errorf("%s: %q, want %q", tt.path, got[0], tt.want)
		}
		paths, want = append(paths, path), append(want, tt.want)
	}
	if got := Texts(body, paths...); !slices.Equal(got, want) {
		t.Errorf("all at once: %q", got)
	}
	for _, odd := range []string{``, `[]`, `"a"`, `{`, `{"b":1,`, `{"b":[}`, `{"a"`} {
		if got := Texts([]byte(odd), Path{"a"}); got[0] != "" {
			t.Errorf("%s: %q", odd, got)
		}
	}
	if got := Texts(body); len(got) != 0 {
		t.Errorf("nothing asked for: %q", got)
	}
}

// FuzzTexts compares with encoding/json over objects that have no name twice.
func FuzzTexts(f *testing.F) {
	for _, seed := range []string{
		`{"a":"x","b":{"a":1,"c":{"a":"\u00e4"}}}`, `{"b":{"c":{"a":[]}},"a":null}`, `{"b":[{"a":1}]}`, `{`, `{"a":1}x`, `{"b":{"a":"y"},"a":1e400}`,
	} {
		f.Add([]byte(seed))
	}
	paths := []Path{{"a"}, {"b", "a"}, {"b", "c", "a"}, {"b"}}
	plan := NewPlan(nil, jql.Env{})
	f.Fuzz(func(t *testing.T, body []byte) {
		got := Texts(body, paths...)
		var s Scanner
		var refusal *Error
		if _, err := s.scan(body, plan, discard{}); errors.As(err, &refusal) && refusal.Reason != NoType && refusal.Reason != TypeNotText {
			return // it is never published
		}
		var root map[string]json.RawMessage
		if err := json.Unmarshal(body, &root); err != nil {
			t.Fatal(err)
		}
		for i, p := range paths {
			if want := slowText(root, p); got[i] != want {
				t.Fatalf("%v: %q, want %q in %s", p, got[i], want, body)
			}
		}
	})
}

func slowText(object map[string]json.RawMessage, p Path) string {
	raw, ok := object[p[0]]
	if !ok {
		return ""
	}
	if len(p) > 1 {
		var inner map[string]json.RawMessage
		if json.Unmarshal(raw, &inner) != nil {
			return ""
		}
		return slowText(inner, p[1:])
	}
	var text string
	switch {
	case raw[0] == '"' && json.Unmarshal(raw, &text) == nil:
		return text
	case raw[0] == '-' || raw[0] >= '0' && raw[0] <= '9':
		return string(raw)
	}
	return ""
}
