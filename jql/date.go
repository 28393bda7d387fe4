package jql

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// dateOperand is what an operand means as a date: a fixed moment, or one that depends on the clock.
type dateOperand struct {
	At    time.Time
	Clock *Moment // in place of At when not nil
}

// parseDate reads the text of an operand as an absolute date (yyyy-MM-dd or yyyy/MM/dd, with or without
// HH:mm) or a relative one (-7d, 4w 2d).
func parseDate(text string, env *Env) (dateOperand, bool) {
	if at, ok := parseAbsolute(text, env.zone()); ok {
		return dateOperand{At: at}, true
	}
	shift, ok := parseShift(text)
	if !ok {
		return dateOperand{}, false
	}
	return dateOperand{Clock: &Moment{Shift: shift, Zone: env.zone(), WeekStart: env.weekStart()}}, true
}

func parseAbsolute(text string, zone *time.Location) (time.Time, bool) {
	s := dateScanner{rest: []byte(text)}
	if len(text) < 5 || !s.date(text[4]) || text[4] != '-' && text[4] != '/' {
		return time.Time{}, false
	}
	if s.skip(' ') && !s.clock(false) {
		return time.Time{}, false
	}
	return s.in(zone)
}

// parseShift reads a relative date: an optional sign for the whole of it, then numbers with their units.
// Units come out largest first, each once, none of them zero.
func parseShift(text string) ([]Shift, bool) {
	sign := 1
	if text != "" && (text[0] == '-' || text[0] == '+') {
		if text[0] == '-' {
			sign = -1
		}
		text = text[1:]
	}
	if text == "" || text[0] == ' ' {
		return nil, false
	}
	var counts [Year + 1]int
	for text != "" {
		digits := len(text) - len(strings.TrimLeft(text, "0123456789"))
		if digits == len(text) {
			return nil, false
		}
		unit := strings.IndexByte(periodLetters, text[digits])
		n, ok := parseCount(text[:digits])
		if !ok || unit < int(Minute) || counts[unit]+n > maxCount {
			return nil, false
		}
		counts[unit] += n
		text = strings.TrimLeft(text[digits+1:], " ")
	}
	var shift []Shift
	for unit := Year; unit >= Minute; unit-- {
		if n := counts[unit]; n > 0 {
			shift = append(shift, Shift{Count: sign * n, Unit: unit})
		}
	}
	return shift, true
}

func parseCount(digits string) (int, bool) {
	n, err := strconv.ParseUint(digits, 10, 32)
	return int(n), err == nil && n <= maxCount
}

// dateFunction finds the moment that a function stands for. It reports known as false for a function that is
// not about dates, and a problem, in words, with its arguments.
func dateFunction(f Function, env *Env) (m *Moment, known bool, problem string) {
	m = &Moment{Zone: env.zone(), WeekStart: env.weekStart()}
	if strings.EqualFold(f.Name, "now") {
		if len(f.Args) > 0 {
			return nil, true, fmt.Sprintf("Function '%s' expected '0' arguments but received '%d'.", f.Name, len(f.Args))
		}
		return m, true, ""
	}
	for m.Period = Day; m.Period <= Year; m.Period++ {
		m.Start = strings.EqualFold(f.Name, "startOf"+periodNames[m.Period])
		m.End = strings.EqualFold(f.Name, "endOf"+periodNames[m.Period])
		if m.Start || m.End {
			problem = m.offset(f)
			return m, true, problem
		}
	}
	return nil, false, ""
}

// offset shifts the moment by the argument of a function, if there is one.
func (m *Moment) offset(f Function) (problem string) {
	switch len(f.Args) {
	case 0:
		return ""
	case 1:
	default:
		return fmt.Sprintf("Function '%s' expected between '0' and '1' arguments but received '%d'.", f.Name, len(f.Args))
	}
	arg := f.Args[0]
	if isInteger(strings.TrimPrefix(arg, "+")) {
		arg += periodLetters[m.Period : m.Period+1]
	}
	shift, ok := parseShift(arg)
	if !ok {
		return fmt.Sprintf("Duration for function '%s' should have the format (+/-)n(yMwdhm), e.g -1M for 1 month earlier.", f.Name)
	}
	m.Shift = shift
	return ""
}

// parseEventDate reads a date as JSON bodies have it: 2006-01-02, or that with T or a blank and a time of day,
// with or without seconds, their fraction and a zone (Z, +01, +0100, +01:00). Where a text has no zone it is that
// of its argument. The result is in UTC, without what is less than a millisecond, and of the years 0 to 9999.
func parseEventDate(text []byte, zone *time.Location) (time.Time, bool) {
	s := dateScanner{rest: text}
	if !s.date('-') {
		return time.Time{}, false
	}
	if s.skip('T') || s.skip(' ') {
		if !s.clock(true) || !s.zone() {
			return time.Time{}, false
		}
	}
	return s.in(zone)
}

