package event

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/valyala/fastjson"

	"hookline/jql"
)

// The benchmarks here get the values of usualFields out of a body in the ways that were considered beside the scanner,
// without the work of making terms of them, which BenchmarkScanAlone has as well.

// fastjsonPaths lead to the values that usualFields are made of.
var fastjsonPaths = [][]string{
	{"webhookEvent"}, {"issue", "key"}, {"issue", "id"},
	{"issue", "fields", "project", "key"}, {"issue", "fields", "project", "name"}, {"issue", "fields", "project", "id"},
	{"issue", "fields", "issuetype", "name"}, {"issue", "fields", "issuetype", "id"},
	{"issue", "fields", "status", "name"}, {"issue", "fields", "status", "id"},
	{"issue", "fields", "priority", "name"}, {"issue", "fields", "priority", "id"},
	{"issue", "fields", "assignee", "accountId"}, {"issue", "fields", "reporter", "accountId"},
	{"issue", "fields", "customfield_10014"}, {"issue", "properties", "review", "state"},
}

func throughFastjson(p *fastjson.Parser, body []byte) (n int, err error) {
	v, err := p.ParseBytes(body)
	if err != nil {
		return 0, err
	}
	for _, path := range fastjsonPaths {
		n += len(v.GetStringBytes(path...))
	}
	for _, item := range v.GetArray("changelog", "items") {
		n += len(item.GetStringBytes("fieldId"))
	}
	return n, nil
}

// BenchmarkFastjson checks neither strings nor numbers, and lets repeated names pass.
func BenchmarkFastjson(b *testing.B) {
	benchmarkBodies(b, func(b *testing.B, body []byte) {
		var p fastjson.Parser
		for b.Loop() {
			if _, err := throughFastjson(&p, body); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkFastjsonGated has a strict reader in front: the decoder of package jsontext, which refuses what a scan refuses.
func BenchmarkFastjsonGated(b *testing.B) {
	benchmarkBodies(b, func(b *testing.B, body []byte) {
		var p fastjson.Parser
		for b.Loop() {
			if !jsontext.Value(body).IsValid() {
				b.Fatal("invalid")
			}
			if _, err := throughFastjson(&p, body); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// trieWalk reads a body token by token with package jsontext, down the tree of a plan.
type trieWalk struct {
	dec   *jsontext.Decoder
	found int // bytes of values
}

func (w *trieWalk) value(n *node) error {
	switch w.dec.PeekKind() {
	case '{':
		return w.object(n)
	case '[':
		if n.single {
			return w.dec.SkipValue()
		}
		return w.array(n)
	}
	text, err := w.dec.ReadValue()
	w.found += len(text)
	return err
}

func (w *trieWalk) object(n *node) error {
	if _, err := w.dec.ReadToken(); err != nil {
		return err
	}
	for w.dec.PeekKind() != '}' {
		quoted, err := w.dec.ReadValue()
		if err != nil {
			return err
		}
		name := quoted[1 : len(quoted)-1]
		if next := n.members.find(keyOf(name), name); next != nil {
			err = w.value(next)
		} else {
			err = w.dec.SkipValue()
		}
		if err != nil {
			return err
		}
	}
	_, err := w.dec.ReadToken()
	return err
}

func (w *trieWalk) array(n *node) error {
	if _, err := w.dec.ReadToken(); err != nil {
		return err
	}
	for w.dec.PeekKind() != ']' {
		if err := w.value(n); err != nil {
			return err
		}
	}
	_, err := w.dec.ReadToken()
	return err
}

// BenchmarkJsontextTrie skips what no field asks for, as a scan does.
func BenchmarkJsontextTrie(b *testing.B) {
	plan := NewPlan(usualFields, jql.Env{})
	benchmarkBodies(b, func(b *testing.B, body []byte) {
		var in bytes.Buffer // which the decoder reads in place
		w := trieWalk{dec: jsontext.NewDecoder(&in)}
		for b.Loop() {
			in = *bytes.NewBuffer(body)
			w.dec.Reset(&in)
			if err := w.value(&plan.root); err != nil {
				b.Fatal(err)
			}
			if _, err := w.dec.ReadToken(); !errors.Is(err, io.EOF) {
				b.Fatal(err)
			}
		}
	})
}

// TestPeersFindValues keeps the ways that are compared honest: each gets something out of every body.
func TestPeersFindValues(t *testing.T) {
	plan := NewPlan(usualFields, jql.Env{})
	for _, name := range fixtures {
		body := fixture(t, name)
		w := trieWalk{dec: jsontext.NewDecoder(bytes.NewBuffer(body))}
		n, err := throughFastjson(new(fastjson.Parser), body)
		if err := errors.Join(err, w.value(&plan.root)); err != nil || n < 20 || w.found < 20 {
			t.Errorf("%s: %d and %d bytes, %v", name, n, w.found, err)
		}
	}
}
