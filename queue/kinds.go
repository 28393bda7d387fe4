package queue

// Kind is a kind of row that the queue keeps.
type Kind struct {
	Prefix byte   // first byte of all keys of the kind
	Name   string // for people and metrics: lower case, words joined by '_'
}

// kinds are in the order in which they are shown.
var kinds = []Kind{
	{prefixPayload, "payloads"},
	{prefixSide, "side_files"},
	{prefixDelivery, "deliveries"},
	{prefixDead, "dead_letters"},
	{prefixAttempt, "attempts"},
	{prefixKey, "idempotency_keys"},
	{prefixFanOut, "fan_outs"},
	{prefixParked, "parked_ranges"},
	{prefixReplay, "replayed"},
	{prefixKept, "kept_payloads"},
	{prefixWater, "low_water"},
	{prefixHour, "hours"},
	{prefixMeta, "queue_state"},
}

// Kinds returns what kinds of rows there are. The list is the caller's own.
func Kinds() []Kind { return append([]Kind(nil), kinds...) }
