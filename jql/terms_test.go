package jql

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// recorder collects the terms that a Terms gives.
func recorder() (*Terms, func() []string) {
	var got []string
	t := &Terms{Add: func(term []byte) { got = append(got, string(term)) }}
	return t, func() []string {
		defer func() { got = nil }()
		return got
	}
}

const oldSprint = "com.atlassian.greenhopper.service.sprint.Sprint@1f[id=3,rapidViewId=2,state=ACTIVE,name=Sprint 7, the Long=one," +
	"startDate=2026-01-05T09:00:00.000Z,goal=,sequence=3]"

func TestScalarTerms(t *testing.T) {
	x, got := recorder()
	for _, c := range []struct {
		kind   Kind
		aspect Aspect
		typ    JSONType
		text   string
		want   []string
	}{
		{KindNamed, Values, JSONString, "In Progress", []string{"in progress"}},
		{KindNamed, Values, JSONNumber, "10E1", []string{"10e1"}},
		{KindNamed, Values, JSONBool, "true", nil},
		{KindProject, Values, JSONString, "EX", []string{"ex"}},
		{KindOption, Values, JSONString, "Red", []string{"red"}},
		{KindIssue, Values, JSONString, "EX-12", []string{"ex-12"}},
		{KindIssue, Ranks, JSONString, "EX-12", []string{"ex-a212"}},
		{KindLink, Ranks, JSONString, "EX-012", []string{"ex-a212"}},
		{KindLink, Ranks, JSONString, "EX", nil},
		{KindLink, Ranks, JSONNumber, "12", nil},
		{KindNamed, Ranks, JSONString, "EX-12", nil},
		{KindUser, Values, JSONString, "5b:Ab", []string{"5b:Ab"}},
		{KindUser, Names, JSONString, "5b:Ab", nil},
		{KindExact, Values, JSONString, "Urgent", []string{"Urgent"}},
		{KindExact, Values, JSONNumber, "1E2", []string{"1E2"}},
		{KindExact, Values, JSONBool, "true", nil},
		{KindSprint, Values, JSONString, "Sprint 7", []string{"sprint 7"}},
		{KindSprint, Values, JSONString, oldSprint, []string{"3", "sprint 7, the long=one"}},
		{KindSprint, Values, JSONString, oldSprint + " ", []string{strings.ToLower(oldSprint) + " "}},
		{KindSprint, Values, JSONString, string(sprintMark) + "1[]", nil},
		{KindSprint, Values, JSONString, string(sprintMark) + "1[,=,id=,x,name=a,b]", []string{",x", "a,b"}},
		{KindSprint, Values, JSONBool, "true", nil},
		{KindNumber, Values, JSONNumber, "5.0", []string{"na15"}},
		{KindNumber, Values, JSONString, "5e0", []string{"na15"}},
		{KindNumber, Values, JSONString, "five", nil},
		{KindNumber, Values, JSONBool, "true", nil},
		{KindDate, Values, JSONString, "2026-01-05T09:00:00.123+0100", []string{"t2026-01-05T08:00:00.123"}},
		{KindDate, Values, JSONString, "2026-01-05", []string{"t2026-01-04T22:00:00.000"}},
		{KindDate, Values, JSONNumber, "1500000000123", []string{"t2017-07-14T02:40:00.123"}},
		{KindDate, Values, JSONString, "1500000000123", nil},
		{KindDate, Values, JSONString, "soon", nil},
		{KindText, Values, JSONString, "Disk full", nil},
		{KindText, Words, JSONString, "Disk, FULL", []string{"disk", "full"}},
		{KindText, Phrases, JSONString, "Disk, FULL", []string{" disk full "}},
		{KindText, Phrases, JSONString, "!", nil},
		{KindText, Words, JSONNumber, "5", nil},
		{KindNamed, Words, JSONString, "Disk", nil},
		{KindProperty, Values, JSONString, "A", []string{"sA"}},
		{KindProperty, Values, JSONNumber, "5.0", []string{"na15"}},
		{KindProperty, Values, JSONNumber, "1e5000", nil},
		{KindProperty, Values, JSONBool, "false", []string{"bfalse"}},
		{KindProperty, Dates, JSONString, "2026-01-05 09:00", []string{"t2026-01-05T07:00:00.000"}},
		{KindProperty, Dates, JSONNumber, "1500000000123", nil},
		{KindProperty, Words, JSONString, "A b", []string{"a", "b"}},
		{KindAny, Values, JSONString, "A", []string{"sa"}},
		{KindAny, Values, JSONString, oldSprint, []string{"s" + strings.ToLower(oldSprint), "s3", "ssprint 7, the long=one"}},
		{KindAny, Values, JSONNumber, "5.0", []string{"na15"}},
		{KindAny, Values, JSONBool, "true", []string{"btrue"}},
		{KindAny, Dates, JSONString, "2026-01-05", []string{"t2026-01-04T22:00:00.000"}},
		{KindAny, Phrases, JSONString, "A b", []string{" a b "}},
		{KindDate, Dates, JSONString, "2026-01-05", nil},
		{KindNamed, Changes, JSONString, "x", nil},
	} {
		x.Zone = time.FixedZone("", 2*60*60)
		x.Scalar(c.kind, c.aspect, c.typ, []byte(c.text))
		if diff := cmp.Diff(c.want, got()); diff != "" {
			t.Errorf("%v %v %q (-want +got):\n%s", c.kind, c.aspect, c.text, diff)
		}
	}
}

