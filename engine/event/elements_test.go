package event

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
)

func texts(list [][]byte) []string {
	all := []string{}
	for _, text := range list {
		all = append(all, string(text))
	}
	return all
}

func TestElements(t *testing.T) {
	t.Parallel()
	for body, want := range map[string][]string{
		`[]`: {}, " [ \n] ": {}, `[1]`: {"1"}, "[ {\"a\" : 1,\"a\":2} ,\t[ ],\"\xff\",null]": {`{"a" : 1,"a":2}`, `[ ]`, "\"\xff\"", "null"},
	} {
		if list, err := Elements([]byte(body), 10); err != nil || !slices.Equal(texts(list), want) {
			t.Errorf("%q: %q, %v; want %q", body, list, err, want)
		}
	}
	list, err := Elements([]byte(`[1,2,3,4,what comes after is not read`), 2)
	if err != nil || !slices.Equal(texts(list), []string{"1", "2", "3"}) {
		t.Errorf("more than two: %q, %v", list, err)
	}
	for body, offset := range map[string]int64{``: 0, `[`: 1, `[1,]`: 2, `[1 2]`: 3, `[1]x`: 3, `[{]`: 2, `[1] ]`: 4} {
		_, err := Elements([]byte(body), 10)
		var bad *Error
		if !errors.As(err, &bad) || bad.Reason != Syntax || bad.Offset != offset || strings.Contains(bad.Error(), ": ;") {
			t.Errorf("%q: %v; want a fault at %d", body, err, offset)
		}
	}
}

// FuzzElements compares the elements with those that encoding/json finds.
func FuzzElements(f *testing.F) {
	for _, seed := range []string{`[]`, `[1,{"a":[2]}, "\u0000" ]`, `[0]0`, `[[[]],`, "[\"\xff\"]", `[]x`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		body := []byte(text)
		if !bytes.HasPrefix(bytes.TrimLeft(body, whiteSpace), []byte{'['}) {
			return
		}
		list, err := Elements(body, len(body))
		var want []json.RawMessage
		wrong := json.Unmarshal(body, &want)
		if string(body) != text || (err == nil) != (wrong == nil) || err == nil && len(list) != len(want) {
			t.Fatalf("%q: %q, %v; want %q, %v", text, list, err, want, wrong)
		}
		for i := range list {
			if !bytes.Equal(list[i], want[i]) {
				t.Fatalf("%q: element %d is %q; want %q", text, i, list[i], want[i])
			}
		}
	})
}

func TestRefuse(t *testing.T) {
	t.Parallel()
	_, err := Elements([]byte(`[`), 1)
	if got := Refuse(err, 1); got.Reason != Syntax || got.Offset != 1 {
		t.Errorf("%+v", got)
	}
}
