package jql

import (
	"cmp"
	"encoding/json"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// comparand is what a value, or an operand, is when it is compared: two are equal when they are the same, and have
// an order when they are among the same.
type comparand struct {
	among  string
	text   string
	number number
}

// What comparands are among. Issue keys are among those of their project.
const (
	amongTexts    = "texts"
	amongNumbers  = "numbers"
	amongDates    = "dates"
	amongBooleans = "booleans"
	amongDisplay  = "display names"
	amongKeys     = "keys of "
)

func (c comparand) compare(d comparand) int {
	return cmp.Or(strings.Compare(c.text, d.text), c.number.compare(d.number))
}

func textComparand(text string) comparand { return comparand{among: amongTexts, text: text} }

func dateComparand(at time.Time) comparand {
	return comparand{among: amongDates, number: wholeNumber(at.UnixMilli())}
}

func boolComparand(value bool) comparand {
	return comparand{among: amongBooleans, text: strconv.FormatBool(value)}
}

func numberComparand(text string) (comparand, bool) {
	n, ok := parseNumber(text)
	return comparand{among: amongNumbers, number: n}, ok
}

// keyComparand reads an issue key: letters, digits and underscores, a dash and a number.
func keyComparand(text string) (comparand, bool) {
	project, digits, _ := strings.Cut(text, "-")
	other := func(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) }
	if project == "" || strings.ContainsFunc(project, other) || !isDigits(digits) {
		return comparand{}, false
	}
	n, ok := parseNumber(digits)
	return comparand{among: amongKeys + foldText(project), number: n}, ok
}

// comparands are what a piece of an event's value is for a field of kind k.
func (p *piece) comparands(k Kind, zone *time.Location) []comparand {
	text, ok := p.text()
	if !ok {
		if k == KindProperty || k == KindAny {
			return []comparand{boolComparand(p.json.(bool))}
		}
		return nil
	}
	_, isString := p.json.(string)
	switch k {
	case KindText:
		return nil
	case KindNumber:
		return only(numberComparand(text))
	case KindDate:
		if !isString {
			return dates(parseEventMillis([]byte(text)))
		}
		return dates(parseEventDate([]byte(text), zone))
	case KindProperty, KindAny:
		if p.member == "" && !isString {
			return only(numberComparand(text))
		}
		if k == KindAny {
			text = foldText(text)
		}
		all := []comparand{textComparand(text)}
		if p.member == "" {
			all = append(all, dates(parseEventDate([]byte(p.json.(string)), zone))...)
		}
		return all
	case KindUser:
		if p.member == displayMember {
			return []comparand{{among: amongDisplay, text: foldText(text)}}
		}
		return []comparand{textComparand(text)}
	case KindExact:
		return []comparand{textComparand(text)}
	case KindIssue:
		all := []comparand{textComparand(foldText(text))}
		if isString && (p.member == "" || p.member == "key") {
			all = append(all, only(keyComparand(text))...)
		}
		return all
	}
	return []comparand{textComparand(foldText(text))}
}

func only(c comparand, ok bool) []comparand {
	if !ok {
		return nil
	}
	return []comparand{c}
}

func dates(at time.Time, ok bool) []comparand {
	if !ok {
		return nil
	}
	return []comparand{dateComparand(at)}
}

// foldText brings texts that [strings.EqualFold] calls equal into one form: that of the lowest characters, but
// ASCII in lower case.
func foldText(text string) string {
	return strings.Map(func(r rune) rune {
		lowest := r
		for s := unicode.SimpleFold(r); s != r; s = unicode.SimpleFold(s) {
			lowest = min(lowest, s)
		}
		if lowest <= unicode.MaxASCII {
			return unicode.ToLower(lowest)
		}
		return lowest
	}, text)
}

// number is a decimal number: 0.digits times ten to the power of point, without zeros at either end of the
// digits. Zero has neither digits, point nor sign.
type number struct {
	negative bool
	digits   string
	point    int
}

// parseNumber reads [-] digits [. digits] [e [sign] digits], with an exponent within MaxExponent. The time it
// takes is in proportion to the text, which arithmetic on numbers of any length would not be.
func parseNumber(text string) (number, bool) {
	unsigned, negative := strings.CutPrefix(text, "-")
	exponent := 0
	if i := strings.IndexAny(unsigned, "eE"); i >= 0 {
		n, err := strconv.Atoi(unsigned[i+1:])
		if err != nil || n < -MaxExponent || n > MaxExponent {
			return number{}, false
		}
		unsigned, exponent = unsigned[:i], n
	}
	whole, fraction, pointed := strings.Cut(unsigned, ".")
	if !isDigits(whole) || pointed && !isDigits(fraction) {
		return number{}, false
	}
	digits := strings.TrimLeft(whole+fraction, "0")
	zeros := len(whole) + len(fraction) - len(digits)
	digits = strings.TrimRight(digits, "0")
	if digits == "" {
		return number{}, true
	}
	return number{negative: negative, digits: digits, point: len(whole) - zeros + exponent}, true
}

func isDigits(text string) bool { return text != "" && strings.Trim(text, "0123456789") == "" }

func wholeNumber(n int64) number {
	result, _ := parseNumber(strconv.FormatInt(n, 10))
	return result
}

func (n number) sign() int {
	switch {
	case n.digits == "":
		return 0
	case n.negative:
		return -1
	}
	return 1
}

func (n number) compare(m number) int {
	sign := n.sign()
	return cmp.Or(cmp.Compare(sign, m.sign()), sign*cmp.Or(cmp.Compare(n.point, m.point), strings.Compare(n.digits, m.digits)))
}

// floor is the largest integer that is not above the number, which must be below 1e18.
func (n number) floor() (int64, bool) {
	if n.point > 18 {
		return 0, false
	}
	whole, fraction := "0", n.digits
	if n.point > 0 {
		padded := n.digits + strings.Repeat("0", max(0, n.point-len(n.digits)))
		whole, fraction = padded[:n.point], padded[n.point:]
	}
	i, err := strconv.ParseInt(whole, 10, 64)
	if n.negative {
		i = -i
		if fraction != "" {
			i--
		}
	}
	return i, err == nil
}

// literalOf is the literal of a JSON number or the text of a string, and "" for anything else.
func literalOf(value any) string {
	switch v := scalar(value).(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return ""
}
