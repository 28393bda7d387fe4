package matcher

import "slices"

// fileAll finds the keys of the survivors, and what they leave to verify.
func (m *merger) fileAll(b *base) []*filer {
	filers := make([]*filer, m.crew)
	m.crew.share(len(m.live), func(part, lo, hi int) {
		filers[part] = m.newFiler(b)
		filers[part].file(lo, hi)
	})
	return filers
}

// plan works out what a base is laid out by. It brings the tests of all filers into one order.
func (m *merger) plan(filers []*filer) *layout {
	numbers, froms := make([][]uint32, len(filers)), make([]int, len(filers)+1)
	for i, f := range filers {
		numbers[i] = filers[0].residues.absorb(&f.residues)
		froms[i+1] = froms[i] + len(f.rests)
	}
	l := &layout{
		tests: filers[0].residues.arrange(m.renamed.presence, m.renamed.values),
		rests: make([]uint32, froms[len(filers)]), symbols: len(m.renamed.symbols.terms), slots: len(m.old.fields), tuning: m.old.tuning,
		subscribers: func(n uint32) []ID { return m.ids[m.live[n].ids.lo:m.live[n].ids.hi] },
	}
	l.made = make([]made, len(l.tests.order))
	m.crew.share(len(l.made), func(part, lo, hi int) {
		for rank := lo; rank < hi; rank++ {
			l.made[rank] = l.tests.node(uint32(rank), m.renamed)
		}
		filers[part].arrange(l.tests.rank, numbers[part], l.rests, froms[part])
	})
	return l
}

// filer finds the keys of a range of survivors, and what they leave to verify. Several may work at once, each on a range of its own.
type filer struct {
	m       *merger
	chooser chooser

	packed   []byte   // the programs
	starts   []uint32 // of them
	filed    Filings
	nowhere  []uint32 // survivors without keys
	residues residues
	rests    []uint32 // numbers of tests
	filings  []filing // whose rests are runs of rests
}

func (m *merger) newFiler(b *base) *filer {
	return &filer{
		m:        m,
		chooser:  newChooser(b, m.old.tuning),
		residues: newResidues(len(m.renamed.symbols.terms), len(m.old.fields)),
	}
}

// file files the survivors from lo to hi, whose numbers in the new base are their places in merger.live.
func (f *filer) file(lo, hi int) {
	const usual = 2 // filings of a filter, and tests left of it
	f.starts = make([]uint32, 0, hi-lo)
	f.filings, f.rests = make([]filing, 0, usual*(hi-lo)), make([]uint32, 0, usual*(hi-lo))
	for n := lo; n < hi; n++ {
		code := f.m.codeOf(&f.m.live[n])
		f.starts = append(f.starts, uint32(len(f.packed)))
		f.packed = packer{f.m.renamed.presence}.pack(f.packed, code)
		f.chooser.find(code)
		f.filed[filingOf(f.chooser.keys)]++
		if len(f.chooser.spots) == 0 {
			f.nowhere = append(f.nowhere, uint32(n))
		}
		for _, s := range f.chooser.spots {
			f.spot(uint32(n), s)
		}
	}
}

// spot files a filter under the keys of one of its spots.
func (f *filer) spot(filter uint32, s spot) {
	lo, keys := len(f.rests), f.chooser.keys[s.keys.lo:s.keys.hi]
	known := func(slot uint32) bool { return f.m.renamed.small(slot) || f.m.implies(keys[0], slot) }
	for _, rest := range f.chooser.rests[s.rest.lo:s.rest.hi] {
		f.rests = f.residues.add(f.rests, rest, known)
	}
	for _, key := range keys {
		f.filings = append(f.filings, filing{key: key, rest: runOf(lo, len(f.rests)), filter: filter, shared: f.chooser.shared()})
	}
}

// arrange puts the tests of filings into order, by the ranks of numbers, which the tests have that the filer has numbered. They go to
// rests, from a place on, and numbers are of no use any more.
func (f *filer) arrange(ranks, numbers, rests []uint32, from int) {
	for i, n := range numbers {
		numbers[i] = ranks[n]
	}
	for i, n := range f.rests {
		rests[from+i] = numbers[n]
	}
	last := run{}
	for i := range f.filings {
		filing := &f.filings[i]
		filing.rest = runOf(from+int(filing.rest.lo), from+int(filing.rest.hi))
		rest := rests[filing.rest.lo:filing.rest.hi]
		if filing.rest != last {
			slices.Sort(rest)
			last = filing.rest
		}
		filing.begin = beginOf(rest)
	}
}

// beginOf returns a number that compares as the first two ranks do.
func beginOf(rest []uint32) (begin uint64) {
	if len(rest) > 0 {
		begin = uint64(rest[0]+1) << 32
	}
	if len(rest) > 1 {
		begin |= uint64(rest[1] + 1)
	}
	return begin
}
