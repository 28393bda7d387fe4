package matcher

import (
	"cmp"
	"slices"
)

// trie lays out the buckets of a base.
type trie struct {
	base     *base
	residues *residues
	rests    []uint32          // ranks of tests
	presence []uint32          // by slot: the symbol of its presence
	small    func(uint32) bool // tells of a slot that all its symbols are in one word
	tuning   *tuning

	subscribers func(filter uint32) []ID
	made        map[uint32]uint32 // by number of a test: its place in base.sets or base.code, plus 1
}

// filing is one filter under one access key.
type filing struct {
	key    uint64
	rest   run    // of trie.rests, ascending: what has to hold besides
	begin  uint64 // the first two of them, which decide most comparisons
	filter uint32
	shared uint32
}

// build lays out all filings.
func (t *trie) build(filings []filing) {
	slices.SortFunc(filings, t.compare)
	var buckets []bucket
	for lo := 0; lo < len(filings); {
		hi := lo + 1
		for hi < len(filings) && filings[hi].key == filings[lo].key {
			hi++
		}
		start := len(t.base.nodes)
		t.bucket(filings[lo:hi])
		buckets = append(buckets, bucket{filings[lo].key, uint32(start), uint32(len(t.base.nodes))})
		lo = hi
	}
	t.base.tabulate(buckets)
	t.base.nodes = append(t.base.nodes, node{leaf: uint32(len(t.base.leaves))})
	t.hangOthers()
	t.base.leaves = append(t.base.leaves, leaf{ids: uint32(len(t.base.ids))})
}

// hangOthers makes leaves, of no node, for the filters that never hold. All filters have one then, to keep their subscribers.
func (t *trie) hangOthers() {
	for n, at := range t.base.filters.leaves {
		if at == noLeaf {
			t.base.filters.leaves[n] = uint32(len(t.base.leaves))
			t.base.leaves = append(t.base.leaves, leaf{uint32(len(t.base.ids)), uint32(n)})
			t.base.ids = append(t.base.ids, t.subscribers(uint32(n))...)
		}
	}
}

func (t *trie) compare(x, y filing) int {
	switch {
	case x.key != y.key:
		return cmp.Compare(x.key, y.key)
	case x.begin != y.begin:
		return cmp.Compare(x.begin, y.begin)
	}
	return cmp.Or(slices.Compare(t.restOf(&x), t.restOf(&y)), cmp.Compare(x.filter, y.filter))
}

func (t *trie) restOf(f *filing) []uint32 { return t.rests[f.rest.lo:f.rest.hi] }

// bucket lays out the filings of one key.
func (t *trie) bucket(fs []filing) {
	n := t.withDepth(fs, 0)
	if n > 0 {
		at := t.open(nodePass, 0, 0)
		t.hang(at, fs[:n])
		t.close(at)
	}
	t.children(fs[n:], 0)
}

// withDepth returns how many filings ask for no more than so many tests. They are the first.
func (t *trie) withDepth(fs []filing, depth int) (n int) {
	for n < len(fs) && len(t.restOf(&fs[n])) == depth {
		n++
	}
	return n
}

func (t *trie) open(kind, at, arg uint32) int {
	t.base.nodes = append(t.base.nodes, node{
		test: kind | at<<testShift, arg: arg, leaf: uint32(len(t.base.leaves)),
	})
	return len(t.base.nodes) - 1
}

func (t *trie) close(at int) { t.base.nodes[at].skip = uint32(len(t.base.nodes)) }

