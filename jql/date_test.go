package jql

import (
	"strings"
	"testing"
	"time"
)

func TestParseAbsoluteDate(t *testing.T) {
	tests := []struct{ zone, text, want string }{
		{"UTC", "2026-11-22", "2026-11-22T00:00:00.000Z"},
		{"UTC", "2026/11/22", "2026-11-22T00:00:00.000Z"},
		{"UTC", "2026-11-22 15:04", "2026-11-22T15:04:00.000Z"},
		{"UTC", "2026/11/22 00:00", "2026-11-22T00:00:00.000Z"},
		{"UTC", "2024-02-29", "2024-02-29T00:00:00.000Z"},
		{"UTC", "0000-01-01", "0000-01-01T00:00:00.000Z"},
		{"UTC", "9999-12-31 23:59", "9999-12-31T23:59:00.000Z"},
		{"Europe/Berlin", "2026-03-29", "2026-03-28T23:00:00.000Z"},
		{"Europe/Berlin", "2026-03-29 12:00", "2026-03-29T10:00:00.000Z"},
		{"America/New_York", "2026/03/08 12:00", "2026-03-08T16:00:00.000Z"},
		{"America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00.000Z"},
		{"America/Havana", "2026-11-01", "2026-11-01T04:00:00.000Z"},
		// Beyond the years that have terms once in UTC.
		{"Europe/Berlin", "0000-01-01", ""},
		{"America/New_York", "9999-12-31 23:59", ""},
	}
	for _, test := range tests {
		env := Env{Zone: zoneOf(t, test.zone)}
		got, ok := parseDate(test.text, &env)
		if text := got.At.Format(stamp); ok != (test.want != "") || ok && (text != test.want || got.Clock != nil) {
			t.Errorf("%s in %s is %s (%v), not %s", test.text, test.zone, text, ok, test.want)
		}
	}
}

var notDates = []string{
	"", " ", "-", "+", "d", "-d", "7", "-7", "2026", "20261122", "2026-11", "2026-1-2", "2026-11-22 ", " 2026-11-22",
	"2026-11/22", "2026-13-01", "2026-00-01", "2026-01-00", "2026-02-29", "2026-04-31", "2026-11-22 24:00", "2026-11-22 5:04",
	"2026-11-22 15:60", "2026-11-22 15:04:05", "2026-11-22T15:04", "2026-11-22 15:04Z", "2026.11.22", "foo", "7 d", "- 7d",
	"+-7d", "7D", "1s", "7d foo", "7d 3", "1.5d", "４d", "١d", "1000000001d", "600000000d 600000000d", "99999999999999999999y", "-1d 2x",
}

func TestNotDates(t *testing.T) {
	for _, text := range notDates {
		if got, ok := parseDate(text, &Env{}); ok {
			t.Errorf("%q is %v", text, got)
		}
	}
}

func TestDateFunctionProblems(t *testing.T) {
	const format = "should have the format (+/-)n(yMwdhm), e.g -1M for 1 month earlier."
	tests := []struct {
		f       Function
		problem string
	}{
		{Function{Name: "now", Args: []string{"1d"}}, "Function 'now' expected '0' arguments but received '1'."},
		{Function{Name: "startOfDay", Args: []string{"1", "2"}},
			"Function 'startOfDay' expected between '0' and '1' arguments but received '2'."},
		{Function{Name: "endofweek", Args: []string{"soon"}}, "Duration for function 'endofweek' " + format},
		{Function{Name: "endOfYear", Args: []string{""}}, "Duration for function 'endOfYear' " + format},
		{Function{Name: "endOfYear", Args: []string{"+-1"}}, "Duration for function 'endOfYear' " + format},
		{Function{Name: "startOfDay", Args: []string{"2026-01-01"}}, "Duration for function 'startOfDay' " + format},
		{Function{Name: "startOfDay", Args: []string{"99999999999"}}, "Duration for function 'startOfDay' " + format},
	}
	for _, test := range tests {
		if _, known, problem := dateFunction(test.f, &Env{}); !known || problem != test.problem {
			t.Errorf("%v: %v %q", test.f, known, problem)
		}
	}
	for _, name := range []string{"currentUser", "startOf", "startOfHour", "endOfMinute", "startOfDays", "", "now "} {
		if _, known, problem := dateFunction(Function{Name: name}, &Env{}); known || problem != "" {
			t.Errorf("%q passes for a function of dates: %s", name, problem)
		}
	}
}

