package jql

import (
	"math/big"
	"slices"
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"
)

// decimals makes texts that are numbers, or nearly.
var decimals = rapid.Custom(func(t *rapid.T) string {
	text := rapid.StringMatching(`-?[0-9]{1,4}(\.[0-9]{1,4})?([eE][+-]?[0-9]{1,2})?`).Draw(t, "number")
	if rapid.IntRange(0, 9).Draw(t, "damaged") == 0 {
		text = strings.Replace(text, rapid.SampledFrom([]string{"1", "-", "."}).Draw(t, "old"), rapid.SampledFrom([]string{"", "x", ".", "e"}).Draw(t, "new"), 1)
	}
	return text
})

// TestNumbers holds the numbers of the evaluator against rational ones.
func TestNumbers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var numbers [2]number
		var rats [2]*big.Rat
		for i := range numbers {
			text := decimals.Draw(t, "text")
			n, ok := parseNumber(text)
			if !ok {
				return
			}
			numbers[i] = n
			rats[i], ok = new(big.Rat).SetString(text)
			if !ok {
				t.Fatalf("%q is no number", text)
			}
		}
		if got, want := numbers[0].compare(numbers[1]), rats[0].Cmp(rats[1]); got != want || (got == 0) != (numbers[0] == numbers[1]) {
			t.Fatalf("%v and %v compare as %d, not %d", rats[0], rats[1], got, want)
		}
		floor := new(big.Int).Div(rats[0].Num(), rats[0].Denom())
		got, ok := numbers[0].floor()
		if ok && (!floor.IsInt64() || floor.Int64() != got) || !ok && floor.BitLen() < 59 {
			t.Fatalf("the floor of %v is %d (%v)", rats[0], got, ok)
		}
	})
}

func TestNotNumbers(t *testing.T) {
	for _, text := range []string{
		"", "-", "+1", ".5", "5.", "1e", "1e+", "e5", "1e5e5", "0x10", "1_000", "1e1_0", "1e1001", "1e-1001", "1e99999999999999999999", " 1", "1 ", "٣", "NaN", "--1",
		"1.2.3", "1.-2",
	} {
		if n, ok := parseNumber(text); ok {
			t.Errorf("%q is %v", text, n)
		}
	}
}

// TestFoldText: two texts fold alike exactly if strings.EqualFold calls them equal, and as terms do.
func TestFoldText(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		text := string(r)
		folded := foldText(text)
		if !strings.EqualFold(text, folded) {
			t.Fatalf("%q folds to %q", text, folded)
		}
		if term := string(FoldTerm(nil, []byte(text))); term != folded {
			t.Fatalf("%q folds to %q, as a term to %q", text, folded, term)
		}
		for s := unicode.SimpleFold(r); s != r; s = unicode.SimpleFold(s) {
			if foldText(string(s)) != folded {
				t.Fatalf("%q and %q fold differently", r, s)
			}
		}
	}
}

// TestWordsOf holds the words of the evaluator against those of terms.
func TestWordsOf(t *testing.T) {
	text := rapid.OneOf(rapid.String(), rapid.StringOf(rapid.SampledFrom([]rune("aÉß\u0301\u0903 -_.٣5²ⅷ好ſK\u200d"))))
	rapid.Check(t, func(t *rapid.T) {
		text := text.Draw(t, "text")
		var want []string
		for word, rest := NextWord([]byte(text)); len(word) > 0; word, rest = NextWord(rest) {
			want = append(want, string(FoldTerm(nil, word)))
		}
		if got := wordsOf(text); !slices.Equal(got, want) {
			t.Fatalf("%q has the words %q, as terms %q", text, got, want)
		}
	})
}

// TestMatching holds the search of a pattern among sorted words against the wildcards of filters, word by word.
func TestMatching(t *testing.T) {
	word := rapid.StringMatching(`[abé]{1,4}`)
	rapid.Check(t, func(t *rapid.T) {
		words := slices.Compact(slices.Sorted(slices.Values(rapid.SliceOf(word).Draw(t, "words"))))
		pattern := rapid.StringMatching(`[abé?]{0,4}\*?`).Draw(t, "pattern")
		want := ""
		if i := slices.IndexFunc(words, func(word string) bool { return wildcard(pattern, []byte(word)) }); i >= 0 {
			want = words[i]
		}
		fixed, open := strings.CutSuffix(pattern, "*")
		if got := matching(words, []rune(fixed), open, 0); got != want {
			t.Fatalf("%q is %q among %q, not %q", pattern, got, words, want)
		}
	})
}
