package jql

import (
	"slices"
	"strconv"
	"time"
)

// Moment is a point in time that depends on the clock: -7d, startOfWeek("+1d"), now(). The zero Moment
// is now.
type Moment struct {
	// Start and End, of which one at most is set, pick the first instant of the Period that now is in,
	// or its last (a millisecond before the next one starts).
	Start, End bool
	Period     Period

	// Shift is added: first years and months, then weeks and days, by the calendar of Zone, then hours and
	// minutes as the time that passes. The day of the month is kept where the month has it and else becomes
	// its last. The end of a period is shifted as the start of the next.
	Shift []Shift

	// Zone is where days begin; nil is UTC. WeekStart is the day that weeks begin on.
	Zone      *time.Location
	WeekStart time.Weekday
}

// Shift is a number of units of time, negative for the past. More than a billion count as a billion.
type Shift struct {
	Count int
	Unit  Period
}

// Period is a unit of time.
type Period uint8

// The units of time, as JQL abbreviates them: m, h, d, w, M, y.
const (
	Minute Period = iota + 1
	Hour
	Day
	Week
	Month
	Year
)

const periodLetters = " mhdwMy"

var periodNames = [...]string{Minute: "Minute", Hour: "Hour", Day: "Day", Week: "Week", Month: "Month", Year: "Year"}

// maxCount bounds the counts of a [Shift], so that no sum of them overflows.
const maxCount = 1_000_000_000

// The terms of dates have four digits for the year; no moment goes beyond them.
var (
	firstMoment = time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)
	lastMoment  = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC).Add(-time.Millisecond)
)

// At is the moment as of a time, to the millisecond and in the moment's zone. It is kept within the years 0 to
// 9999 of UTC.
//
// A day whose midnight the clock skips begins when the clock has skipped it, and one that has two midnights
// begins with the first. Other times of day that the clock skips or shows twice are what [time.Date] makes of
// them.
func (m *Moment) At(now time.Time) time.Time {
	c := calendar{zone: m.zone(), at: now.Truncate(time.Millisecond).In(m.zone())}
	if m.Start || m.End {
		c.truncate(m.Period, m.WeekStart)
	}
	if m.End {
		c.shift(1, m.Period)
	}
	for unit := Year; unit >= Minute; unit-- {
		for _, s := range m.Shift {
			if s.Unit == unit {
				c.shift(max(-maxCount, min(s.Count, maxCount)), unit)
			}
		}
	}
	if m.End {
		c.at = c.at.Add(-time.Millisecond)
	}
	if c.at.Before(firstMoment) {
		return firstMoment.In(c.zone)
	}
	if c.at.After(lastMoment) {
		return lastMoment.In(c.zone)
	}
	return c.at
}

func (m *Moment) zone() *time.Location {
	if m.Zone == nil {
		return time.UTC
	}
	return m.Zone
}

// calendar is a moment on its way through a calendar.
type calendar struct {
	zone *time.Location
	at   time.Time
	// midnight tells that at is the first instant of a day, which need not show 00:00.
	midnight bool
	day      time.Time // that day, in UTC
}

// truncate goes back to where the period began.
func (c *calendar) truncate(p Period, weekStart time.Weekday) {
	year, month, day := c.at.Date()
	switch p {
	case Minute, Hour:
		past := time.Duration(c.at.Second())*time.Second + time.Duration(c.at.Nanosecond())
		if p == Hour {
			past += time.Duration(c.at.Minute()) * time.Minute
		}
		c.at = c.at.Add(-past)
		return
	case Week:
		day -= int(c.at.Weekday()-weekStart+7) % 7
	case Month:
		day = 1
	case Year:
		month, day = time.January, 1
	}
	c.begin(year, month, day)
}

// begin goes to the first instant of a day.
func (c *calendar) begin(year int, month time.Month, day int) {
	c.midnight, c.day = true, time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	c.at = startOfDay(c.day, c.zone)
}

// shift moves by a number of units, on the calendar for days and longer ones.
func (c *calendar) shift(count int, unit Period) {
	months, days := 0, 0
	switch unit {
	case Minute, Hour:
		seconds := int64(count) * 60
		if unit == Hour {
			seconds *= 60
		}
		c.at = time.Unix(c.at.Unix()+seconds, int64(c.at.Nanosecond())).In(c.zone)
		c.midnight = c.midnight && count == 0
		return
	case Day:
		days = count
	case Week:
		days = 7 * count
	case Month:
		months = count
	case Year:
		months = 12 * count
	}
	if months == 0 && days == 0 {
		return
	}
	if c.midnight {
		year, month, day := addMonths(c.day, months)
		c.begin(year, month, day+days)
		return
	}
	year, month, day := addMonths(c.at, months)
	hour, minute, second := c.at.Clock()
	c.at = time.Date(year, month, day+days, hour, minute, second, c.at.Nanosecond(), c.zone)
}

// addMonths is a date so many months away, on the last day of a month that is too short.
func addMonths(t time.Time, months int) (year int, month time.Month, day int) {
	year, month, day = t.Date()
	first := time.Date(year, month+time.Month(months), 1, 0, 0, 0, 0, time.UTC)
	return first.Year(), first.Month(), min(day, daysIn(first.Year(), first.Month()))
}

func daysIn(year int, month time.Month) int {
	return time.Date(year, month+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// startOfDay is the first instant at which the calendar of a zone shows the date of day. It is the
// earliest of the midnights before and after a change of the clock, and of that change itself.
func startOfDay(day time.Time, zone *time.Location) time.Time {
	year, month, date := day.Date()
	at := time.Date(year, month, date, 0, 0, 0, 0, zone)
	shows := func(t time.Time) bool {
		y, m, d := t.Date()
		return y == year && m == month && d == date
	}
	start, end := at.ZoneBounds()
	if !shows(at) { // the clock skips midnight, or the whole day
		if _, offset := at.Zone(); at.Unix()+int64(offset) < day.Unix() {
			return end
		}
		return start
	}
	if start.IsZero() {
		return at
	}
	_, before := start.Add(-1).Zone()
	_, after := at.Zone()
	earlier := at.Add(time.Duration(after-before) * time.Second)
	for _, t := range [2]time.Time{earlier, start} {
		if t.Before(at) && shows(t) {
			at = t
		}
	}
	return at
}

// String is the canonical text of the moment, such as startOfWeek(+1d)/Monday@Europe/Berlin. It leaves out
// a zone and a start of the week that do not matter. Zones are told apart by their names.
func (m *Moment) String() string {
	name := "now"
	if m.Start {
		name = "startOf" + periodNames[m.Period]
	} else if m.End {
		name = "endOf" + periodNames[m.Period]
	}
	b := append([]byte(name), '(')
	for i, s := range m.Shift {
		if i > 0 {
			b = append(b, ' ')
		}
		if s.Count >= 0 {
			b = append(b, '+')
		}
		b = append(strconv.AppendInt(b, int64(s.Count), 10), periodLetters[s.Unit])
	}
	b = append(b, ')')
	if (m.Start || m.End) && m.Period == Week {
		b = append(append(b, '/'), m.WeekStart.String()...)
	}
	if m.zoned() {
		b = append(append(b, '@'), m.zone().String()...)
	}
	return string(b)
}

// zoned says whether the zone makes a difference.
func (m *Moment) zoned() bool {
	return m.Start || m.End || slices.ContainsFunc(m.Shift, func(s Shift) bool { return s.Unit >= Day })
}
