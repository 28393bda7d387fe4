package jql

// Inspect visits e and everything below it, parents first and operands in the order of the text. It
// calls f with every node; where f answers false the operands of that node are left out. A nil e is
// nothing to visit.
func Inspect(e Expr, f func(Expr) bool) {
	if e == nil || !f(e) {
		return
	}
	switch e := e.(type) {
	case *And:
		for _, x := range e.Operands {
			Inspect(x, f)
		}
	case *Or:
		for _, x := range e.Operands {
			Inspect(x, f)
		}
	case *Not:
		Inspect(e.Operand, f)
	}
}
