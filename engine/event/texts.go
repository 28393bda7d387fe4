package event

import (
	"bytes"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
)

// Path leads from the root of a body to a value, by member names: {"issue", "fields", "project", "id"}.
type Path []string

// Texts returns what stands at paths of a body: what a string says, the literal of a number, and "" for anything else
// and for what is not there. Arrays are not looked into. There may be up to 64 paths; the texts are in their order.
//
// The body is read no further than to the last text that is wanted. One that is not JSON gives the texts before the
// error; a body that was published is JSON.
func Texts(body []byte, paths ...Path) []string {
	s := seekers.Get().(*seeker)
	defer s.release()
	s.buf = *bytes.NewBuffer(body)
	s.dec.Reset(&s.buf, decoderOptions...)
	s.paths, s.texts, s.missing = paths, make([]string, len(paths)), len(paths)
	if s.missing > 0 && s.dec.PeekKind() == '{' {
		s.object(1<<len(paths)-1, 0)
	}
	return s.texts
}

// seeker is one call of Texts.
type seeker struct {
	dec     jsontext.Decoder
	buf     bytes.Buffer // lends the body to dec
	paths   []Path
	texts   []string
	missing int // paths that nothing was met at
}

var seekers = sync.Pool{New: func() any { return new(seeker) }}

func (s *seeker) release() {
	s.buf = bytes.Buffer{}
	s.dec.Reset(&s.buf)
	s.paths, s.texts = nil, nil
	seekers.Put(s)
}

// object reads the next value, an object that the paths in the set lead to, and says whether there is a reason to
// read on.
func (s *seeker) object(set uint64, depth int) bool {
	if _, err := s.dec.ReadToken(); err != nil {
		return false
	}
	for s.dec.PeekKind() == '"' {
		name, err := s.dec.ReadValue()
		if err != nil {
			return false
		}
		if !s.value(s.along(set, depth, name), depth+1) {
			return false
		}
	}
	_, err := s.dec.ReadToken()
	return err == nil
}

// along returns those of the paths in the set that lead on by a member.
func (s *seeker) along(set uint64, depth int, quoted []byte) uint64 {
	name := quoted[1 : len(quoted)-1]
	if escaped(name) {
		name, _ = jsontext.AppendUnquote(nil, quoted)
	}
	on := uint64(0)
	for i, p := range s.paths {
		if set&(1<<i) != 0 && depth < len(p) && p[depth] == string(name) {
			on |= 1 << i
		}
	}
	return on
}

// value reads the next value, which the paths in the set lead to.
func (s *seeker) value(set uint64, depth int) bool {
	if set == 0 {
		return s.dec.SkipValue() == nil
	}
	if s.dec.PeekKind() == '{' {
		return s.object(set, depth)
	}
	raw, err := s.dec.ReadValue()
	if err != nil {
		return false
	}
	text := plain(raw)
	for i, p := range s.paths {
		if set&(1<<i) == 0 {
			continue
		}
		s.missing--
		if depth == len(p) {
			s.texts[i] = text
		}
	}
	return s.missing > 0
}

// plain returns what a string says, or the literal of a number.
func plain(raw []byte) string {
	switch {
	case raw[0] == '"':
		text, _ := jsontext.AppendUnquote(nil, raw)
		return string(text)
	case startsNumber(raw[0]):
		return string(raw)
	}
	return ""
}
