package engine

// Idle says whether the sweep may remove an endpoint that no webhook leads to.
func (e *Engine) Idle(endpoint uint64) bool { return e.idle(endpoint) }
