package matcher

// pair is two positive tests of one conjunction, the one with the smaller slot first. It has no first
// when there is none.
type pair struct {
	first, second []uint32
	cost          float64
}

func (p *pair) schema() schema { return schema{p.first[1], p.second[1]} }

// pairKey files two symbols together.
func pairKey(first, second uint32) uint64 { return uint64(first)<<32 | uint64(second) }

func (c *chooser) emitPair(p pair) {
	for _, first := range termsOf(p.first) {
		for _, second := range termsOf(p.second) {
			c.keys = append(c.keys, pairKey(first, second))
		}
	}
}

// bestPair returns the two of some tests that an event has together least often.
func (c *chooser) bestPair(among *partners) (best pair) {
	for i := range among.n {
		for j := range i {
			p := makePair(&among.tests[i], &among.tests[j])
			if p.first == nil || best.first != nil && p.cost >= best.cost || !c.pairs(p.schema()) {
				continue
			}
			best = p
		}
	}
	return best
}

func makePair(x, y *partner) pair {
	if x.code[1] == y.code[1] || len(termsOf(x.code))*len(termsOf(y.code)) > maxProduct {
		return pair{}
	}
	if x.code[1] > y.code[1] {
		x, y = y, x
	}
	return pair{x.code, y.code, x.cost * y.cost}
}

type partner struct {
	code []uint32
	cost float64
}

// partners holds the cheapest positive tests of a conjunction, cheapest first.
type partners struct {
	tests [maxPartners]partner
	n     int
}

func mayPair(code []uint32) bool {
	op := opOf(code)
	return (op == opIs || op == opIn) && len(termsOf(code)) > 0 && len(termsOf(code)) <= maxProduct
}

func (ps *partners) offer(p partner) {
	if ps.n == maxPartners && p.cost >= ps.tests[ps.n-1].cost {
		return
	}
	if ps.n < maxPartners {
		ps.n++
	}
	i := ps.n - 1
	for ; i > 0 && ps.tests[i-1].cost > p.cost; i-- {
		ps.tests[i] = ps.tests[i-1]
	}
	ps.tests[i] = p
}
