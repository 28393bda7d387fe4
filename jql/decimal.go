package jql

import "strconv"

// MaxExponent bounds the exponent of numbers that take part in comparisons. It is far beyond what
// JSON documents hold (a double ends near 308), and keeps 1e999999999 from costing anything.
const MaxExponent = 1000

// appendDecimal appends the canonical form of a decimal number: digits without zeros at either end,
// and the power of ten that the last one counts. 1500, 1.5e3 and 01500.0 all become "15e2", every zero
// becomes "0". It reports false for anything else than [-] digits [. digits] [e [sign] digits].
func appendDecimal(dst, literal []byte) ([]byte, bool) {
	rest := literal
	negative := len(rest) > 0 && rest[0] == '-'
	if negative {
		rest = rest[1:]
	}
	whole, rest := leadingDigits(rest)
	if len(whole) == 0 {
		return dst, false
	}
	var fraction []byte
	if len(rest) > 0 && rest[0] == '.' {
		if fraction, rest = leadingDigits(rest[1:]); len(fraction) == 0 {
			return dst, false
		}
	}
	exponent, ok := parseExponent(rest)
	if !ok {
		return dst, false
	}
	return appendCanonical(dst, negative, whole, fraction, exponent), true
}

func leadingDigits(b []byte) (digits, rest []byte) {
	n := 0
	for n < len(b) && '0' <= b[n] && b[n] <= '9' {
		n++
	}
	return b[:n], b[n:]
}

// parseExponent reads "e5", "E-5" or nothing, within MaxExponent.
func parseExponent(b []byte) (exponent int, ok bool) {
	if len(b) == 0 {
		return 0, true
	}
	if b[0] != 'e' && b[0] != 'E' {
		return 0, false
	}
	b = b[1:]
	sign := 1
	if len(b) > 0 && (b[0] == '+' || b[0] == '-') {
		if b[0] == '-' {
			sign = -1
		}
		b = b[1:]
	}
	digits, rest := leadingDigits(b)
	if len(digits) == 0 || len(rest) > 0 {
		return 0, false
	}
	for _, c := range digits {
		exponent = exponent*10 + int(c-'0')
		if exponent > MaxExponent {
			return 0, false
		}
	}
	return sign * exponent, true
}

func appendCanonical(dst []byte, negative bool, whole, fraction []byte, exponent int) []byte {
	start := len(dst)
	if negative {
		dst = append(dst, '-')
	}
	digits := len(dst)
	for _, part := range [2][]byte{whole, fraction} {
		for _, c := range part {
			if c != '0' || len(dst) > digits {
				dst = append(dst, c)
			}
		}
	}
	if len(dst) == digits {
		return append(dst[:start], '0')
	}
	exponent -= len(fraction)
	for dst[len(dst)-1] == '0' {
		dst = dst[:len(dst)-1]
		exponent++
	}
	if exponent != 0 {
		dst = strconv.AppendInt(append(dst, 'e'), int64(exponent), 10)
	}
	return dst
}
