package event

// branches are the nodes that the members of an object lead to. Every member of every object that is looked into is
// asked for here, and few are found: this is a table by [keyOf], which the scanner needs in any case, and which most
// often tells without a look at the name that there is none.
type branches struct {
	slots []branch // open addressing; the length is a power of two, of which a quarter is used at most
	used  int

	// crowded has the members that found no room near their place. Names may be chosen for their keys to be the same,
	// in filters as well, and a search through all of them would make every event slow.
	crowded map[string]*node
}

type branch struct {
	key  uint64
	name string
	node *node // nil in a free slot
}

// near is how far from its place a member may be in the table.
const near = 8

// find returns the node of a member, nil for one that is not asked for.
func (b *branches) find(key uint64, name []byte) *node {
	if len(b.slots) == 0 {
		return nil
	}
	place, mask := key>>40, uint64(len(b.slots)-1)
	for i := range uint64(near) {
		s := &b.slots[(place+i)&mask]
		if s.node == nil || s.key == key && s.name == string(name) {
			return s.node
		}
	}
	return b.crowded[string(name)]
}

// named is find without a key at hand.
func (b *branches) named(name string) *node { return b.find(keyOf([]byte(name)), []byte(name)) }

// add adds a member that is not there yet.
func (b *branches) add(name string, n *node) {
	if b.used >= len(b.slots)/4 {
		b.grow()
	}
	key := keyOf([]byte(name))
	place, mask := key>>40, uint64(len(b.slots)-1)
	for i := range uint64(near) {
		if s := &b.slots[(place+i)&mask]; s.node == nil {
			*s = branch{key, name, n}
			b.used++
			return
		}
	}
	if b.crowded == nil {
		b.crowded = map[string]*node{}
	}
	b.crowded[name] = n
}

// grow doubles the table. Whoever was crowded out may find room then.
func (b *branches) grow() {
	old := *b
	*b = branches{slots: make([]branch, max(near, 2*len(old.slots)))}
	for _, s := range old.slots {
		if s.node != nil {
			b.add(s.name, s.node)
		}
	}
	for name, n := range old.crowded {
		b.add(name, n)
	}
}
