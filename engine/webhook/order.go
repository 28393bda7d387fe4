package webhook

// Order says which deliveries to an endpoint are made one after the other: each is attempted only when those
// before it were delivered or given up. A failure then holds up what is in line behind it, and nothing else.
type Order string

// The orders. Events that do not tell their issue, or their project, are in no line of the kind.
const (
	Unordered    Order = ""
	IssueOrder   Order = "issue"   // those of one issue
	ProjectOrder Order = "project" // those of one project
	FullOrder    Order = "all"     // all of the endpoint
)

// CheckOrder returns an *InvalidError for a text that names no order.
func CheckOrder(o Order) error {
	switch o {
	case Unordered, IssueOrder, ProjectOrder, FullOrder:
		return nil
	}
	return invalid("the order %q; use issue, project or all", o)
}
