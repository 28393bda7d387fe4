package jql

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"
)

// The binary form of a filter is a version and its root. A node is a tag, what it consists of, and for compounds the number of
// their children and these. Numbers are varints, texts their length and their bytes.
const (
	binaryVersion = 1

	tagAllOf  = 1
	tagAnyOf  = 2
	tagTest   = 3
	tagRange  = 4
	tagSearch = 5

	flagNegate = 1 << 0
	flagEmpty  = 1 << 1 // of a test
	flagMoment = 1 << 1 // of a range

	flagStart = 1 << 0 // of a moment
	flagEnd   = 1 << 1
	flagZoned = 1 << 2

	flagParts = 1 << 7 // of an aspect: the field has a key or a path

	// maxBinaryDepth bounds the nesting that is read. It is beyond what the canonical form of any query that [Parse] accepts has.
	maxBinaryDepth = 2 * MaxDepth
)

// ErrBinary is the error about bytes that are no filter in binary form, or one of another version, or for another zone.
var ErrBinary = errors.New("jql: no filter in binary form")

// AppendBinary implements [encoding.BinaryAppender]; the error is always nil. Equal filters, and no others, have equal bytes.
// [DecodeFilter] reads them, in other processes too, and in versions of this package that know the form: others refuse it.
func (f *Filter) AppendBinary(b []byte) ([]byte, error) {
	return appendNode(append(b, binaryVersion), f.root), nil
}

func appendNode(b []byte, n Node) []byte {
	switch n := n.(type) {
	case *AllOf:
		return appendNodes(append(b, tagAllOf), n.Nodes)
	case *AnyOf:
		return appendNodes(append(b, tagAnyOf), n.Nodes)
	case *Test:
		b = append(b, tagTest, bitIf(n.Negate, flagNegate)|bitIf(n.Empty, flagEmpty))
		b = binary.AppendUvarint(appendBinaryField(b, n.Field), uint64(len(n.Terms)))
		for _, t := range n.Terms {
			b = appendString(b, t)
		}
		return b
	case *Range:
		b = append(b, tagRange, bitIf(n.Negate, flagNegate)|bitIf(n.Moment != nil, flagMoment), byte(n.Op))
		b = appendString(appendBinaryField(b, n.Field), n.Prefix)
		if n.Moment != nil {
			return n.Moment.append(b)
		}
		return appendString(b, n.Bound)
	case *Search:
		return appendString(appendBinaryField(append(b, tagSearch, bitIf(n.Negate, flagNegate)), n.Field), n.Text)
	}
	panic("jql: a filter holds a node of no kind")
}

func appendNodes(b []byte, nodes []Node) []byte {
	b = binary.AppendUvarint(b, uint64(len(nodes)))
	for _, n := range nodes {
		b = appendNode(b, n)
	}
	return b
}

func appendBinaryField(b []byte, f Field) []byte {
	parts := f.Key != "" || f.Path != ""
	b = appendString(append(b, byte(f.Aspect)|bitIf(parts, flagParts)), f.Name)
	if parts {
		b = appendString(appendString(b, f.Key), f.Path)
	}
	return b
}

// append leaves out what makes no difference, as the text of the moment does.
func (m *Moment) append(b []byte) []byte {
	zoned, whole := m.zoned(), m.Start || m.End
	b = append(b, bitIf(m.Start, flagStart)|bitIf(m.End && !m.Start, flagEnd)|bitIf(zoned, flagZoned))
	if whole {
		b = append(b, byte(m.Period))
		if m.Period == Week {
			b = append(b, byte(m.WeekStart))
		}
	}
	b = binary.AppendUvarint(b, uint64(len(m.Shift)))
	for _, s := range m.Shift {
		b = append(binary.AppendVarint(b, int64(s.Count)), byte(s.Unit))
	}
	if zoned {
		b = appendString(b, m.zone().String())
	}
	return b
}

