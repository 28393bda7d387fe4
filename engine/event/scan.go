package event

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"

	"hookline/jql"
	"hookline/matcher"
)

// MaxDepth is how many objects and arrays may be nested in a body, the root object counted.
const MaxDepth = 100

// Header is what the engine itself needs to know of a body.
type Header struct {
	// Type is the value of webhookEvent.
	Type string

	// HasIssue is set when the root has an issue object.
	HasIssue bool

	// HasTimestamp is set when the root has a timestamp member, whatever its value.
	HasTimestamp bool

	// HasTransition is set when the body of an issue event has a transition object at its root: the step of a
	// workflow that the issue made, which is for post-functions alone.
	HasTransition bool

	// start and end bound the root object; matched is its matchedWebhookIds member, transition its transition object.
	start, end          int
	matched, transition member
}

// member is where a member of the root object is, so that it can be left out.
type member struct {
	number int // of the members before it; it is there if end is not 0
	from   int // the end of the member before it, or of the opening brace
	end    int // of its value
	next   int // behind the comma after it, or end where there is none
}

// Scanner reads bodies. The zero Scanner is ready for use; it keeps its buffers from body to body.
type Scanner struct {
	dec     jsontext.Decoder
	buf     bytes.Buffer // lends the body to dec, which reads a bytes.Buffer in place
	body    []byte
	depth   int
	names   names
	scratch scratch

	plan  *Plan
	out   sink
	slots []int // where the terms go that terms is making
	terms jql.Terms
	h     Header

	// Of members whose meaning depends on others, the text is noted and used at the end.
	event    []byte    // webhookEvent, nil when there is none
	eventEnd int       // where it ended
	property [2][]byte // key and value of the root property object
}

// sink takes what a body holds; a *matcher.Event is one.
type sink interface {
	Add(slot int, term []byte)
	SetPresent(slot int)
}

// Duplicate names are told apart by names and not by the decoder, which would allocate for every
// member of an object with more than a few dozen of them, as real issues are.
var decoderOptions = []jsontext.Options{jsontext.AllowDuplicateNames(true)}

// Scan reads a body once: it gives the terms that the plan asks for to ev, and reports what the
// engine needs to know. A refusal is an [*Error]; ev then holds the terms found so far.
//
// The body is neither changed nor kept. Its size is the caller's business.
func (s *Scanner) Scan(body []byte, p *Plan, ev *matcher.Event) (Header, error) {
	return s.scan(body, p, ev)
}

func (s *Scanner) scan(body []byte, p *Plan, out sink) (Header, error) {
	s.begin(body, p, out)
	defer s.release()
	if err := s.root(); err != nil {
		return Header{}, err
	}
	if err := s.readType(); err != nil {
		return Header{}, err
	}
	s.readProject()
	if err := s.readProperty(); err != nil {
		return Header{}, err
	}
	return s.h, nil
}

func (s *Scanner) begin(body []byte, p *Plan, out sink) {
	s.plan, s.out, s.h = p, out, Header{}
	s.event, s.property = nil, [2][]byte{}
	s.names.reset()
	if s.terms.Add == nil {
		s.terms.Add = s.emit
	}
	s.terms.Zone = p.zone
	s.read(body)
}

// read points the decoder at a text.
func (s *Scanner) read(text []byte) {
	s.body, s.depth = text, 0
	s.buf = *bytes.NewBuffer(text)
	s.dec.Reset(&s.buf, decoderOptions...)
}

// release lets go of everything that belongs to the caller.
func (s *Scanner) release() {
	s.read(nil)
	s.plan, s.out, s.slots = nil, nil, nil
	s.event, s.property = nil, [2][]byte{}
	s.names.trim()
	s.scratch.trim()
	s.terms.Trim()
}

