package jql

import (
	"bytes"
	"math/big"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestNumberTerm(t *testing.T) {
	for literal, want := range map[string]string{
		"5": "na15", "5.0": "na15", "5e0": "na15", "0.5e1": "na15", "500E-2": "na15", "005": "na15", "-5": "n-Z84~",
		"0": "n0", "-0": "n0", "0.000": "n0", "0e9": "n0", "-0.0e-3": "n0",
		"1500": "na415", "1.10": "na111", "12.5": "na2125", "0.5": "nZ95", "0.001": "nZ71", "1e-12": "nY881",
		"1e1000": "nd10011", "1e+2": "na31", "-0.5": "n-a04~",
		"1e1001": "", "1e-1001": "", "1e999999999999999999999": "",
		"": "", "-": "", "+5": "", ".5": "", "5.": "", "5e": "", "5e+": "", "0x5": "", "1_000": "", "5 ": "", "NaN": "", "1/2": "",
		"١": "",
	} {
		got, ok := AppendNumberTerm(nil, []byte(literal))
		if string(got) != want || ok != (want != "") {
			t.Errorf("AppendNumberTerm(%q) = %q, %v, want %q", literal, got, ok, want)
		}
	}
	dst, ok := AppendNumberTerm([]byte("x"), []byte("5x"))
	if string(dst) != "x" || ok {
		t.Errorf("a refused number leaves %q", dst)
	}
}

// TestNumberTermsAreInOrder: the terms of two numbers compare as the numbers do.
func TestNumberTermsAreInOrder(t *testing.T) {
	literal := rapid.OneOf(
		rapid.StringMatching(`-?[0159]{1,4}(\.[059]{1,4})?([eE][+-]?[0-3])?`),
		rapid.StringMatching(`-?[0-9]{1,30}(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?`),
		rapid.StringMatching(`-?(0|1|0\.0{0,120}1|10{0,120}|9{1,120}\.9)(e-?(1000|999|99|10|9))?`),
	)
	rapid.Check(t, func(t *rapid.T) {
		a, b := literal.Draw(t, "a"), literal.Draw(t, "b")
		ra, okA := new(big.Rat).SetString(a)
		rb, okB := new(big.Rat).SetString(b)
		x, okX := AppendNumberTerm(nil, []byte(a))
		y, okY := AppendNumberTerm(nil, []byte(b))
		if okA != okX || okB != okY || bytes.Compare(x, y) != ra.Cmp(rb) && okA && okB {
			t.Fatalf("%s is %s, %s is %s", a, x, b, y)
		}
	})
}

func TestNumbersFarApart(t *testing.T) {
	nines := strings.Repeat("9", 5000)
	ascending := []string{
		"-" + nines + "e1000", "-" + nines, "-1e1000", "-" + nines[:100], "-10", "-9.5", "-9", "-1.5", "-1.45", "-1", "-0.5",
		"-0.05", "-1e-1000", "-0.0" + strings.Repeat("0", 5000) + "1", "0", "0." + strings.Repeat("0", 5000) + "1e-1000",
		"0." + strings.Repeat("0", 5000) + "1", "1e-1000", "0.05", "0.5", "0." + nines, "1", "1." + nines, "2", "9", "9.5", "10", "99", "100",
		nines[:100], "1e1000", nines, nines + ".5", nines + "e1000",
	}
	var terms []string
	for _, literal := range ascending {
		term, ok := AppendNumberTerm(nil, []byte(literal))
		if !ok {
			t.Fatalf("no term for %.50s", literal)
		}
		terms = append(terms, string(term))
	}
	if !slices.IsSorted(terms) || len(slices.Compact(slices.Clone(terms))) != len(terms) {
		t.Errorf("not in order: %.60q", terms)
	}
}