// parseEventMillis reads the literal of a JSON number as milliseconds since 1970, rounded down.
func parseEventMillis(literal []byte) (time.Time, bool) {
	ms, err := strconv.ParseInt(string(literal), 10, 64)
	if err != nil {
		number, read := parseNumber(string(literal))
		whole, fits := number.floor()
		if !read || !fits {
			return time.Time{}, false
		}
		ms = whole
	}
	if ms < firstMoment.UnixMilli() || ms > lastMoment.UnixMilli() {
		return time.Time{}, false
	}
	return time.UnixMilli(ms).UTC(), true
}

// dateScanner reads the parts of a date off a text. Its methods report false where the text departs from
// what they read.
type dateScanner struct {
	rest             []byte
	year, month, day int
	clocked          bool // there is a time of day
	hour, minute     int
	second, millis   int
	zoned            bool // there is a zone
	offset           int  // of the zone, in seconds east of UTC
}

func (s *dateScanner) skip(c byte) bool {
	if len(s.rest) == 0 || s.rest[0] != c {
		return false
	}
	s.rest = s.rest[1:]
	return true
}

// number reads exactly so many digits.
func (s *dateScanner) number(dst *int, digits int) bool {
	if len(s.rest) < digits {
		return false
	}
	n := 0
	for _, c := range s.rest[:digits] {
		if c < '0' || c > '9' {
			return false
		}
		n = 10*n + int(c-'0')
	}
	*dst, s.rest = n, s.rest[digits:]
	return true
}

// date = yyyy separator MM separator dd
func (s *dateScanner) date(separator byte) bool {
	return s.number(&s.year, 4) && s.skip(separator) && s.number(&s.month, 2) && s.skip(separator) && s.number(&s.day, 2) &&
		s.month >= 1 && s.month <= 12 && s.day >= 1 && s.day <= daysIn(s.year, time.Month(s.month))
}

// clock = HH ":" mm [ ":" ss [ "." digits ] ], the seconds only where they are allowed.
func (s *dateScanner) clock(seconds bool) bool {
	s.clocked = true
	if !s.number(&s.hour, 2) || !s.skip(':') || !s.number(&s.minute, 2) || s.hour > 23 || s.minute > 59 {
		return false
	}
	if !seconds || !s.skip(':') {
		return true
	}
	if !s.number(&s.second, 2) || s.second > 59 {
		return false
	}
	return !s.skip('.') || s.fraction()
}

// fraction = digit { digit }, of which three count.
func (s *dateScanner) fraction() bool {
	digits := 0
	for digits < len(s.rest) && '0' <= s.rest[digits] && s.rest[digits] <= '9' {
		digits++
	}
	for i, weight := 0, 100; i < min(digits, 3); i, weight = i+1, weight/10 {
		s.millis += weight * int(s.rest[i]-'0')
	}
	s.rest = s.rest[digits:]
	return digits > 0
}

// zone = "Z" | ( "+" | "-" ) HH [ [ ":" ] mm ] | nothing
func (s *dateScanner) zone() bool {
	if len(s.rest) == 0 {
		return true
	}
	s.zoned = true
	if s.skip('Z') {
		return true
	}
	sign := 60
	if s.skip('-') {
		sign = -60
	} else if !s.skip('+') {
		return false
	}
	hours, minutes := 0, 0
	if !s.number(&hours, 2) {
		return false
	}
	if s.skip(':') || len(s.rest) > 0 {
		if !s.number(&minutes, 2) {
			return false
		}
	}
	s.offset = sign * (60*hours + minutes)
	return hours < 24 && minutes < 60
}

// in is the moment that was read, provided that nothing is left of the text.
func (s *dateScanner) in(zone *time.Location) (time.Time, bool) {
	if len(s.rest) > 0 {
		return time.Time{}, false
	}
	if zone == nil || s.zoned {
		zone = time.UTC
	}
	at := time.Date(s.year, time.Month(s.month), s.day, s.hour, s.minute, s.second-s.offset, s.millis*int(time.Millisecond), zone)
	if !s.clocked {
		at = startOfDay(time.Date(s.year, time.Month(s.month), s.day, 0, 0, 0, 0, time.UTC), zone)
	}
	at = at.UTC()
	return at, !at.Before(firstMoment) && !at.After(lastMoment)
}