func TestParseEventDate(t *testing.T) {
	tests := []struct{ zone, text, want string }{
		{"UTC", "2026-11-22", "2026-11-22T00:00:00.000Z"},
		{"UTC", "2026-11-22T15:04:05.678+0000", "2026-11-22T15:04:05.678Z"},
		{"UTC", "2026-11-22T15:04:05.678+0530", "2026-11-22T09:34:05.678Z"},
		{"UTC", "2026-11-22T15:04:05.678-08:00", "2026-11-22T23:04:05.678Z"},
		{"UTC", "2026-11-22T15:04:05+01", "2026-11-22T14:04:05.000Z"},
		{"UTC", "2026-11-22T15:04:05Z", "2026-11-22T15:04:05.000Z"},
		{"UTC", "2026-11-22T15:04Z", "2026-11-22T15:04:00.000Z"},
		{"UTC", "2026-11-22 15:04", "2026-11-22T15:04:00.000Z"},
		{"UTC", "2026-11-22T15:04:05.6789999", "2026-11-22T15:04:05.678Z"},
		{"UTC", "2026-11-22T15:04:05.6", "2026-11-22T15:04:05.600Z"},
		{"UTC", "2026-11-22T23:59:59-23:59", "2026-11-23T23:58:59.000Z"},
		{"UTC", "0000-01-01T00:00:00Z", "0000-01-01T00:00:00.000Z"},
		{"UTC", "9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999Z"},
		{"Europe/Berlin", "2026-07-01", "2026-06-30T22:00:00.000Z"},
		{"Europe/Berlin", "2026-07-01T12:00:00", "2026-07-01T10:00:00.000Z"},
		{"Europe/Berlin", "2026-07-01T12:00:00Z", "2026-07-01T12:00:00.000Z"},
		{"America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00.000Z"},
	}
	for _, test := range tests {
		got, ok := parseEventDate([]byte(test.text), zoneOf(t, test.zone))
		if text := got.Format(stamp); !ok || text != test.want {
			t.Errorf("%s in %s is %s (%v), not %s", test.text, test.zone, text, ok, test.want)
		}
	}
	if got, ok := parseEventDate([]byte("2026-11-22"), nil); !ok || got.Format(stamp) != "2026-11-22T00:00:00.000Z" {
		t.Errorf("without a zone: %v %v", got, ok)
	}
	for _, text := range []string{
		"", "2026", "2026-11-22T", "2026-11-22 ", "2026-11-22T15", "2026-11-22T15:04:", "2026-11-22T15:04:60Z", "2026-11-22T24:00:00Z",
		"2026-11-22T15:04:05.Z", "2026-11-22T15:04:05,5Z", "2026-11-22t15:04:05Z", "2026-11-22T15:04:05z", "2026-11-22T15:04:05+1",
		"2026-11-22T15:04:05+01:", "2026-11-22T15:04:05+01:6", "2026-11-22T15:04:05+24:00", "2026-11-22T15:04:05+00:60",
		"2026-11-22T15:04:05 +0000", "2026-11-22T15:04:05Zx", "2026-11-22Z", "2026-11-22+01:00", "2026/11/22", "2026-02-29",
		"-026-01-01", "22/Nov/26", "1700000000000", "0000-01-01T00:00:00+01:00", "9999-12-31T23:59:59-00:01",
	} {
		if got, ok := parseEventDate([]byte(text), time.UTC); ok {
			t.Errorf("%q is %v", text, got)
		}
	}
}

func TestParseEventMillis(t *testing.T) {
	for text, want := range map[string]string{
		"0": "1970-01-01T00:00:00.000Z", "1700000000000": "2023-11-14T22:13:20.000Z", "1.7e12": "2023-11-14T22:13:20.000Z",
		"1700000000000.9": "2023-11-14T22:13:20.000Z", "-1": "1969-12-31T23:59:59.999Z", "-0.5": "1969-12-31T23:59:59.999Z",
		"253402300799999": "9999-12-31T23:59:59.999Z", "253402300800000": "", "-62167219200000": "0000-01-01T00:00:00.000Z",
		"-62167219200001": "", "1e30": "", "1e999999999": "", "99999999999999999999": "", "": "", "x": "", "2026-11-22": "",
	} {
		got, ok := parseEventMillis([]byte(text))
		if stamped := got.Format(stamp); ok != (want != "") || ok && stamped != want {
			t.Errorf("%q is %s (%v), not %s", text, stamped, ok, want)
		}
	}
}

func TestParseEventDateAllocatesNothing(t *testing.T) {
	text, zone := []byte("2026-11-22T15:04:05.678"), zoneOf(t, "Europe/Berlin")
	if n := testing.AllocsPerRun(100, func() { parseEventDate(text, zone) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzDate: whatever reads as a date has four digits for its year, and means the same when it is printed.
func FuzzDate(f *testing.F) {
	for _, text := range append(notDates, "2026-11-22", "2026/11/22 15:04", "-4w 2d", "2026-11-22T15:04:05.678+0530", "1y1M1w1d1h1m") {
		f.Add(text)
	}
	zone := zoneOf(f, "America/Sao_Paulo")
	now := timeOf(f, "2026-11-22T15:04:05.678Z")
	inRange := func(t *testing.T, text string, at time.Time) {
		if at.Before(firstMoment) || at.After(lastMoment) || at.Nanosecond()%int(time.Millisecond) != 0 {
			t.Fatalf("%q is %v", text, at)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		if at, ok := parseEventDate([]byte(text), zone); ok {
			inRange(t, text, at)
			if again, ok := parseEventDate([]byte(at.Format(stamp)), nil); !ok || !again.Equal(at) {
				t.Fatalf("%q is %v, which reads as %v", text, at, again)
			}
		}
		d, ok := parseDate(text, &Env{Zone: zone})
		switch {
		case !ok:
		case d.Clock != nil:
			inRange(t, text, d.Clock.At(now))
			printed, _, _ := strings.Cut(strings.TrimPrefix(d.Clock.String(), "now("), ")")
			sign := ""
			if strings.HasPrefix(printed, "-") {
				sign = "-"
			}
			again, ok := parseDate(sign+strings.NewReplacer("-", "", "+", "").Replace(printed), &Env{Zone: zone})
			if printed != "" && (!ok || again.Clock == nil || again.Clock.String() != d.Clock.String()) {
				t.Fatalf("%q is %s, which reads as %v", text, d.Clock, again)
			}
		default:
			inRange(t, text, d.At)
			if event, ok := parseEventDate([]byte(strings.ReplaceAll(text, "/", "-")), zone); !ok || !event.Equal(d.At) {
				t.Fatalf("%q is %v in a query and %v in an event", text, d.At, event)
			}
		}
	})
}