func TestMemberTerms(t *testing.T) {
	x, got := recorder()
	for _, c := range []struct {
		kind   Kind
		aspect Aspect
		text   string
		want   []string
	}{
		{KindNamed, Values, "10001", []string{"10001"}},
		{KindUser, Values, "5b:Ab", []string{"5b:Ab"}},
		{KindUser, Names, "Mia K", []string{"mia k"}},
		{KindIssue, Ranks, "EX-3", []string{"ex-a13"}},
		{KindSprint, Values, oldSprint, []string{strings.ToLower(oldSprint)}},
		{KindAny, Values, "10", []string{"s10"}},
		{KindAny, Words, "Big Red", []string{"big", "red"}},
		{KindAny, Phrases, "Big Red", []string{" big red "}},
		{KindAny, Dates, "2026-01-05", nil},
	} {
		x.Member(c.kind, c.aspect, []byte(c.text))
		if diff := cmp.Diff(c.want, got()); diff != "" {
			t.Errorf("%v %v %q (-want +got):\n%s", c.kind, c.aspect, c.text, diff)
		}
	}
}

func TestMembersFor(t *testing.T) {
	for _, c := range []struct {
		kind     Kind
		aspect   Aspect
		members  []string
		fallback []string
	}{
		{KindUser, Values, []string{"accountId"}, []string{"key", "name"}},
		{KindUser, Names, []string{"displayName"}, nil},
		{KindNamed, Names, nil, nil},
		{KindIssue, Ranks, []string{"key"}, nil},
		{KindLink, Ranks, []string{"key"}, nil},
		{KindAny, Words, []string{"value", "name"}, nil},
		{KindAny, Dates, nil, nil},
		{KindText, Words, nil, nil},
		{KindProperty, Values, nil, nil},
	} {
		members, fallback := c.kind.MembersFor(c.aspect)
		if !slices.Equal(members, c.members) || !slices.Equal(fallback, c.fallback) {
			t.Errorf("%v %v: %q, %q", c.kind, c.aspect, members, fallback)
		}
	}
}

