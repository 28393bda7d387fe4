package webhook

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Statuses is a set of HTTP statuses, as a list of ranges.
type Statuses []StatusRange

// Has says whether the set has a status.
func (s Statuses) Has(status int) bool {
	for _, r := range s {
		if r.From <= status && status <= r.To {
			return true
		}
	}
	return false
}

// StatusRange is the statuses from From to To, both included. Its text form is one status ("408"), a class ("5xx"), a
// range ("500-599"), or "any", which is every number.
type StatusRange struct{ From, To int }

// Ranges of statuses that policies are made of.
var (
	Any2xx    = StatusRange{200, 299}
	Any5xx    = StatusRange{500, 599}
	AnyStatus = StatusRange{0, math.MaxInt}
)

// OneStatus returns the range of one status.
func OneStatus(status int) StatusRange { return StatusRange{status, status} }

// String returns the text form.
func (r StatusRange) String() string {
	switch {
	case r == AnyStatus:
		return "any"
	case r.From == r.To:
		return strconv.Itoa(r.From)
	case r.From%100 == 0 && r.To == r.From+99:
		return strconv.Itoa(r.From/100) + "xx"
	}
	return strconv.Itoa(r.From) + "-" + strconv.Itoa(r.To)
}

// MarshalText returns the text form.
func (r StatusRange) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads the text form. The statuses have three digits.
func (r *StatusRange) UnmarshalText(text []byte) error {
	from, to, isRange := strings.Cut(string(text), "-")
	switch class, isClass := strings.CutSuffix(from, "xx"); {
	case string(text) == "any":
		*r = AnyStatus
		return nil
	case isClass && !isRange:
		from, to = class+"00", class+"99"
	case !isRange:
		to = from
	}
	low, okLow := statusOf(from)
	high, okHigh := statusOf(to)
	if !okLow || !okHigh || low > high {
		return fmt.Errorf("%q is no status; use one as 408, a class as 5xx, a range as 500-599, or any", text)
	}
	*r = StatusRange{low, high}
	return nil
}

func statusOf(s string) (int, bool) {
	n, err := strconv.ParseUint(s, 10, 16)
	return int(n), err == nil && len(s) == 3 && n >= 100
}
