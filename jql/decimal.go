package jql

import (
	"bytes"
	"strconv"
)

// MaxExponent bounds the exponent of numbers that take part in comparisons. It is far beyond what
// JSON documents hold (a double ends near 308), and keeps 1e999999999 from costing anything.
const MaxExponent = 1000

// appendDecimal appends the canonical form of a decimal number, the same for 1500, 1.5e3 and 01500.0 and in
// the order of numbers when compared byte by byte (see [appendMagnitude]); every zero becomes "0". It reports
// false for anything else than [-] digits [. digits] [e [sign] digits].
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
	whole = bytes.TrimLeft(whole, "0")
	point := len(whole) // the value is 0.digits times ten to the power of point
	if point == 0 {
		significant := bytes.TrimLeft(fraction, "0")
		point, fraction = len(significant)-len(fraction), significant
	}
	if fraction = bytes.TrimRight(fraction, "0"); len(fraction) == 0 {
		whole = bytes.TrimRight(whole, "0")
	}
	if len(whole)+len(fraction) == 0 {
		return append(dst, '0')
	}
	if !negative {
		return append(append(appendMagnitude(dst, point+exponent), whole...), fraction...)
	}
	dst = append(dst, '-')
	start := len(dst)
	dst = append(append(appendMagnitude(dst, point+exponent), whole...), fraction...)
	for i, c := range dst[start:] {
		dst[start+i] = mirrored(c)
	}
	return append(dst, lastOfNegative)
}

// lastOfNegative ends the digits of a negative number. It comes after every digit, since of two numbers that
// begin alike the longer one is further from zero.
const lastOfNegative = '~'

// appendMagnitude appends a power of ten so that greater ones come later: its number of digits as a letter from "a"
// on, then the digits, as in "a4" and "b12". Those that are not positive come before, as mirror images: "Z9" is 0,
// "Y87" is -12.
func appendMagnitude(dst []byte, power int) []byte {
	start := len(dst)
	dst = strconv.AppendInt(append(dst, 'a'), int64(max(power, -power)), 10)
	dst[start] += byte(len(dst) - start - len("a0"))
	if power > 0 {
		return dst
	}
	for i, c := range dst[start:] {
		dst[start+i] = mirrored(c)
	}
	return dst
}

// mirrored turns the order of digits round, and that of the letters of [appendMagnitude].
func mirrored(c byte) byte {
	if c <= '9' {
		return '0' + '9' - c
	}
	return 'a' + 'Z' - c
}