// hang makes filings leaves of the node that was opened last.
func (t *trie) hang(at int, fs []filing) {
	for i := range fs {
		f := &fs[i]
		t.base.filters.leaves[f.filter] = uint32(len(t.base.leaves))
		t.base.leaves = append(t.base.leaves, leaf{uint32(len(t.base.ids)), f.filter | f.shared<<leafShift})
		t.base.ids = append(t.base.ids, t.subscribers(f.filter)...)
		t.base.nodes[at].test |= f.shared << kindBits
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

// family returns how many of the first filings have tests of the same field and kind next.
func (t *trie) family(fs []filing, depth int) int {
	first := t.testOf(&fs[0], depth)
	if classOf(first) == classProgram {
		return t.same(fs, depth)
	}
	n := 1
	for n < len(fs) {
		test := t.testOf(&fs[n], depth)
		if classOf(test) != classSymbols || test[1] != first[1] || kindOrder(test) != kindOrder(first) {
			break
		}
		n++
	}
	return n
}

// same returns how many of the first filings have the same test next.
func (t *trie) same(fs []filing, depth int) int {
	n := 1
	for n < len(fs) && t.restOf(&fs[n])[depth] == t.restOf(&fs[0])[depth] {
		n++
	}
	return n
}

func (t *trie) testOf(f *filing, depth int) []uint32 {
	return t.residues.of(t.residues.order[t.restOf(f)[depth]])
}

// siblings lays out a family.
func (t *trie) siblings(fs []filing, depth int) {
	switch kindOrder(t.testOf(&fs[0], depth)) {
	case 1:
		if classOf(t.testOf(&fs[0], depth)) == classSymbols && t.tests(fs, depth) >= t.tuning.switchFrom {
			t.switchOver(fs, depth)
			return
		}
	case 2:
		fs = t.except(fs, depth)
	}
	for len(fs) > 0 {
		n := t.same(fs, depth)
		t.child(fs[:n], depth)
		fs = fs[n:]
	}
}

// tests returns how many different tests a family has next.
func (t *trie) tests(fs []filing, depth int) (n int) {
	for ; len(fs) > 0; n++ {
		fs = fs[t.same(fs, depth):]
	}
	return n
}

// child lays out filings that share the next test.
func (t *trie) child(fs []filing, depth int) {
	at := t.test(t.residues.order[t.restOf(&fs[0])[depth]])
	n := t.withDepth(fs, depth+1)
	t.hang(at, fs[:n])
	t.children(fs[n:], depth+1)
	t.close(at)
}

// switchOver lays out a family of which an event with one symbol of the field reaches only what asks for that.
func (t *trie) switchOver(fs []filing, depth int) {
	slot := t.testOf(&fs[0], depth)[1]
	at := t.open(nodeSwitch, slot, 0)
	var list []listed
	for len(fs) > 0 {
		n := t.same(fs, depth)
		for _, sym := range termsOf(t.testOf(&fs[0], depth)) {
			list = append(list, listed{sym, uint32(len(t.base.nodes))})
		}
		t.child(fs[:n], depth)
		fs = fs[n:]
	}
	t.base.nodes[at].arg = t.list(list)
	t.close(at)
}

// list stores a list and returns its place.
func (t *trie) list(list []listed) uint32 {
	slices.SortFunc(list, func(x, y listed) int { return cmp.Or(cmp.Compare(x.symbol, y.symbol), cmp.Compare(x.at, y.at)) })
	at := uint32(len(t.base.lists))
	t.base.lists = append(t.base.lists, listed{symbol: uint32(len(list))})
	t.base.lists = append(t.base.lists, list...)
	return at
}

// except lays out those of a family, which rules out values of a field, that ask for nothing else, if they are enough, and
// returns the others.
func (t *trie) except(fs []filing, depth int) []filing {
	last := func(f *filing) bool { return len(t.restOf(f)) == depth+1 }
	n := 0
	for i := range fs {
		if last(&fs[i]) {
			n++
		}
	}
	if n < t.tuning.exceptFrom {
		return fs
	}
	at := t.open(nodeExcept, t.testOf(&fs[0], depth)[1], 0)
	var list []listed
	others := make([]filing, 0, len(fs)-n)
	for i := range fs {
		if !last(&fs[i]) {
			others = append(others, fs[i])
			continue
		}
		for _, sym := range termsOf(t.testOf(&fs[i], depth)) {
			list = append(list, listed{sym, uint32(len(t.base.leaves))})
		}
		t.hang(at, fs[i:i+1])
	}
	t.base.nodes[at].arg = t.list(list)
	t.close(at)
	return others
}

// test opens the node of a test.
func (t *trie) test(number uint32) int {
	code := t.residues.of(number)
	switch op := opOf(code); op {
	case opPresent:
		sym := t.presence[code[1]]
		return t.open(nodeAny, sym/wordBits, 1<<(sym%wordBits))
	case opIs, opIn:
		return t.symbols(number, nodeAny, nodeAnyOf)
	case opNotIn:
		if first := t.presence[code[1]]; t.small(code[1]) {
			return t.open(nodeOnly, first/wordBits, maskOf(termsOf(code))|1<<(first%wordBits))
		}
		return t.symbols(number, nodeNone, nodeNoneOf)
	}
	return t.open(nodeProgram, 0, t.once(number, func(code []uint32) uint32 {
		t.base.code = append(t.base.code, code...)
		return uint32(len(t.base.code) - len(code))
	}))
}

// symbols opens the node of a test of symbols, which is of one kind if one word has them all.
func (t *trie) symbols(number, one, many uint32) int {
	code := t.residues.of(number)
	terms := termsOf(code)
	if word := terms[0] / wordBits; terms[len(terms)-1]/wordBits == word {
		return t.open(one, word, maskOf(terms))
	}
	return t.open(many, code[1], t.once(number, t.set))
}

// wordBits is the length of a word of an event's bits.
const wordBits = 32

func maskOf(terms []uint32) (mask uint32) {
	for _, sym := range terms {
		mask |= 1 << (sym % wordBits)
	}
	return mask
}

// once returns the place of what is made for a test, which other nodes may have as well.
func (t *trie) once(number uint32, make func([]uint32) uint32) uint32 {
	at, ok := t.made[number]
	if !ok {
		at = make(t.residues.of(number))
		t.made[number] = at
	}
	return at
}

// set stores the symbols of a test and returns their place.
func (t *trie) set(code []uint32) uint32 {
	at := uint32(len(t.base.sets))
	t.base.sets = append(t.base.sets, uint32(len(termsOf(code))))
	t.base.sets = append(t.base.sets, termsOf(code)...)
	return at
}
