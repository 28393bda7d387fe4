package bench

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// Workload makes event bodies of Jira's shape and filters that ask for what is in them. The same
// options make the same bodies and filters.
type Workload struct {
	options   WorkloadOptions
	templates []template
}

// WorkloadOptions configure a Workload.
type WorkloadOptions struct {
	// Seed chooses among all possible workloads.
	Seed uint64

	// Size is the length of every body in bytes, exactly.
	//
	// Defaults to 2048.
	Size int

	// Projects is the number of Jira projects that the events are about, in turn.
	//
	// Defaults to 4.
	Projects int
}

// variety is the number of different bodies for each project.
const variety = 64

// template is a body but for its sequence number.
type template struct {
	body     []byte
	sequence int // where the digits of the number begin
}

// NewWorkload makes a workload. The error says that Size is too small for a body.
func NewWorkload(o WorkloadOptions) (*Workload, error) {
	if o.Size == 0 {
		o.Size = 2048
	}
	if o.Projects == 0 {
		o.Projects = 4
	}
	w := &Workload{options: o, templates: make([]template, 0, variety*o.Projects)}
	random := rand.New(rand.NewPCG(o.Seed, 1))
	for i := range variety * o.Projects {
		t, err := newTemplate(random, ProjectKey(i%o.Projects), o.Size)
		if err != nil {
			return nil, err
		}
		w.templates = append(w.templates, t)
	}
	return w, nil
}

// ProjectKey is the key of a project, counted from 0.
func ProjectKey(n int) string { return fmt.Sprintf("BEN%d", n) }

// Project says which project the body of a sequence number is about.
func (w *Workload) Project(sequence int64) int { return int(sequence % int64(w.options.Projects)) }

// Body appends the body with the sequence number to dst.
func (w *Workload) Body(dst []byte, sequence int64) []byte {
	return w.BodyOf(dst, w.Project(sequence), sequence)
}

// BodyOf is Body about another project than the one whose turn it is.
func (w *Workload) BodyOf(dst []byte, project int, sequence int64) []byte {
	projects := int64(w.options.Projects)
	t := &w.templates[sequence/projects%variety*projects+int64(project)]
	begin := len(dst)
	dst = append(dst, t.body...)
	putDigits(dst[begin+t.sequence:][:sequenceDigits], sequence)
	return dst
}

func putDigits(dst []byte, n int64) {
	for i := len(dst) - 1; i >= 0; i-- {
		dst[i] = byte('0' + n%10)
		n /= 10
	}
}

// Filters returns n filters in the dialect of Jira's dynamic webhooks. All ask for the project; the
// first asks for nothing else, so that every event of the project has one match at least.
func (w *Workload) Filters(project, n int) []string {
	random := rand.New(rand.NewPCG(w.options.Seed, 2+uint64(project)))
	key := ProjectKey(project)
	filters := make([]string, 0, n)
	for i := range n {
		filter := "project = " + key
		if i > 0 {
			filter += " AND " + narrowing(random, key)
		}
		filters = append(filters, filter)
	}
	return filters
}

// mixed returns n filters, each about one of the projects, in turn, and narrowed. Another variant gives
// other filters.
func (w *Workload) mixed(variant uint64, n int) []string {
	random := rand.New(rand.NewPCG(w.options.Seed, 1<<32+variant))
	filters := make([]string, 0, n)
	for i := range n {
		key := ProjectKey(i % w.options.Projects)
		filters = append(filters, "project = "+key+" AND "+narrowing(random, key))
	}
	return filters
}

func narrowing(random *rand.Rand, project string) string {
	kinds := []func() string{
		func() string { return "status = " + quoted(pick(random, statuses)) },
		func() string { return "status != " + quoted(pick(random, statuses)) },
		func() string {
			return "issuetype IN (" + quoted(pick(random, issueTypes)) + ", " + quoted(pick(random, issueTypes)) + ")"
		},
		func() string { return "assignee = " + quoted(pick(random, people).account) },
		func() string { return "assignee != " + quoted(pick(random, people).account) },
		func() string { return "assignee = EMPTY" },
		func() string { return "reporter NOT IN (" + quoted(pick(random, people).account) + ")" },
		func() string {
			return "(priority = " + pick(random, priorities) + " OR status = " + quoted(pick(random, statuses)) + ")"
		},
		func() string { return "NOT priority IN (" + pick(random, priorities) + ", Lowest)" },
		func() string { return fmt.Sprintf(`"Epic Link" = %s-%d`, project, 1+random.IntN(epics)) },
		func() string { return fmt.Sprintf("issueKey = %s-%d", project, epics+1+random.IntN(issues)) },
		func() string { return "issue.property[release].team = " + pick(random, teams) },
	}
	first := pick(random, kinds)()
	if random.IntN(2) == 0 {
		return first
	}
	return first + " AND " + pick(random, kinds)()
}

func pick[T any](random *rand.Rand, from []T) T { return from[random.IntN(len(from))] }

func quoted(s string) string { return `"` + s + `"` }

type person struct{ account, name string }

const (
	epics  = 8
	issues = 500
)

var (
	statuses   = []string{"To Do", "In Progress", "In Review", "Blocked", "Done"}
	issueTypes = []string{"Bug", "Task", "Story", "Epic", "Sub-task"}
	priorities = []string{"Highest", "High", "Medium", "Low"}
	teams      = []string{"north", "south", "east", "west"}
	people     = []person{
		{"70121:aa01", "Ada Quist"}, {"70121:aa02", "Ben Okoro"}, {"70121:aa03", "Chiara Lund"},
		{"70121:aa04", "Dmitri Faye"}, {"70121:aa05", "Edda Moreau"}, {"70121:aa06", "Femi Castro"},
		{"70121:aa07", "Gita Novak"}, {"70121:aa08", "Hugo Sand"}, {"70121:aa09", "Inés Tran"},
	}
	words = strings.Fields(`the build turns red after the nightly merge because two jobs write one cache
		and the slower of them wins so the page shows prices of the day before until somebody clears it
		by hand we should give each job a folder of its own and let the last step pick the newer one`)
)
