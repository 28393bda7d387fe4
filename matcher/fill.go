package matcher

import (
	"slices"
	"time"

	"hookline/jql"
)

// What is made for so many filters at once. More is made as it is needed.
const (
	usualProgram = 16      // words of a program
	usualTerm    = 12      // bytes of a term
	manyTerms    = 1 << 16 // filters beyond as many bring few terms that others did not
)

// fill makes the first base, of all that the update adds. Of several filters for one subscriber the last counts.
func (w *writer) fill(add []Entry) (changed bool) {
	if len(add) == 0 {
		return false
	}
	order := make([]uint64, len(add)) // subscriber<<32 | place in add
	for i := range add {
		order[i] = uint64(add[i].ID)<<32 | uint64(i)
	}
	slices.Sort(order)
	m := &merger{
		began: time.Now(), held: newHoldings(len(add)),
		live: make([]survivor, 0, len(add)),
		code: make([]uint32, 0, usualProgram*len(add)),
	}
	w.symbols.grow(min(len(add), manyTerms), usualTerm)
	known := newCells(len(add)) // from the hash of a program to the number of a survivor, plus 1
	for i, at := range order {
		if i+1 < len(order) && order[i+1]>>32 == at>>32 {
			continue
		}
		m.held.add(ID(at>>32), w.admit(m, &known, add[uint32(at)].Filter))
	}
	m.old, m.identities = w.snapshot, w.conditionIdentities.all
	m.build(crewFor(len(add), w.tuning))
	w.adopt(m)
	return true
}

// admit returns the number of a filter among the survivors. Equal filters have the same program.
func (w *writer) admit(m *merger, known *cells, f *jql.Filter) uint32 {
	begin := len(m.code)
	m.code = w.encode(m.code, f.Root())
	program := m.code[begin:]
	hash := hashWords(program)
	at := hash
	for {
		n := known.next(hash, &at)
		if n == 0 {
			break
		}
		if slices.Equal(nodeOf(m.code[m.live[n-1].code:]), program) {
			m.code = m.code[:begin]
			return n - 1
		}
	}
	n := uint32(len(m.live))
	m.live = append(m.live, survivor{code: uint32(begin)})
	*known = known.add(hash, n+1, int(n))
	return n
}
