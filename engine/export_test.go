package engine

import (
	"context"
	"time"
)

// Idle says whether the sweep may remove an endpoint that no webhook leads to.
func (e *Engine) Idle(endpoint uint64) bool { return e.idle(endpoint) }

// Sweep does what the sweep does at a time, after one at another.
func (e *Engine) Sweep(last, now time.Time) { e.sweepOnce(context.Background(), last, now) }