func appendString(b []byte, text string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

func bitIf(set bool, bit byte) byte {
	if set {
		return bit
	}
	return 0
}

// DecodeFilter reads what [Filter.AppendBinary] wrote, and nothing else: bytes that are not those of a canonical filter are
// refused, so that the filter is the one that was written. The zone is the one that the filter was compiled with
// ([Env].Zone; nil is UTC): a filter whose moments are those of a zone with another name is refused, too. Nothing is kept of
// data. Errors wrap [ErrBinary].
func DecodeFilter(data []byte, zone *time.Location) (*Filter, error) {
	if len(data) == 0 || data[0] != binaryVersion {
		return nil, fmt.Errorf("%w: it does not begin with version %d", ErrBinary, binaryVersion)
	}
	d := decoder{rest: string(data[1:]), zone: zone}
	root := d.node(0)
	if d.wrong == "" && d.rest != "" {
		d.fail("there is more behind it")
	}
	if d.wrong != "" {
		return nil, fmt.Errorf("%w: %s", ErrBinary, d.wrong)
	}
	w, canonical := asCanonical(root)
	if !canonical {
		return nil, fmt.Errorf("%w: it is not canonical", ErrBinary)
	}
	f := filterOf(w)
	if again, _ := f.AppendBinary(make([]byte, 0, len(data))); !bytes.Equal(again, data) {
		return nil, fmt.Errorf("%w: it could be written otherwise", ErrBinary)
	}
	return f, nil
}

// decoder reads a filter. After it found something wrong it returns zero values.
type decoder struct {
	rest   string
	zone   *time.Location
	wrong  string
	shared *Decoder // nil for a filter by itself
}

func (d *decoder) fail(why string) {
	if d.wrong == "" {
		d.wrong = why
	}
	d.rest = ""
}

func (d *decoder) node(depth int) Node {
	if depth > maxBinaryDepth {
		d.fail("it is nested too deep")
		return &AllOf{}
	}
	switch d.byte() {
	case tagAllOf:
		return d.newAllOf(d.nodes(depth))
	case tagAnyOf:
		return d.newAnyOf(d.nodes(depth))
	case tagTest:
		flags := d.flags(flagNegate | flagEmpty)
		t := d.newTest()
		t.Negate, t.Empty, t.Field = flags&flagNegate != 0, flags&flagEmpty != 0, d.field()
		t.Terms = d.newTerms(d.count(1))
		for i := range t.Terms {
			t.Terms[i] = d.string()
		}
		return t
	case tagRange:
		return d.ordering()
	case tagSearch:
		negate := d.flags(flagNegate) != 0
		return &Search{Negate: negate, Field: d.keptField(), Text: strings.Clone(d.string())}
	}
	d.fail("there is a node of no kind")
	return &AllOf{}
}

func (d *decoder) nodes(depth int) []Node {
	list := d.newNodes(d.count(2))
	for i := range list {
		list[i] = d.node(depth + 1)
	}
	return list
}

func (d *decoder) ordering() *Range {
	flags := d.flags(flagNegate | flagMoment)
	r := &Range{Negate: flags&flagNegate != 0, Op: Op(d.byte())}
	switch r.Op {
	case Eq, Less, LessEq, Greater, GreaterEq:
	default:
		d.fail("there is an order by no operator of an order")
	}
	r.Field, r.Prefix = d.keptField(), strings.Clone(d.string())
	if flags&flagMoment != 0 {
		r.Moment = d.moment()
	} else {
		r.Bound = strings.Clone(d.string())
	}
	return r
}

func (d *decoder) moment() *Moment {
	flags := d.flags(flagStart | flagEnd | flagZoned)
	m := &Moment{Start: flags&flagStart != 0, End: flags&flagEnd != 0}
	if m.Start || m.End {
		m.Period = d.period()
		if m.Period == Week {
			m.WeekStart = time.Weekday(d.byte())
			if m.WeekStart > time.Saturday {
				d.fail("a week begins on no day")
			}
		}
	}
	if n := d.count(2); n > 0 {
		m.Shift = make([]Shift, n)
	}
	for i := range m.Shift {
		m.Shift[i] = Shift{Count: d.int(), Unit: d.period()}
	}
	if flags&flagZoned != 0 {
		m.Zone = d.zone
		if name := d.string(); name != m.zone().String() {
			d.fail("its moments are those of another zone")
		}
	}
	return m
}

func (d *decoder) period() Period {
	p := Period(d.byte())
	if p < Minute || p > Year {
		d.fail("there is a period of no kind")
		return Day
	}
	return p
}

func (d *decoder) newField() (f Field) {
	b := d.byte()
	f.Aspect, f.Name = Aspect(b&^flagParts), d.string()
	if int(f.Aspect) >= len(aspectText) {
		d.fail("there is an aspect of no kind")
	}
	if b&flagParts != 0 {
		f.Key, f.Path = d.string(), d.string()
	}
	return f
}

// keptField reads the field of a condition, which whoever reads filters may keep for longer than the filter.
func (d *decoder) keptField() Field {
	if d.shared != nil {
		return d.field()
	}
	return d.kept(d.field())
}

func (d *decoder) kept(f Field) Field {
	f.Name, f.Key, f.Path = strings.Clone(f.Name), strings.Clone(f.Key), strings.Clone(f.Path)
	return f
}

func (d *decoder) byte() byte {
	if d.rest == "" {
		d.fail("it ends early")
		return 0
	}
	b := d.rest[0]
	d.rest = d.rest[1:]
	return b
}

func (d *decoder) flags(known byte) byte {
	b := d.byte()
	if b&^known != 0 {
		d.fail("there is a flag of no meaning")
	}
	return b
}

// count reads how many of something follow that takes a number of bytes at least, so that no list is made which the rest
// cannot fill.
func (d *decoder) count(each int) int {
	n := d.uint()
	if n > uint64(len(d.rest)/each) {
		d.fail("a list is longer than what is left")
		return 0
	}
	return int(n)
}

func (d *decoder) uint() (n uint64) {
	for shift := 0; shift < 64; shift += 7 {
		b := d.byte()
		n |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return n
		}
	}
	d.fail("a number has no end")
	return 0
}

// int reads what binary.AppendVarint wrote.
func (d *decoder) int() int {
	n := d.uint()
	return int(n>>1) ^ -int(n&1)
}

func (d *decoder) string() string {
	n := d.count(1)
	text := d.rest[:n]
	d.rest = d.rest[n:]
	return text
}
