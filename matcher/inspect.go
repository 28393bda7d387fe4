package matcher

import (
	"slices"
	"time"

	"hookline/jql"
)

// Filing says under which kind of access keys a filter stands: what decides whether an event looks at it.
type Filing uint8

const (
	FiledNowhere    Filing = iota // no event can match it
	FiledAlways                   // every event looks at it
	FiledByPresence               // events in which a field is empty, or is not, whatever its value
	FiledByTerm                   // events with a term
	FiledByPair                   // events with two terms
)

var filingText = [...]string{"nowhere", "always", "presence", "term", "pair"}

// String returns nowhere, always, presence, term or pair.
func (f Filing) String() string { return filingText[f] }

// Filings counts filters by Filing.
type Filings [FiledByPair + 1]int

// filingOf returns the filing of a filter with these keys: that of the one that narrows the choice least.
func filingOf(keys []uint64) Filing {
	f := FiledNowhere
	for _, key := range keys {
		if k := filingOfKey(key); f == FiledNowhere || k < f {
			f = k
		}
	}
	return f
}

func filingOfKey(key uint64) Filing {
	switch {
	case key == always:
		return FiledAlways
	case key>>32 != 0:
		return FiledByPair
	case key&reserved != 0:
		return FiledByPresence
	}
	return FiledByTerm
}

// FilterInfo describes a distinct filter of a View.
type FilterInfo struct {
	Subscribers []ID
	Filing      Filing
	Keys        int   // under which it stands
	Slots       []int // of the fields that its keys are of, ascending

	// Visits is how often an event is expected to look at the filter. It is estimated by how often the filters
	// of the index name a term, for what people filter on follows what there is. The cost of a filter
	// grows with it.
	Visits float64

	Exact      bool     // having a key is all that the filter asks for
	Terms      []TermID // that it names, each once
	Conditions int      // orders and patterns in it
}

// TermID is a term of a View, and of no other View.
type TermID uint32

// Term is a value that some filter names, normalised as filters have it.
type Term struct {
	Field jql.Field
	Text  string
	Seen  bool      // an event that was noted had it; see [Event.Note]
	Since time.Time // when one had it last, or if none had, since when filters name it; to the minute
}

// Term describes a term.
func (v *View) Term(id TermID) Term {
	s := v.seen.at(uint32(id))
	return Term{
		Field: v.fields[v.symbols.terms[id].slot],
		Text:  string(v.symbols.of(uint32(id))),
		Seen:  s&sighted != 0,
		Since: timeOf(s),
	}
}

// Find returns the term with a text at a slot, and whether some filter names it.
func (v *View) Find(slot int, text string) (TermID, bool) {
	sym := v.symbols.find(uint32(slot), []byte(text))
	return TermID(sym), sym != 0
}

// Filters yields the distinct filters that have subscribers. What it yields is good until it goes on. It takes
// microseconds for each filter, and holds up nobody.
func (v *View) Filters(yield func(*FilterInfo) bool) {
	if v.base == nil {
		return
	}
	in := inspection{view: v, chooser: newChooser(v.base, v.tuning)}
	for n := range v.base.filters.len() {
		in.code = packer{v.presence}.unpack(in.code[:0], v.base.filters.of(uint32(n)))
		if !in.yield(FilterID(n), yield) {
			return
		}
	}
	for _, filter := range v.delta.filters {
		if v.delta.words[filter+filterTwin] != 0 {
			continue
		}
		in.code = append(in.code[:0], v.delta.program(filter)...)
		if !in.yield(v.laterID(filter), yield) {
			return
		}
	}
}

// inspection is one call of Filters in progress.
type inspection struct {
	view    *View
	chooser chooser
	code    []uint32 // the program of the present filter
	info    FilterInfo
}

func (in *inspection) yield(id FilterID, yield func(*FilterInfo) bool) bool {
	info := &in.info
	if info.Subscribers = in.view.Subscribers(info.Subscribers[:0], id); len(info.Subscribers) == 0 {
		return true
	}
	keys, exact := in.chooser.choose(in.code)
	info.Exact = exact
	in.view.fileInto(info, keys)
	info.Terms, info.Conditions = info.Terms[:0], 0
	info.read(in.code)
	slices.Sort(info.Terms)
	info.Terms = slices.Compact(info.Terms)
	return yield(info)
}

func (v *View) fileInto(info *FilterInfo, keys []uint64) {
	info.Filing, info.Keys = filingOf(keys), len(keys)
	info.Visits, info.Slots = 0, info.Slots[:0]
	for _, key := range keys {
		visits := 1.0
		switch filingOfKey(key) {
		case FiledByPair:
			visits = v.share(info, uint32(key>>32)) * v.share(info, uint32(key))
		case FiledByPresence, FiledByTerm:
			visits = v.share(info, uint32(key))
		}
		info.Visits += visits
	}
	slices.Sort(info.Slots)
	info.Slots = slices.Compact(info.Slots)
}

// share returns the expected share of events that have a symbol, which is part of a key of the filter.
func (v *View) share(info *FilterInfo, sym uint32) float64 {
	slot, share := sym&^reserved>>1, costPresent
	switch {
	case sym&reserved == 0:
		slot = v.symbols.terms[sym].slot
		share = v.base.census.cost(slot, []uint32{sym})
	case sym&1 != 0:
		share = costEmpty
	}
	info.Slots = append(info.Slots, int(slot))
	return share
}

// read collects what a program names.
func (info *FilterInfo) read(code []uint32) {
	switch opOf(code) {
	case opAll, opAny:
		for rest := inside(code); len(rest) > 0; rest = nextAfter(rest) {
			info.read(rest)
		}
	case opCondition:
		info.Conditions++
	default:
		for _, sym := range termsOf(code) {
			info.Terms = append(info.Terms, TermID(sym))
		}
	}
}
