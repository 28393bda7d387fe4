package matcher

import (
	"cmp"
	"slices"
)

// layout is what the tries of a base are laid out by.
type layout struct {
	tests       *arrangement
	made        []made   // by rank of a test
	rests       []uint32 // ranks of tests
	symbols     int      // and one behind them
	slots       int
	tuning      *tuning
	subscribers func(filter uint32) []ID
}

// filing is one filter under one access key.
type filing struct {
	key    uint64
	rest   run    // of layout.rests, ascending: what has to hold besides
	begin  uint64 // the first two of them, which decide most comparisons
	filter uint32
	shared uint32
}

// compare puts filings of one key in the order of what has to hold besides.
func (l *layout) compare(x, y filing) int {
	if x.begin != y.begin {
		return cmp.Compare(x.begin, y.begin)
	}
	return cmp.Or(slices.Compare(l.restOf(&x), l.restOf(&y)), cmp.Compare(x.filter, y.filter))
}

func (l *layout) restOf(f *filing) []uint32 { return l.rests[f.rest.lo:f.rest.hi] }

// trie lays out buckets, in arrays that are like those of a base. Places in them count from its own beginning; see base.join.
type trie struct {
	*layout
	arrays
	buckets []bucket
	pending []listed // of the lists that are not complete
}

// build lays out filings, which are in the order of their keys.
func (t *trie) build(filings []filing) {
	// Most have one or two nodes, of which some are shared, and less than half have a key of their own.
	n := len(filings)
	t.nodes, t.leaves, t.ids, t.buckets = make([]node, 0, n+n/2), make([]leaf, 0, n+1), make([]ID, 0, n+n/4), make([]bucket, 0, n/2)
	for lo := 0; lo < len(filings); {
		hi := lo + 1
		for hi < len(filings) && filings[hi].key == filings[lo].key {
			hi++
		}
		slices.SortFunc(filings[lo:hi], t.compare)
		start := len(t.nodes)
		t.bucket(filings[lo:hi])
		t.buckets = append(t.buckets, bucket{filings[lo].key, uint32(start), uint32(len(t.nodes))})
		lo = hi
	}
}

// bucket lays out the filings of one key.
func (t *trie) bucket(fs []filing) {
	n := t.withDepth(fs, 0)
	if n > 0 {
		at := t.open(made{test: nodePass})
		t.hang(at, fs[:n])
		t.close(at)
	}
	t.children(fs[n:], 0)
}

// withDepth returns how many filings ask for no more than so many tests. They are the first.
func (t *trie) withDepth(fs []filing, depth int) (n int) {
	for n < len(fs) && int(fs[n].rest.hi-fs[n].rest.lo) == depth {
		n++
	}
	return n
}

// end closes the last trie of a base. The filters that never hold get leaves of no node: all filters have one then, which keep their
// subscribers.
func (t *trie) end(nowhere []uint32) {
	t.close(t.open(made{}))
	for _, n := range nowhere {
		t.leaves = append(t.leaves, leaf{uint32(len(t.ids)), n})
		t.ids = append(t.ids, t.subscribers(n)...)
	}
	t.leaves = append(t.leaves, leaf{ids: uint32(len(t.ids))})
}

func (t *trie) open(m made) int {
	t.nodes = append(t.nodes, node{test: m.test, arg: m.arg, leaf: uint32(len(t.leaves))})
	return len(t.nodes) - 1
}

func (t *trie) close(at int) { t.nodes[at].skip = uint32(len(t.nodes)) }

// hang makes filings leaves of the node that was opened last.
func (t *trie) hang(at int, fs []filing) {
	for i := range fs {
		f := &fs[i]
		t.leaves = append(t.leaves, leaf{uint32(len(t.ids)), f.filter | f.shared<<leafShift})
		t.ids = append(t.ids, t.subscribers(f.filter)...)
		t.nodes[at].test |= f.shared << kindBits
	}
}

// children lays out filings, which all ask for more than depth tests, by the next test.
func (t *trie) children(fs []filing, depth int) {
	for len(fs) > 0 {
		n := t.family(fs, depth)
		t.siblings(fs[:n], depth)
		fs = fs[n:]
	}
}

