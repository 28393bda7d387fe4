package bench

import (
	"math"
	"math/rand/v2"
	"sort"
	"strings"
)

// issueTexts makes the texts that filters ask for and that issues have. Events and filters are of one workload when their
// issueTexts are of one size and skew, whatever their seeds.
type issueTexts struct {
	random   *rand.Rand
	projects []float64 // by project: the share of it and of those before
	own      issueSays // takes the place of the first texts of an attribute
}

// newIssueTexts has so many projects, of which the n-th sees work in proportion to n to the power of -skew.
func newIssueTexts(seed uint64, projects int, skew float64) *issueTexts {
	t := &issueTexts{random: rand.New(rand.NewPCG(seed, 0)), projects: make([]float64, projects)}
	sum := 0.0
	for i := range t.projects {
		sum += math.Pow(float64(i+1), -skew)
		t.projects[i] = sum
	}
	for i := range t.projects {
		t.projects[i] /= sum
	}
	return t
}

func (t *issueTexts) chance(p float64) bool { return t.random.Float64() < p }

// text picks a value of an attribute.
func (t *issueTexts) text(a int) string {
	var n int
	if a == projectAttribute {
		n = min(sort.SearchFloat64s(t.projects, t.random.Float64()), len(t.projects)-1)
	} else {
		n = t.random.IntN(attributes[a].values)
	}
	if n < len(t.own[a]) {
		return t.own[a][n]
	}
	return attributes[a].text(n)
}

// registrations are filters by who registered them, some of whom want the same.
type registrations struct {
	texts []string // different from each other, but for chance
	of    []int32  // by registration: the place of its text
}

// repeated is the share of registrations whose text was registered before.
const repeated = 0.2

// register makes n registrations.
func (t *issueTexts) register(n int) *registrations {
	r := &registrations{of: make([]int32, n)}
	for i := range r.of {
		if i > 0 && t.chance(repeated) {
			r.of[i] = r.of[t.random.IntN(i)]
			continue
		}
		r.of[i] = int32(len(r.texts))
		r.texts = append(r.texts, t.filter())
	}
	return r
}

// filter makes the text of a filter.
func (t *issueTexts) filter() string {
	var b strings.Builder
	switch {
	case t.chance(0.01):
		// The blank query selects everything.
	case t.chance(0.02):
		t.clause(&b, t.attribute(), true)
	case t.chance(0.15):
		if t.chance(0.4) {
			b.WriteByte('(')
			t.conjunction(&b)
			b.WriteString(") OR (")
			t.conjunction(&b)
			b.WriteByte(')')
			break
		}
		t.conjunction(&b)
		b.WriteString(" AND (")
		t.clause(&b, t.attribute(), false)
		b.WriteString(" OR ")
		t.clause(&b, t.attribute(), false)
		b.WriteByte(')')
	default:
		t.conjunction(&b)
	}
	return b.String()
}

// conjunction writes two to five clauses about different attributes.
func (t *issueTexts) conjunction(b *strings.Builder) {
	n, negated := 2+t.random.IntN(4), -1
	if t.chance(0.2) {
		negated = n - 1
	}
	written := 0
	if t.chance(0.85) {
		t.clause(b, projectAttribute, false)
		written++
	}
	var used [attributeCount]bool
	for written < n {
		a := t.attribute()
		if used[a] {
			continue
		}
		used[a] = true
		if written > 0 {
			b.WriteString(" AND ")
		}
		t.clause(b, a, written == negated)
		written++
	}
}

// attribute picks one by weight.
func (t *issueTexts) attribute() int {
	at := t.random.IntN(attributeWeights)
	for a := range attributes {
		if at -= attributes[a].weight; at < 0 {
			return a
		}
	}
	panic("bench: weights do not add up")
}

var attributeWeights = func() (sum int) {
	for a := range attributes {
		sum += attributes[a].weight
	}
	return sum
}()

// clause compares an attribute with a text, or in one of three with a list of two to four.
func (t *issueTexts) clause(b *strings.Builder, a int, negated bool) {
	b.WriteString(attributes[a].jql)
	if !t.chance(0.35) {
		b.WriteString(operator(negated, " != ", " = "))
		b.WriteString(quoted(t.text(a)))
		return
	}
	b.WriteString(operator(negated, " NOT IN (", " IN ("))
	for i := range 2 + t.random.IntN(3) {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(quoted(t.text(a)))
	}
	b.WriteByte(')')
}

func operator(negated bool, no, yes string) string {
	if negated {
		return no
	}
	return yes
}
