package event

import (
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
	lexer
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
	eventAt  int       // where it begins
	property [2][]byte // key and value of the root property object
}

// sink takes what a body holds; a *matcher.Event is one.
type sink interface {
	Add(slot int, term []byte)
	SetPresent(slot int)
}

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
	s.root()
	if s.bad {
		return Header{}, refusal(body)
	}
	if err := s.readType(); err != nil {
		return Header{}, err
	}
	s.readProject()
	s.readProperty()
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

// read goes to the beginning of a text.
func (s *Scanner) read(text []byte) { s.lexer, s.depth = lexer{text: text}, 0 }

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
func (s *Scanner) root() {
	c, at := s.peek(0)
	if c != '{' {
		s.fail()
		return
	}
	s.h.start = at
	o := s.names.open()
	at, more := s.first(s.enter(at), '}')
	for number, from := 0, s.h.start+1; more; number++ {
		name, key, behind := s.name(at, &o)
		mark, end := s.rootMember(behind, name, key)
		if at, more = s.more(end, '}'); mark != nil {
			*mark = member{number: number, from: from, end: end, next: end}
			if more {
				mark.next = at
			}
		}
		from = end
	}
	s.h.end = at
	if _, at = s.peek(at); at < len(s.text) {
		s.fail()
	}
}

// rootMember reads the value of a member of the root object. If the place of that member is to be noted it says where.
func (s *Scanner) rootMember(at int, name []byte, key uint64) (mark *member, end int) {
	c, at := s.peek(at)
	n := s.plan.root.members.find(key, name)
	switch string(name) {
	case "webhookEvent":
		end = s.skip(at)
		s.event, s.eventAt = s.part(at, end), at
		return nil, end
	case "property":
		return nil, s.pick(at, propertyMembers, s.property[:])
	case "issue":
		return nil, s.issue(at, n)
	case "timestamp":
		s.h.HasTimestamp = true
	case "mergedTo":
		if c == '{' {
			s.present(s.plan.merged)
		}
	case "matchedWebhookIds":
		mark = &s.h.matched
	case "transition":
		if c == '{' {
			mark = &s.h.transition
		}
	}
	return mark, s.value(at, n)
}

// issue reads the root's issue. Anything but an object counts as no issue at all.
func (s *Scanner) issue(at int, n *node) int {
	if !s.is(at, '{') {
		return s.skip(at)
	}
	s.h.HasIssue = true
	s.present(s.plan.issue)
	return s.value(at, n)
}

// readType checks webhookEvent and names the type. Known names come from the catalogue, so that they
// cost no allocation.
func (s *Scanner) readType() error {
	if s.event == nil {
		return &Error{Offset: int64(s.h.start), Reason: NoType}
	}
	at := int64(s.eventAt)
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
func (s *Scanner) readProperty() {
	key, value := s.property[0], s.property[1]
	if len(key) == 0 || key[0] != '"' {
		return
	}
	name := s.scratch.text(key)
	if len(name) == 0 {
		return
	}
	s.add(s.plan.property, name)
	if s.plan.properties == nil || value == nil || s.h.Type != "issue_property_set" {
		return
	}
	want := s.plan.properties.members.find(keyOf(name), name)
	if want == nil {
		return
	}
	s.read(value)
	s.value(0, want)
}
