package jql

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestKeyTerm(t *testing.T) {
	for key, want := range map[string]string{
		"EX-1": "ex-a11", "ex-01": "ex-a11", "EX-120": "ex-a312", "EX-0": "ex-0", "A_1-7": "a_1-a17", "3-4": "3-a14",
		"": "", "EX": "", "EX-": "", "-1": "", "EX--1": "", "EX-1.0": "", "EX-1e3": "", "EX-x": "", "A-B-1": "", "E X-1": "", "EX-1 ": "",
		"EX-١": "", "\xff-1": "",
	} {
		got, ok := AppendKeyTerm([]byte("dst"), []byte(key))
		if string(got) != "dst"+want || ok != (want != "") {
			t.Errorf("AppendKeyTerm(%q) = %q, %v, want %q", key, got, ok, want)
		}
	}
}

func allWords(text string) []string {
	var found []string
	for word, rest := NextWord([]byte(text)); len(word) > 0; word, rest = NextWord(rest) {
		found = append(found, string(word))
	}
	return found
}

func TestNextWord(t *testing.T) {
	for text, want := range map[string][]string{
		"": nil, " -- ": nil, "one": {"one"}, "One, two;three": {"One", "two", "three"}, "v1.2_b": {"v1", "2", "b"},
		"don't": {"don", "t"}, "cafe\u0301 noir": {"cafe\u0301", "noir"}, "Straße": {"Straße"}, "日本語。東京": {"日本語", "東京"},
		"a\xffb": {"a", "b"}, "x²": {"x"}, "٣٤": {"٣٤"}, "a\u00a0b\u200bc": {"a", "b", "c"},
	} {
		if got := allWords(text); !slices.Equal(got, want) {
			t.Errorf("words of %q: %q, want %q", text, got, want)
		}
	}
}

func TestPhraseTerm(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "...": "", "One": " one ", "The DISK, is full!": " the disk is full ",
	} {
		if got := string(AppendPhraseTerm([]byte("dst"), []byte(text))); got != "dst"+want {
			t.Errorf("AppendPhraseTerm(%q) = %q, want %q", text, got, want)
		}
	}
}

// TestPhraseContainment: the term of a phrase is in that of a text exactly when its words stand there side
// by side.
func TestPhraseContainment(t *testing.T) {
	text := rapid.StringOf(rapid.SampledFrom([]rune("aAb1 ,-é\u0301")))
	rapid.Check(t, func(t *rapid.T) {
		long, short := text.Draw(t, "text"), text.Draw(t, "phrase")
		fold := func(s string) []string {
			return strings.FieldsFunc(string(FoldTerm(nil, []byte(s))), func(r rune) bool {
				return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r)
			})
		}
		in, phrase := fold(long), fold(short)
		if len(phrase) == 0 {
			return
		}
		want := false
		for i := range in {
			want = want || len(in) >= i+len(phrase) && slices.Equal(in[i:i+len(phrase)], phrase)
		}
		if got := bytes.Contains(AppendPhraseTerm(nil, []byte(long)), AppendPhraseTerm(nil, []byte(short))); got != want {
			t.Fatalf("%q in %q: %v, want %v", short, long, got, want)
		}
	})
}

// TestChangeTermIsUnambiguous: no two pairs have one term.
func TestChangeTermIsUnambiguous(t *testing.T) {
	term := rapid.StringMatching(`[0-3:a]{0,4}`)
	rapid.Check(t, func(t *rapid.T) {
		var pairs [2][2]string
		for i := range pairs {
			pairs[i] = [2]string{term.Draw(t, "from"), term.Draw(t, "to")}
		}
		join := func(p [2]string) string { return string(AppendChangeTerm(nil, []byte(p[0]), []byte(p[1]))) }
		if (join(pairs[0]) == join(pairs[1])) != (pairs[0] == pairs[1]) {
			t.Fatalf("%q", pairs)
		}
	})
}

func TestWildcard(t *testing.T) {
	for _, c := range []struct {
		pattern, word string
		want          bool
	}{
		{"disk", "disk", true}, {"disk", "disks", false}, {"disks", "disk", false}, {"disk*", "disk", true}, {"disk*", "disks", true},
		{"disk*", "dis", false}, {"d?sk", "disk", true}, {"d?sk", "dsk", false}, {"?", "é", true}, {"??", "é", false}, {"é?", "éa", true},
		{"?*", "a", true}, {"?*", "abc", true}, {"a?c*", "abcd", true}, {"a?c*", "abd", false}, {"dis?", "dis", false},
	} {
		if got := wildcard(c.pattern, []byte(c.word)); got != c.want {
			t.Errorf("%q matches %q: %v", c.pattern, c.word, got)
		}
	}
}

func FuzzWords(f *testing.F) {
	f.Add("The disk, is\u0301 full \xff")
	f.Fuzz(func(t *testing.T, text string) {
		phrase := AppendPhraseTerm(nil, []byte(text))
		if !utf8.Valid(phrase) {
			t.Fatalf("phrase %q", phrase)
		}
		var folded []string
		for _, word := range allWords(text) {
			folded = append(folded, string(FoldTerm(nil, []byte(word))))
		}
		if got := strings.Fields(string(phrase)); !slices.Equal(got, folded) {
			t.Fatalf("words %q, phrase %q", folded, phrase)
		}
	})
}