func TestChangeTerms(t *testing.T) {
	x, got := recorder()
	for _, c := range []struct {
		kind     Kind
		id, name string
		want     []string
	}{
		{KindNamed, "3", "In Progress", []string{"in progress", "3"}},
		{KindNamed, "3", "", []string{"3"}},
		{KindNamed, "", "", []string{""}},
		{KindLink, "10001", "EX-1", []string{"ex-1", "10001"}},
		{KindUser, "5b:Ab", "Mia", []string{"5b:Ab"}},
		{KindUser, "", "Mia", nil},
		{KindUser, "", "", []string{""}},
		{KindExact, "", "a B a", []string{"a", "B", "a"}},
		{KindExact, "7", "", nil},
		{KindSprint, "1, 2", "S 1, S 2", []string{"s 1, s 2", "s 1", "s 2", "1, 2", "1", "2"}},
		{KindSprint, "1", "S 1", []string{"s 1", "1"}},
		{KindNumber, "", "5.0", []string{"na15"}},
		{KindNumber, "3", "three", []string{"na13"}},
		{KindNumber, "x", "y", nil},
		{KindDate, "2026-01-05", "5/Jan/26", []string{"t2026-01-05T00:00:00.000"}},
		{KindDate, "", "2026-01-05 08:30:00.0", []string{"t2026-01-05T08:30:00.000"}},
		{KindDate, "x", "5/Jan/26", nil},
		{KindText, "", "Disk FULL", []string{"disk full"}},
		{KindText, "x", "", nil},
		{KindAny, "10", "A", []string{"sa", "s10", "na21"}},
	} {
		x.Change(c.kind, ChangedFrom, &Change{FromID: []byte(c.id), FromName: []byte(c.name), ToName: []byte("other")})
		from := got()
		x.Change(c.kind, ChangedTo, &Change{ToID: []byte(c.id), ToName: []byte(c.name), FromName: []byte("other")})
		if diff := cmp.Diff([][]string{c.want, c.want}, [][]string{from, got()}); diff != "" {
			t.Errorf("%v %q %q (-want +got):\n%s", c.kind, c.id, c.name, diff)
		}
	}
	x.Change(KindExact, ChangedBoth, &Change{FromName: []byte("a b"), ToName: []byte("c")})
	if diff := cmp.Diff([]string{"1:ac", "1:bc"}, got()); diff != "" {
		t.Error(diff)
	}
	x.Change(KindUser, ChangedBoth, &Change{FromName: []byte("Mia"), ToID: []byte("5b")})
	x.Change(KindNamed, Changes, &Change{FromName: []byte("a")})
	if terms := got(); terms != nil {
		t.Errorf("terms %q", terms)
	}
	many := []byte(strings.Repeat("x ", 100_000))
	x.Change(KindExact, ChangedBoth, &Change{FromName: many, ToName: many})
	if n := len(got()); n != maxPieces*maxPieces {
		t.Errorf("%d terms", n)
	}
	if x.Trim(); cap(x.from.text) > largestKept || cap(x.from.ends) > largestKept {
		t.Error("a large value stays in the buffers")
	}
}

func TestTermsAllocateNothing(t *testing.T) {
	x := &Terms{Add: func([]byte) {}}
	text, sprint, number, date := []byte("The Disk, ünd more"), []byte(oldSprint), []byte("-12.50e3"), []byte("2026-01-05T09:00:00.000+0000")
	change := &Change{FromID: []byte("1, 2"), FromName: []byte("S 1, S 2"), ToID: number, ToName: date}
	allocs := testing.AllocsPerRun(100, func() {
		for k := KindIssue; k <= KindAny; k++ {
			for a := Values; a <= ChangedBoth; a++ {
				x.Scalar(k, a, JSONString, text)
				x.Scalar(k, a, JSONString, sprint)
				x.Scalar(k, a, JSONString, date)
				x.Scalar(k, a, JSONNumber, []byte("1500000000123"))
				x.Member(k, a, number)
				x.Change(k, a, change)
			}
		}
		x.Trim()
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

// FuzzTerms: whatever a text holds, its terms are the same after other ones, and those that fold are UTF-8.
func FuzzTerms(f *testing.F) {
	for _, seed := range []string{"", "EX-12", oldSprint, "2026-01-05", "1e3", "a, b", "\xff", " x  y "} {
		f.Add(uint8(KindSprint), seed, "S 1, S 2")
	}
	f.Fuzz(func(t *testing.T, kind uint8, text, other string) {
		k := Kind(kind%uint8(KindAny)) + 1
		all := func(x *Terms, got func() []string) []string {
			for a := Values; a <= ChangedBoth; a++ {
				if text != "" {
					x.Scalar(k, a, JSONString, []byte(text))
					x.Member(k, a, []byte(text))
				}
				x.Change(k, a, &Change{FromID: []byte(text), ToName: []byte(text), ToID: []byte(other)})
			}
			return got()
		}
		x, got := recorder()
		first := all(x, got)
		if other != "" {
			x.Scalar(k, Words, JSONString, []byte(other))
			x.Change(k, ChangedBoth, &Change{FromName: []byte(other)})
			got()
		}
		if diff := cmp.Diff(first, all(x, got)); diff != "" {
			t.Fatalf("a second time (-first +second):\n%s", diff)
		}
		for _, term := range first {
			if k != KindUser && k != KindExact && k != KindProperty && !utf8.ValidString(term) {
				t.Fatalf("kind %v: term %q", k, term)
			}
		}
	})
}