// root reads the root object and what stands round it.
func (s *Scanner) root() error {
	switch s.dec.PeekKind() {
	case '{':
	case jsontext.KindInvalid:
		return s.syntax()
	default:
		return s.fail(NotObject)
	}
	if err := s.enter(); err != nil {
		return err
	}
	s.h.start = s.offset() - 1
	object, end := s.names.open(), s.offset()
	for number := 0; s.next() != '}'; number++ {
		name, err := s.name(object)
		if err != nil {
			return err
		}
		var mark *member
		switch string(name) {
		case "matchedWebhookIds":
			mark = &s.h.matched
		case "transition":
			if s.next() == '{' {
				mark = &s.h.transition
			}
		}
		if err := s.rootMember(name); err != nil {
			return err
		}
		if mark != nil {
			*mark = s.member(number, end)
		}
		end = s.offset()
	}
	if err := s.leave(); err != nil {
		return err
	}
	s.h.end = s.offset()
	return trailing(s.body, s.h.end, "object")
}

func (s *Scanner) rootMember(name []byte) (err error) {
	switch string(name) {
	case "webhookEvent":
		s.event, err = s.skip()
		s.eventEnd = s.offset()
		return err
	case "property":
		return s.pick(propertyMembers, s.property[:])
	case "timestamp":
		s.h.HasTimestamp = true
	case "issue":
		return s.issue()
	case "mergedTo":
		if s.next() == '{' {
			s.present(s.plan.merged)
		}
	}
	return s.value(s.plan.root.members[string(name)])
}

// issue reads the root's issue. Anything but an object counts as no issue at all.
func (s *Scanner) issue() error {
	if s.next() != '{' {
		_, err := s.skip()
		return err
	}
	s.h.HasIssue = true
	s.present(s.plan.issue)
	return s.value(s.plan.root.members["issue"])
}

// member says where the member is that was just read.
func (s *Scanner) member(number, from int) member {
	m := member{number: number, from: from, end: s.offset(), next: s.offset()}
	rest := s.body[m.end:]
	if after := bytes.TrimLeft(rest, whiteSpace); len(after) > 0 && after[0] == ',' {
		m.next += len(rest) - len(after) + 1
	}
	return m
}

const whiteSpace = " \t\r\n"

// trailing refuses anything but white space after the end of what a body is: an object, or an array.
func trailing(body []byte, end int, kind string) error {
	rest := body[end:]
	after := bytes.TrimLeft(rest, whiteSpace)
	if len(after) == 0 {
		return nil
	}
	return &Error{
		Offset: int64(end + len(rest) - len(after)),
		Reason: Syntax,
		detail: "there is text after the end of the root " + kind,
	}
}

// readType checks webhookEvent and names the type. Known names come from the catalogue, so that they
// cost no allocation.
func (s *Scanner) readType() error {
	if s.event == nil {
		return &Error{Offset: int64(s.h.start), Reason: NoType}
	}
	at := int64(s.eventEnd - len(s.event))
	if s.event[0] != '"' {
		return &Error{Offset: at, Pointer: "/webhookEvent", Reason: TypeNotText}
	}
	name := s.scratch.text(s.event)
	if len(name) == 0 {
		return &Error{Offset: at, Pointer: "/webhookEvent", Reason: NoType}
	}
	if t, ok := byName[string(name)]; ok {
		s.h.Type = t.Name
		s.h.HasTransition = t.Family == Issue && s.h.transition.end > 0
	} else {
		s.h.Type = string(name)
	}
	s.add(s.plan.event, name)
	return nil
}

// propertyMembers are noted until the type of the event is known.
var propertyMembers = []string{"key", "value"}

// readProperty uses the root property object, once the type of the event is known: its key is a term
// of its own, and on issue_property_set its value is that property's new value.
func (s *Scanner) readProperty() error {
	key, value := s.property[0], s.property[1]
	if len(key) == 0 || key[0] != '"' {
		return nil
	}
	name := s.scratch.text(key)
	if len(name) == 0 {
		return nil
	}
	s.add(s.plan.property, name)
	want := s.plan.properties[string(name)]
	if want == nil || value == nil || s.h.Type != "issue_property_set" {
		return nil
	}
	s.read(value)
	return s.value(want)
}