func (t *trie) rankOf(f *filing, depth int) uint32 { return t.rests[int(f.rest.lo)+depth] }

// family returns how many of the first filings have tests of the same field and kind next.
func (t *trie) family(fs []filing, depth int) int {
	n, next := 1, t.tests.next[t.rankOf(&fs[0], depth)]
	for n < len(fs) && t.rankOf(&fs[n], depth) < next {
		n++
	}
	return n
}

// same returns how many of the first filings have the same test next.
func (t *trie) same(fs []filing, depth int) int {
	n, rank := 1, t.rankOf(&fs[0], depth)
	for n < len(fs) && t.rankOf(&fs[n], depth) == rank {
		n++
	}
	return n
}

func (t *trie) testOf(f *filing, depth int) []uint32 { return t.tests.test(t.rankOf(f, depth)) }

// siblings lays out a family.
func (t *trie) siblings(fs []filing, depth int) {
	if len(fs) >= min(t.tuning.switchFrom, t.tuning.exceptFrom) {
		switch test := t.testOf(&fs[0], depth); opOf(test) {
		case opIs, opIn:
			if t.different(fs, depth) >= t.tuning.switchFrom {
				t.switchOver(fs, depth)
				return
			}
		case opNotIn:
			fs = t.except(fs, depth)
		}
	}
	for len(fs) > 0 {
		n := t.same(fs, depth)
		t.child(fs[:n], depth)
		fs = fs[n:]
	}
}

// different returns how many different tests a family has next.
func (t *trie) different(fs []filing, depth int) (n int) {
	for ; len(fs) > 0; n++ {
		fs = fs[t.same(fs, depth):]
	}
	return n
}

// child lays out filings that share the next test.
func (t *trie) child(fs []filing, depth int) {
	at := t.open(t.made[t.rankOf(&fs[0], depth)])
	n := t.withDepth(fs, depth+1)
	t.hang(at, fs[:n])
	t.children(fs[n:], depth+1)
	t.close(at)
}

// switchOver lays out a family of which an event with one symbol of the field reaches only what asks for that.
func (t *trie) switchOver(fs []filing, depth int) {
	at := t.open(made{test: nodeSwitch | t.testOf(&fs[0], depth)[1]<<testShift})
	from := len(t.pending)
	for len(fs) > 0 {
		n := t.same(fs, depth)
		for _, sym := range termsOf(t.testOf(&fs[0], depth)) {
			t.pending = append(t.pending, listed{sym, uint32(len(t.nodes))})
		}
		t.child(fs[:n], depth)
		fs = fs[n:]
	}
	t.nodes[at].arg = t.store(from)
	t.close(at)
}

// store makes a list of what is pending from a place on and returns where that is.
func (t *trie) store(from int) uint32 {
	list := t.pending[from:]
	slices.SortFunc(list, func(x, y listed) int { return cmp.Or(cmp.Compare(x.symbol, y.symbol), cmp.Compare(x.at, y.at)) })
	at := uint32(len(t.lists))
	t.lists = append(t.lists, listed{symbol: uint32(len(list))})
	t.lists = append(t.lists, list...)
	t.pending = t.pending[:from]
	return at
}

// except lays out those of a family, which rules out values of a field, that ask for nothing else, if they are enough, and
// returns the others.
func (t *trie) except(fs []filing, depth int) []filing {
	last := func(f *filing) bool { return int(f.rest.hi-f.rest.lo) == depth+1 }
	n := 0
	for i := range fs {
		if last(&fs[i]) {
			n++
		}
	}
	if n < t.tuning.exceptFrom {
		return fs
	}
	at := t.open(made{test: nodeExcept | t.testOf(&fs[0], depth)[1]<<testShift})
	from, others := len(t.pending), make([]filing, 0, len(fs)-n)
	for i := range fs {
		if !last(&fs[i]) {
			others = append(others, fs[i])
			continue
		}
		for _, sym := range termsOf(t.testOf(&fs[i], depth)) {
			t.pending = append(t.pending, listed{sym, uint32(len(t.leaves))})
		}
		t.hang(at, fs[i:i+1])
	}
	t.nodes[at].arg = t.store(from)
	t.close(at)
	return others
}
