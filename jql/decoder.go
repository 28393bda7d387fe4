package jql

import (
	"fmt"
	"strings"
	"time"
)

// Decoder reads many filters in binary form, at a fraction of what [DecodeFilter] costs: it takes for granted that they are as
// [Filter.AppendBinary] wrote them, and they share memory, which is used again after Reset. So it is for bytes that nobody else can have
// written, and for filters that are used together and for a short time. Of other bytes it makes an error or some filter. A Decoder
// belongs to one goroutine at a time; the zero value is ready after Reset.
type Decoder struct {
	zone   *time.Location
	fields map[string]Field // by their binary form

	// Of the filters that were read since Reset.
	filters []Filter
	tests   []Test
	allOf   []AllOf
	anyOf   []AnyOf
	nodes   []Node
	terms   []string
}

// keptFields is how many fields a Decoder remembers, and keptNodes how many nodes and terms it keeps the room of.
const (
	keptFields = 256
	keptNodes  = 1 << 13
)

// Reset prepares to read filters that were compiled with a zone ([Env].Zone; nil is UTC). Those that were read before must not be used any
// more, but for the conditions in them, and the fields.
func (d *Decoder) Reset(zone *time.Location) {
	d.zone = zone
	if d.fields == nil || len(d.fields) > keptFields {
		d.fields = map[string]Field{}
	}
	giveBack(&d.filters)
	giveBack(&d.tests)
	giveBack(&d.allOf)
	giveBack(&d.anyOf)
	giveBack(&d.nodes)
	giveBack(&d.terms)
}

// giveBack makes all of a slab free, unless it is unusually large.
func giveBack[T any](slab *[]T) {
	if cap(*slab) > keptNodes {
		*slab = nil
	}
	clear(*slab)
	*slab = (*slab)[:0]
}

// Decode reads a filter, which is good until Reset. Its terms are parts of text. Errors wrap [ErrBinary].
func (d *Decoder) Decode(text string) (*Filter, error) {
	if text == "" || text[0] != binaryVersion {
		return nil, fmt.Errorf("%w: it does not begin with version %d", ErrBinary, binaryVersion)
	}
	r := decoder{rest: text[1:], zone: d.zone, shared: d}
	root := r.node(0)
	if r.wrong == "" && r.rest != "" {
		r.fail("there is more behind it")
	}
	if r.wrong != "" {
		return nil, fmt.Errorf("%w: %s", ErrBinary, r.wrong)
	}
	f := &take(&d.filters, 1)[0]
	f.root = root
	return f, nil
}

// take returns a part of a slab that nobody else has. The slab is replaced by one of twice the size where it has no room.
func take[T any](slab *[]T, n int) []T {
	const least = 64
	if cap(*slab)-len(*slab) < n {
		*slab = make([]T, 0, max(n, 2*cap(*slab), least))
	}
	from := len(*slab)
	*slab = (*slab)[:from+n]
	return (*slab)[from : from+n : from+n]
}

// The decoder makes nodes by itself, or takes them from the slabs that it shares with others.

func (d *decoder) newTest() *Test {
	if d.shared == nil {
		return new(Test)
	}
	return &take(&d.shared.tests, 1)[0]
}

func (d *decoder) newAllOf(nodes []Node) *AllOf {
	if d.shared == nil {
		return &AllOf{nodes}
	}
	n := &take(&d.shared.allOf, 1)[0]
	n.Nodes = nodes
	return n
}

func (d *decoder) newAnyOf(nodes []Node) *AnyOf {
	if d.shared == nil {
		return &AnyOf{nodes}
	}
	n := &take(&d.shared.anyOf, 1)[0]
	n.Nodes = nodes
	return n
}

func (d *decoder) newNodes(n int) []Node {
	if d.shared == nil {
		return make([]Node, n)
	}
	return take(&d.shared.nodes, n)
}

func (d *decoder) newTerms(n int) []string {
	if d.shared == nil {
		return make([]string, n)
	}
	return take(&d.shared.terms, n)
}

// field reads a field. One that came before is found by its binary form.
func (d *decoder) field() Field {
	from := d.rest
	f := d.newField()
	if d.shared == nil {
		return f
	}
	form := from[:len(from)-len(d.rest)]
	if same, known := d.shared.fields[form]; known {
		return same
	}
	f = d.kept(f)
	if d.wrong == "" {
		d.shared.fields[strings.Clone(form)] = f
	}
	return f
}
