package jql

import "unicode/utf8"

// plain tells whether r may stand unquoted in a string. The classes are those of the lexer in
// Atlassian's published parser: letters, digits, "_", "`", "-", ".", ":" and everything from U+00A0 up
// except noncharacters.
func plain(r rune) bool {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
		return true
	case r < 0xA0:
		return r == '_' || r == '`' || r == '-' || r == '.' || r == ':'
	}
	return !nonCharacter(r)
}

// control tells whether r must be escaped even inside quotes. A line break may stand there as it is.
func control(r rune) bool {
	switch {
	case r == '\n' || r == '\r':
		return false
	case r < ' ', 0x7F <= r && r <= 0x9F:
		return true
	}
	return nonCharacter(r)
}

func nonCharacter(r rune) bool {
	return 0xFDD0 <= r && r <= 0xFDEF || r == 0xFFFE || r == 0xFFFF
}

func space(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// blank tells whether text is nothing but whitespace. Other characters that look empty, such as U+00A0,
// are plain.
func blank(text string) bool {
	for i := range len(text) {
		if !space(text[i]) {
			return false
		}
	}
	return true
}

// isWord tells whether text can be written without quotes and still be read as a string: plain
// throughout, and neither a number nor a word with a meaning of its own.
func isWord(text string) bool {
	if text == "" || !utf8.ValidString(text) {
		return false
	}
	for _, r := range text {
		if !plain(r) {
			return false
		}
	}
	return wordType(text) == tokString
}

// isInteger tells whether text has the form of a number token: digits, perhaps after a minus.
func isInteger(text string) bool {
	if text != "" && text[0] == '-' {
		text = text[1:]
	}
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
	}
	return text != ""
}
