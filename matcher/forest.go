package matcher

// grow lays out all filings, and the table that leads to them. Each of the crew works at a trie for a range of keys. The buckets of keys
// with the same first symbol are in memory beside each other, since an event looks for many of those. nowhere are the
// filters that never hold.
func (b *base) grow(l *layout, crew crew, nowhere []uint32, of [][]filing) {
	parts := cut(l.byKey(of), int(crew))
	tries := make([]*trie, crew)
	crew.each(func(part int) {
		tries[part] = &trie{layout: l}
		tries[part].build(parts[part])
	})
	tries[crew-1].end(nowhere)
	b.join(tries, crew)
	b.settle(l.tests)
}

// byKey brings filings into the order of their keys: first into that of the second symbol, where the others are, then of the first.
func (l *layout) byKey(filings [][]filing) []filing {
	bySecond, _ := deal(l.symbols+2*l.slots, func(f *filing) int {
		if second := uint32(f.key); second < reserved {
			return int(second)
		}
		return l.symbols + int(uint32(f.key)&^reserved)
	}, filings...)
	byFirst, _ := deal(l.symbols, func(f *filing) int { return int(f.key >> 32) }, bySecond)
	return byFirst
}

// cut divides filings, which are in the order of their keys, into parts of about the same size. Those of one key stay together.
func cut(filings []filing, parts int) [][]filing {
	cuts, from := make([][]filing, parts), 0
	for part := range cuts {
		to := max(from, len(filings)*(part+1)/parts)
		for from < to && to < len(filings) && filings[to].key == filings[to-1].key {
			to++
		}
		cuts[part], from = filings[from:to], to
	}
	return cuts
}

// origin is where the arrays of a trie begin in those of a base.
type origin struct{ nodes, leaves, ids, lists, buckets uint32 }

func (o origin) behind(t *trie) origin {
	return origin{
		o.nodes + uint32(len(t.nodes)), o.leaves + uint32(len(t.leaves)), o.ids + uint32(len(t.ids)),
		o.lists + uint32(len(t.lists)), o.buckets + uint32(len(t.buckets)),
	}
}

// join makes the arrays of a base out of those of tries.
func (b *base) join(tries []*trie, crew crew) {
	origins := make([]origin, len(tries)+1)
	for i, t := range tries {
		origins[i+1] = origins[i].behind(t)
	}
	all := origins[len(tries)]
	b.nodes, b.leaves, b.ids = make([]node, all.nodes), make([]leaf, all.leaves), make([]ID, all.ids)
	b.lists = make([]listed, all.lists)
	buckets := make([]bucket, all.buckets)
	crew.each(func(part int) {
		tries[part].moveTo(b, buckets, origins[part])
	})
	for at, l := range b.leaves[:all.leaves-1] {
		b.filters.leaves[l.filter()] = uint32(at)
	}
	b.tabulate(buckets)
}

// moveTo copies what a trie has to the arrays of a base, where places count from an origin.
func (t *trie) moveTo(b *base, buckets []bucket, o origin) {
	copy(b.ids[o.ids:], t.ids)
	for i, k := range t.buckets {
		buckets[int(o.buckets)+i] = bucket{k.key, k.lo + o.nodes, k.hi + o.nodes}
	}
	for i, l := range t.leaves {
		b.leaves[int(o.leaves)+i] = leaf{l.ids + o.ids, l.mark}
	}
	for i, n := range t.nodes {
		switch n.kind() {
		case nodeSwitch:
			move(t.list(n.arg), o.nodes)
			n.arg += o.lists
		case nodeExcept:
			move(t.list(n.arg), o.leaves)
			n.arg += o.lists
		}
		n.skip, n.leaf = n.skip+o.nodes, n.leaf+o.leaves
		b.nodes[int(o.nodes)+i] = n
	}
	copy(b.lists[o.lists:], t.lists)
}

func move(list []listed, by uint32) {
	for i := range list {
		list[i].at += by
	}
}
