package event

// value reads the next value and takes from it what n asks for; a nil n asks for nothing.
func (s *Scanner) value(n *node) error {
	if n == nil {
		_, err := s.skip()
		return err
	}
	switch s.next() {
	case '{':
		return s.wantedObject(n)
	case '[':
		return s.wantedArray(n)
	}
	raw, err := s.scalar()
	if err == nil {
		s.take(n, raw)
	}
	return err
}

func (s *Scanner) wantedObject(n *node) error {
	for i := range n.values {
		s.present(n.values[i].slots)
	}
	if n.user {
		return s.user(n)
	}
	return s.object(n.members)
}

// object reads the next value, an object, and walks the members that are asked for.
func (s *Scanner) object(members map[string]*node) error {
	if err := s.enter(); err != nil {
		return err
	}
	object := s.names.open()
	for s.next() != '}' {
		name, err := s.name(object)
		if err != nil {
			return err
		}
		if err := s.value(members[string(name)]); err != nil {
			return err
		}
	}
	return s.leave()
}

// wantedArray reads the next value, an array, which stands for its elements if they can be what is asked for.
func (s *Scanner) wantedArray(n *node) error {
	if n.single {
		_, err := s.skip()
		return err
	}
	if err := s.enter(); err != nil {
		return err
	}
	for s.next() != ']' {
		var err error
		if n.items {
			err = s.change()
		} else {
			err = s.value(n)
		}
		if err != nil {
			return err
		}
	}
	return s.leave()
}

// skip reads the next value, whatever it is, and returns its text.
func (s *Scanner) skip() ([]byte, error) {
	kind := s.next()
	if kind != '{' && kind != '[' {
		return s.scalar()
	}
	if err := s.enter(); err != nil {
		return nil, err
	}
	start := s.offset() - 1
	var err error
	if kind == '{' {
		err = s.skipMembers()
	} else {
		err = s.skipElements()
	}
	if err == nil {
		err = s.leave()
	}
	if err != nil {
		return nil, err
	}
	return s.body[start:s.offset()], nil
}

func (s *Scanner) skipMembers() error {
	object := s.names.open()
	for s.next() != '}' {
		if _, err := s.name(object); err != nil {
			return err
		}
		if _, err := s.skip(); err != nil {
			return err
		}
	}
	return nil
}

func (s *Scanner) skipElements() error {
	for s.next() != ']' {
		if _, err := s.skip(); err != nil {
			return err
		}
	}
	return nil
}

// pick reads the next value and, if it is an object, notes the texts of the named members.
func (s *Scanner) pick(members []string, found [][]byte) error {
	if s.next() != '{' {
		_, err := s.skip()
		return err
	}
	if err := s.enter(); err != nil {
		return err
	}
	object := s.names.open()
	for s.next() != '}' {
		name, err := s.name(object)
		if err != nil {
			return err
		}
		i := 0
		for i < len(members) && members[i] != string(name) {
			i++
		}
		raw, err := s.skip()
		if err != nil {
			return err
		}
		if i < len(members) {
			found[i] = raw
		}
	}
	return s.leave()
}

// scalar reads the next value, which is not an object or array, and returns its text.
func (s *Scanner) scalar() ([]byte, error) {
	raw, err := s.dec.ReadValue()
	if err != nil {
		return nil, s.refuse(err)
	}
	end := s.offset()
	return s.body[end-len(raw) : end], nil
}

// name reads a member name and refuses one that the object has already.
func (s *Scanner) name(object uint32) ([]byte, error) {
	raw, err := s.scalar()
	if err != nil {
		return nil, err
	}
	name, start := raw[1:len(raw)-1], s.offset()-len(raw)+1
	if escaped(name) {
		name, start = s.names.keep(s.scratch.text(raw))
	}
	if !s.names.insert(object, name, start, s.body) {
		return nil, s.fail(Duplicate)
	}
	return name, nil
}

// enter reads the start of an object or array.
func (s *Scanner) enter() error {
	if s.depth++; s.depth > MaxDepth {
		return s.fail(TooDeep)
	}
	return s.delimiter()
}

// leave reads the end of an object or array.
func (s *Scanner) leave() error {
	s.depth--
	return s.delimiter()
}

func (s *Scanner) delimiter() error {
	if _, err := s.dec.ReadToken(); err != nil {
		return s.refuse(err)
	}
	return nil
}

// next returns the first byte of the next name, value or end, 0 at the end of the body. It only looks:
// that the separators on the way are the right ones is for the decoder to check, which reads them.
func (s *Scanner) next() byte {
	for _, c := range s.body[s.offset():] {
		switch c {
		case ' ', '\t', '\r', '\n', ',', ':':
		default:
			return c
		}
	}
	return 0
}

// offset is the place behind what was read last.
func (s *Scanner) offset() int { return int(s.dec.InputOffset()) }

// fail refuses the body for what was read last.
func (s *Scanner) fail(why Reason) error {
	return &Error{Offset: s.dec.InputOffset(), Pointer: pointer(s.dec.StackPointer()), Reason: why}
}

// syntax refuses the body for what could not be read.
func (s *Scanner) syntax() error {
	_, err := s.dec.ReadToken()
	return s.refuse(err)
}

func (s *Scanner) refuse(err error) error { return syntaxError(err, len(s.body)) }
