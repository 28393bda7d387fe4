package event

import "github.com/go-json-experiment/json/jsontext"

// Path leads from the root of a body to a value, by member names: {"issue", "fields", "project", "id"}.
type Path []string

// Texts returns what stands at paths of a body: what a string says, the literal of a number, and "" for anything else
// and for what is not there. Arrays are not looked into. There may be up to 64 paths; the texts are in their order.
//
// The body must be one that a scan accepted: it is not checked any more, and read no further than to the last text
// that is wanted. What the texts of another body are is not promised.
func Texts(body []byte, paths ...Path) []string {
	s := seeker{lexer: lexer{text: body}, paths: paths, texts: make([]string, len(paths)), missing: len(paths)}
	if c, at := s.peek(0); c == '{' && s.missing > 0 {
		s.object(at, 1<<len(paths)-1, 0)
	}
	return s.texts
}

// seeker is one call of Texts.
type seeker struct {
	lexer
	paths   []Path
	texts   []string
	missing int // paths that nothing was met at
}

// object reads an object, which begins here, and which the paths in the set lead to, until nothing is missing.
func (s *seeker) object(at int, set uint64, depth int) int {
	at, more := s.first(at+1, '}')
	for more {
		var c byte
		if c, at = s.peek(at); c != '"' {
			break
		}
		end := s.scalar(at)
		behind := s.colon(end)
		if s.bad {
			break
		}
		end = s.value(behind, s.along(set, depth, s.text[at:end]), depth+1)
		if s.missing == 0 {
			break
		}
		at, more = s.more(end, '}')
	}
	return at
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
func (s *seeker) value(at int, set uint64, depth int) int {
	c, at := s.peek(at)
	if c == '{' && set != 0 {
		return s.object(at, set, depth)
	}
	end := s.pass(at)
	if set == 0 || s.bad {
		return end
	}
	text := plain(s.text[at:end])
	for i, p := range s.paths {
		if set&(1<<i) == 0 {
			continue
		}
		s.missing--
		if depth == len(p) {
			s.texts[i] = text
		}
	}
	return end
}

// pass reads the next value by counting brackets: that they are the right ones was checked before.
func (s *seeker) pass(at int) int {
	for depth := 0; ; {
		var c byte
		switch c, at = s.peek(at); c {
		case '{', '[':
			at++
			depth++
		case '}', ']':
			at++
			depth--
		case ',', ':':
			at++
		default:
			at = s.scalar(at)
		}
		if depth <= 0 || s.bad {
			return at
		}
	}
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
