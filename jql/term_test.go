package jql

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestFoldTerm(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "EX-1": "ex-1", "In Progress": "in progress", "\u212A": "k", "\u017F": "s",
		"straße": "straße", "\xff": "\uFFFD", "ÀÉ": "ÀÉ", "àé": "ÀÉ",
	} {
		if got := string(FoldTerm(nil, []byte(text))); got != want {
			t.Errorf("FoldTerm(%q) = %q, want %q", text, got, want)
		}
	}
	if got := string(FoldTerm([]byte("x="), []byte("A"))); got != "x=a" {
		t.Errorf("appended: %q", got)
	}
	for r := range rune(0x20000) {
		same := string(FoldTerm(nil, []byte(string(r)))) == string(FoldTerm(nil, []byte(string(unicode.SimpleFold(r)))))
		if !same {
			t.Errorf("U+%04X and U+%04X differ", r, unicode.SimpleFold(r))
		}
	}
}

func TestFoldTermIsEqualFold(t *testing.T) {
	text := rapid.StringOf(rapid.SampledFrom([]rune("aAkK\u212AsS\u017FéÉß1İiIıΣσς")))
	rapid.Check(t, func(t *rapid.T) {
		a, b := text.Draw(t, "a"), text.Draw(t, "b")
		got := string(FoldTerm(nil, []byte(a))) == string(FoldTerm(nil, []byte(b)))
		if want := strings.EqualFold(a, b); got != want {
			t.Fatalf("%q and %q: %v", a, b, got)
		}
	})
}

func TestTypedTerms(t *testing.T) {
	for text, want := range map[string][]string{
		"x": {"sx"}, "": {"s"}, "5.0": {"s5.0", "na15"}, "true": {"strue", "btrue"}, "false": {"sfalse", "bfalse"}, "True": {"sTrue"},
	} {
		if diff := cmp.Diff(want, TypedTerms(text)); diff != "" {
			t.Errorf("TypedTerms(%q): %s", text, diff)
		}
	}
	if got := AppendStringTerm(nil, nil); len(got) != 0 {
		t.Errorf("the empty string has the term %q", got)
	}
}

func TestTextOfTerm(t *testing.T) {
	for _, text := range []string{"x", "5.0", "s", "true"} {
		terms := TypedTerms(text)
		if got, ok := TextOfTerm(terms[0]); !ok || got != text {
			t.Errorf("%q is read as %q, %v", terms[0], got, ok)
		}
		for _, other := range append(terms[1:], "") {
			if got, ok := TextOfTerm(other); ok {
				t.Errorf("%q is read as the text %q", other, got)
			}
		}
	}
}

func TestTermsDoNotAllocate(t *testing.T) {
	dst := make([]byte, 0, 64)
	text, number := []byte("In Prögress"), []byte("0.0150e-7")
	allocs := testing.AllocsPerRun(100, func() {
		FoldTerm(dst, text)
		KindUser.AppendTerm(dst, text)
		AppendStringTerm(dst, text)
		AppendBoolTerm(dst, true)
		AppendNumberTerm(dst, number)
		AppendPhraseTerm(dst, text)
		AppendKeyTerm(dst, []byte("EX-12"))
		AppendChangeTerm(dst, text, number)
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

func TestHugeNumbersAreCheap(t *testing.T) {
	long := strings.Repeat("9", 30_000)
	doc := map[string]any{"issue": map[string]any{"properties": map[string]any{
		"k": []any{json.Number("1e999999999"), json.Number(long), json.Number("1e-1000")},
	}}}
	for query, want := range map[string]bool{
		"issue.property[k] = 1e999999999":               false,
		"issue.property[k] = " + strconv.Quote(long):    true,
		"issue.property[k] = '" + long + ".0'":          true,
		"issue.property[k] = " + "0.1e-999":             true,
		"issue.property[k] = 0.001":                     false,
		"issue.property[k] != 1e999999999":              true,
		"issue.property[k] = EMPTY OR project != EMPTY": false,
	} {
		if got := evaluateBoth(t, query, doc); got != want {
			t.Errorf("%.60s: %v", query, got)
		}
	}
}
