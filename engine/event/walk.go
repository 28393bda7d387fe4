package event

// The methods that walk a body take and return places in it, as those of [lexer] do.

// value reads the next value and takes from it what n asks for; a nil n asks for nothing.
func (s *Scanner) value(at int, n *node) int {
	if n == nil {
		return s.skip(at)
	}
	c, start := s.peek(at)
	switch c {
	case '{':
		return s.wantedObject(start, n)
	case '[':
		return s.wantedArray(start, n)
	}
	end := s.scalar(start)
	s.take(n, s.part(start, end))
	return end
}

// part is the text of what was read; nothing after a fault.
func (s *Scanner) part(start, end int) []byte {
	if s.bad {
		return nil
	}
	return s.text[start:end]
}

func (s *Scanner) wantedObject(at int, n *node) int {
	for i := range n.values {
		s.present(n.values[i].slots)
	}
	if n.user {
		return s.user(at, n)
	}
	return s.object(at, &n.members)
}

// object reads an object, which begins here, and walks the members that are asked for.
func (s *Scanner) object(at int, members *branches) int {
	o := s.names.open()
	at, more := s.first(s.enter(at), '}')
	for more {
		var name []byte
		var key uint64
		name, key, at = s.name(at, &o)
		at, more = s.more(s.value(at, members.find(key, name)), '}')
	}
	s.names.close(&o)
	s.depth--
	return at
}

// wantedArray reads an array, which begins here and stands for its elements if they can be what is asked for.
func (s *Scanner) wantedArray(at int, n *node) int {
	if n.single {
		return s.skip(at)
	}
	at, more := s.first(s.enter(at), ']')
	for more {
		if n.items {
			at = s.change(at)
		} else {
			at = s.value(at, n)
		}
		at, more = s.more(at, ']')
	}
	s.depth--
	return at
}

// skip reads the next value, whatever it is.
func (s *Scanner) skip(at int) int {
	c, at := s.peek(at)
	switch c {
	case '{':
		o := s.names.open()
		at, more := s.first(s.enter(at), '}')
		for more {
			_, _, at = s.name(at, &o)
			at, more = s.more(s.skip(at), '}')
		}
		s.names.close(&o)
		s.depth--
		return at
	case '[':
		at, more := s.first(s.enter(at), ']')
		for more {
			at, more = s.more(s.skip(at), ']')
		}
		s.depth--
		return at
	}
	return s.scalar(at)
}

// pick reads the next value and, if it is an object, notes the texts of the named members.
func (s *Scanner) pick(at int, members []string, found [][]byte) int {
	c, at := s.peek(at)
	if c != '{' {
		return s.skip(at)
	}
	o := s.names.open()
	at, more := s.first(s.enter(at), '}')
	for more {
		var name []byte
		name, _, at = s.name(at, &o)
		i := 0
		for i < len(members) && members[i] != string(name) {
			i++
		}
		_, start := s.peek(at)
		at = s.skip(start)
		if i < len(members) {
			found[i] = s.part(start, at)
		}
		at, more = s.more(at, '}')
	}
	s.names.close(&o)
	s.depth--
	return at
}

// name reads the name of a member and the colon, and returns the name and its key. It refuses a name that the object
// has already.
func (s *Scanner) name(at int, o *opened) (plain []byte, key uint64, end int) {
	c, start := s.peek(at)
	if c != '"' {
		return nil, 0, s.fail()
	}
	end, escapes := s.quoted(start)
	if s.bad {
		return nil, 0, end
	}
	plain, start = s.text[start+1:end-1], start+1
	if escapes {
		plain, start = s.names.keep(s.scratch.text(s.text[start-1 : end]))
	}
	key = keyOf(plain)
	if !s.names.insert(o, name{key, start, len(plain)}, s.text) {
		return nil, 0, s.fail()
	}
	return plain, key, s.colon(end)
}

// enter reads the start of an object or array.
func (s *Scanner) enter(at int) int {
	if s.depth++; s.depth > MaxDepth {
		return s.fail()
	}
	return at + 1
}
