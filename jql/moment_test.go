package jql

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

const stamp = "2006-01-02T15:04:05.000Z07:00"

func zoneOf(t testing.TB, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func timeOf(t testing.TB, text string) time.Time {
	t.Helper()
	at, err := time.Parse(stamp, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// clock reads a call or a relative date as a moment.
func clock(t testing.TB, text string, env Env) *Moment {
	t.Helper()
	q, err := Parse("created > " + text)
	if err != nil {
		t.Fatal(err)
	}
	switch o := q.Where.(*Clause).Operand.(type) {
	case Function:
		m, known, problem := dateFunction(o, &env)
		if !known || problem != "" {
			t.Fatalf("%s: %v %s", text, known, problem)
		}
		return m
	case Value:
		d, ok := parseDate(o.Text, &env)
		if !ok || d.Clock == nil {
			t.Fatalf("%s is not a relative date", text)
		}
		return d.Clock
	}
	t.Fatalf("%s is not a moment", text)
	return nil
}

func TestMomentAt(t *testing.T) {
	const (
		plain = "2026-11-22T15:04:05.678Z" // a Sunday
		leap  = "2024-02-29T12:00:00.000Z"
		jan31 = "2026-01-31T23:59:59.999Z"
	)
	tests := []struct{ zone, now, text, want string }{
		{"UTC", plain, "now()", plain},
		{"UTC", plain, "NOW()", plain},
		{"UTC", plain, `"0d"`, plain},
		{"UTC", plain, `-7d`, "2026-11-15T15:04:05.678Z"},
		{"UTC", plain, `"+7d"`, "2026-11-29T15:04:05.678Z"},
		{"UTC", plain, `"7d"`, "2026-11-29T15:04:05.678Z"},
		{"UTC", plain, `"-4w 2d"`, "2026-10-23T15:04:05.678Z"},
		{"UTC", plain, `"2d 4w"`, "2026-12-22T15:04:05.678Z"},
		{"UTC", plain, `"-1y 2M 3w 4d 5h 6m"`, "2025-08-28T09:58:05.678Z"},
		{"UTC", plain, `"1y"`, "2027-11-22T15:04:05.678Z"},
		{"UTC", plain, `"1M"`, "2026-12-22T15:04:05.678Z"},
		{"UTC", plain, `"1m"`, "2026-11-22T15:05:05.678Z"},
		{"UTC", plain, `"1h"`, "2026-11-22T16:04:05.678Z"},
		// Months without the day, and leap days.
		{"UTC", jan31, `"1M"`, "2026-02-28T23:59:59.999Z"},
		{"UTC", jan31, `-1M`, "2025-12-31T23:59:59.999Z"},
		{"UTC", jan31, `"1M 1d"`, "2026-03-01T23:59:59.999Z"},
		{"UTC", jan31, `"25M"`, "2028-02-29T23:59:59.999Z"},
		{"UTC", leap, `"1y"`, "2025-02-28T12:00:00.000Z"},
		{"UTC", leap, `-4y`, "2020-02-29T12:00:00.000Z"},
		{"UTC", leap, `"1d"`, "2024-03-01T12:00:00.000Z"},
		{"UTC", leap, "endOfMonth()", "2024-02-29T23:59:59.999Z"},
		// Periods.
		{"UTC", plain, "startOfDay()", "2026-11-22T00:00:00.000Z"},
		{"UTC", plain, "endOfDay()", "2026-11-22T23:59:59.999Z"},
		{"UTC", plain, "endofday(-1)", "2026-11-21T23:59:59.999Z"},
		{"UTC", plain, "startOfWeek()", "2026-11-16T00:00:00.000Z"},
		{"UTC", plain, "startOfWeek(-1)", "2026-11-09T00:00:00.000Z"},
		{"UTC", plain, `startOfWeek("+1")`, "2026-11-23T00:00:00.000Z"},
		{"UTC", plain, "endOfWeek()", "2026-11-22T23:59:59.999Z"},
		{"UTC", plain, "startOfMonth()", "2026-11-01T00:00:00.000Z"},
		{"UTC", plain, `startOfMonth("+14d")`, "2026-11-15T00:00:00.000Z"},
		{"UTC", plain, `startOfMonth("14d 8h")`, "2026-11-15T08:00:00.000Z"},
		{"UTC", plain, "endOfMonth()", "2026-11-30T23:59:59.999Z"},
		{"UTC", plain, `endOfMonth("-1M")`, "2026-10-31T23:59:59.999Z"},
		{"UTC", plain, "endOfMonth(3)", "2027-02-28T23:59:59.999Z"},
		{"UTC", plain, "startOfYear()", "2026-01-01T00:00:00.000Z"},
		{"UTC", plain, "endOfYear(-2)", "2024-12-31T23:59:59.999Z"},
		{"UTC", "2026-11-16T00:00:00.000Z", "startOfWeek()", "2026-11-16T00:00:00.000Z"},
		// Midnight is that of the zone.
		{"Asia/Kolkata", "2026-11-22T19:00:00.000Z", "startOfDay()", "2026-11-23T00:00:00.000+05:30"},
		{"Asia/Kolkata", "2026-11-22T19:00:00.000Z", "startOfWeek()", "2026-11-23T00:00:00.000+05:30"},
		// Europe/Berlin: 2026-03-29 has 23 hours, 2026-10-25 has 25.
		{"Europe/Berlin", "2026-03-29T10:00:00.000Z", "startOfDay()", "2026-03-29T00:00:00.000+01:00"},
		{"Europe/Berlin", "2026-03-29T10:00:00.000Z", "endOfDay()", "2026-03-29T23:59:59.999+02:00"},
		{"Europe/Berlin", "2026-03-29T10:00:00.000Z", "-1d", "2026-03-28T12:00:00.000+01:00"},
		{"Europe/Berlin", "2026-03-29T10:00:00.000Z", "-24h", "2026-03-28T11:00:00.000+01:00"},
		{"Europe/Berlin", "2026-03-30T10:00:00.000Z", `startOfDay("-1d 5h")`, "2026-03-28T19:00:00.000+01:00"},
		{"Europe/Berlin", "2026-03-29T10:00:00.000Z", `startOfDay("5h")`, "2026-03-29T06:00:00.000+02:00"},
		{"Europe/Berlin", "2026-10-25T10:00:00.000Z", "startOfDay()", "2026-10-25T00:00:00.000+02:00"},
		{"Europe/Berlin", "2026-10-25T10:00:00.000Z", "endOfDay()", "2026-10-25T23:59:59.999+01:00"},
		{"Europe/Berlin", "2026-10-25T10:00:00.000Z", "startOfMonth()", "2026-10-01T00:00:00.000+02:00"},
		// The hour that comes twice keeps its place.
		{"Europe/Berlin", "2026-10-25T00:30:00.000Z", "now()", "2026-10-25T02:30:00.000+02:00"},
		{"Europe/Berlin", "2026-10-25T01:30:00.000Z", "now()", "2026-10-25T02:30:00.000+01:00"},
		{"Europe/Berlin", "2026-10-25T01:30:00.000Z", "-1h", "2026-10-25T02:30:00.000+02:00"},
		// America/New_York: 2026-03-08 and 2026-11-01.
		{"America/New_York", "2026-03-08T16:00:00.000Z", "-1d", "2026-03-07T12:00:00.000-05:00"},
		{"America/New_York", "2026-03-08T16:00:00.000Z", "-1w", "2026-03-01T12:00:00.000-05:00"},
		{"America/New_York", "2026-03-08T16:00:00.000Z", "startOfWeek()", "2026-03-02T00:00:00.000-05:00"},
		{"America/New_York", "2026-11-01T16:00:00.000Z", "startOfDay()", "2026-11-01T00:00:00.000-04:00"},
		{"America/New_York", "2026-11-01T16:00:00.000Z", "endOfDay(-1)", "2026-10-31T23:59:59.999-04:00"},
		{"America/New_York", "2026-11-01T16:00:00.000Z", `"1d"`, "2026-11-02T11:00:00.000-05:00"},
		{"America/New_York", "2026-11-01T16:00:00.000Z", `"24h"`, "2026-11-02T11:00:00.000-05:00"},
		// A day without midnight begins at one, whichever way it is reached, and does not move the next.
		{"America/Sao_Paulo", "2018-11-04T12:00:00.000Z", "startOfDay()", "2018-11-04T01:00:00.000-02:00"},
		{"America/Sao_Paulo", "2018-11-03T12:00:00.000Z", "startOfDay(1)", "2018-11-04T01:00:00.000-02:00"},
		{"America/Sao_Paulo", "2018-11-03T12:00:00.000Z", "endOfDay()", "2018-11-03T23:59:59.999-03:00"},
		{"America/Sao_Paulo", "2018-11-04T12:00:00.000Z", "startOfDay(1)", "2018-11-05T00:00:00.000-02:00"},
		// A day that was left out begins, and ends, when the next one does.
		{"Pacific/Apia", "2011-12-29T12:00:00.000-10:00", "startOfDay(1)", "2011-12-31T00:00:00.000+14:00"},
		{"Pacific/Apia", "2011-12-29T12:00:00.000-10:00", "endOfDay(1)", "2011-12-29T23:59:59.999-10:00"},
		{"Pacific/Apia", "2011-12-29T12:00:00.000-10:00", "startOfDay(2)", "2011-12-31T00:00:00.000+14:00"},
		// A day with two begins with the first.
		{"America/Havana", "2026-11-01T16:00:00.000Z", "startOfDay()", "2026-11-01T00:00:00.000-04:00"},
		{"America/Havana", "2026-11-01T16:00:00.000Z", "endOfDay(-1)", "2026-10-31T23:59:59.999-04:00"},
		// No count is too much.
		{"UTC", plain, `"1000000000y"`, "9999-12-31T23:59:59.999Z"},
		{"UTC", plain, `"-1000000000M"`, "0000-01-01T00:00:00.000Z"},
		{"UTC", plain, `"-1000000000w"`, "0000-01-01T00:00:00.000Z"},
		{"UTC", plain, `"1000000000d"`, "9999-12-31T23:59:59.999Z"},
		{"UTC", plain, `"1000000000h"`, "9999-12-31T23:59:59.999Z"},
		{"UTC", plain, `"1000000000m"`, "3928-03-21T01:44:05.678Z"},
		{"UTC", plain, `"-1000000000y 1000000000M 1000000000w 1000000000d 1000000000h 1000000000m"`, "0000-01-01T00:00:00.000Z"},
		{"UTC", plain, `endOfYear("1000000000y")`, "9999-12-31T23:59:59.999Z"},
	}
	for _, test := range tests {
		env := Env{Zone: zoneOf(t, test.zone)}
		got := clock(t, test.text, env).At(timeOf(t, test.now))
		if text := got.Format(stamp); text != test.want {
			t.Errorf("%s at %s in %s is %s, not %s", test.text, test.now, test.zone, text, test.want)
		}
	}
}

func TestMomentOtherWeeks(t *testing.T) {
	now := timeOf(t, "2026-11-22T15:04:05.678Z") // a Sunday
	for text, want := range map[string]string{
		"startOfWeek()":   "2026-11-22T00:00:00.000Z",
		"endOfWeek()":     "2026-11-28T23:59:59.999Z",
		"startOfWeek(-1)": "2026-11-15T00:00:00.000Z",
		"endOfWeek(-1)":   "2026-11-21T23:59:59.999Z",
	} {
		if got := clock(t, text, Env{SundayFirst: true}).At(now).Format(stamp); got != want {
			t.Errorf("%s is %s, not %s", text, got, want)
		}
	}
}

// TestMomentByHand: moments that no query can ask for.
func TestMomentByHand(t *testing.T) {
	now := timeOf(t, "2026-11-22T15:04:05.678Z").Add(999 * time.Microsecond)
	tests := []struct {
		moment Moment
		want   string
	}{
		{Moment{}, "2026-11-22T15:04:05.678Z"},
		{Moment{Start: true, Period: Minute}, "2026-11-22T15:04:00.000Z"},
		{Moment{End: true, Period: Minute}, "2026-11-22T15:04:59.999Z"},
		{Moment{Start: true, Period: Hour}, "2026-11-22T15:00:00.000Z"},
		{Moment{End: true, Period: Hour, Shift: []Shift{{-1, Hour}}}, "2026-11-22T14:59:59.999Z"},
		{Moment{Shift: []Shift{{1, Day}, {1, Month}}}, "2026-12-23T15:04:05.678Z"},
		{Moment{Shift: []Shift{{1 << 62, Year}, {-1 << 62, Year}, {1, Day}}}, "2026-11-23T15:04:05.678Z"},
		{Moment{Shift: []Shift{{1 << 62, Minute}}}, "3928-03-21T01:44:05.678Z"},
	}
	for _, test := range tests {
		if got := test.moment.At(now).Format(stamp); got != test.want {
			t.Errorf("%s is %s, not %s", &test.moment, got, test.want)
		}
	}
}

func TestMomentString(t *testing.T) {
	berlin := Env{Zone: zoneOf(t, "Europe/Berlin"), SundayFirst: true}
	tests := []struct {
		text      string
		utc, here string
	}{
		{"now()", "now()", "now()"},
		{`"0d 0h"`, "now()", "now()"},
		{"-7d", "now(-7d)@UTC", "now(-7d)@Europe/Berlin"},
		{`"90m 2h 5m"`, "now(+2h +95m)", "now(+2h +95m)"},
		{`"-2d 4w"`, "now(-4w -2d)@UTC", "now(-4w -2d)@Europe/Berlin"},
		{"startOfDay()", "startOfDay()@UTC", "startOfDay()@Europe/Berlin"},
		{"startOfMonth(-1)", "startOfMonth(-1M)@UTC", "startOfMonth(-1M)@Europe/Berlin"},
		{`ENDOFYEAR("1y 6M")`, "endOfYear(+1y +6M)@UTC", "endOfYear(+1y +6M)@Europe/Berlin"},
		{"startOfWeek()", "startOfWeek()/Monday@UTC", "startOfWeek()/Sunday@Europe/Berlin"},
	}
	for _, test := range tests {
		if got := clock(t, test.text, Env{}).String(); got != test.utc {
			t.Errorf("%s is %s, not %s", test.text, got, test.utc)
		}
		if got := clock(t, test.text, berlin).String(); got != test.here {
			t.Errorf("%s is %s, not %s", test.text, got, test.here)
		}
	}
}

// TestStartOfDay holds the start of a day against a walk through the instants around it, in zones whose
// clocks change at, before and after midnight.
func TestStartOfDay(t *testing.T) {
	var zones []*time.Location
	for _, name := range []string{
		"UTC", "Europe/Berlin", "America/New_York", "America/Sao_Paulo", "America/Havana", "America/St_Johns",
		"Asia/Beirut", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Gaza",
	} {
		zones = append(zones, zoneOf(t, name))
	}
	rapid.Check(t, func(t *rapid.T) {
		zone := rapid.SampledFrom(zones).Draw(t, "zone")
		at := time.Unix(rapid.Int64Range(-1e9, 3e9).Draw(t, "second"), 0).In(zone)
		if end := nextChange(at); rapid.Bool().Draw(t, "at a change") && !end.IsZero() {
			at = end.Add(time.Duration(rapid.IntRange(-30, 30).Draw(t, "hours")) * time.Hour)
		}
		year, month, day := at.Date()
		got := startOfDay(time.Date(year, month, day, 0, 0, 0, 0, time.UTC), zone)
		want := at
		for step := range 60 * 60 {
			earlier := at.Add(-time.Duration(step) * time.Minute).Truncate(time.Minute)
			if y, m, d := earlier.Date(); y == year && m == month && d == day {
				want = earlier
			}
		}
		if !got.Equal(want) {
			t.Fatalf("%v begins at %v, not %v", at, got, want)
		}
	})
}

func nextChange(at time.Time) time.Time {
	_, end := at.ZoneBounds()
	return end
}
