package webhook

// Stopped says why an endpoint is disabled: nothing is queued for it, and what was queued is given up. Empty is not
// disabled.
type Stopped string

// The reasons.
const (
	StoppedGone    Stopped = "gone"    // it answered 410, and the policy takes that for an end
	StoppedFailing Stopped = "failing" // nothing could be delivered to it for too long
)

// StopReasons lists every reason, for metrics that want their series from the start.
var StopReasons = []Stopped{StoppedGone, StoppedFailing}
