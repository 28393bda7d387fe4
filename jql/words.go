package jql

import "strings"

// keywords are the words with a place in the grammar. None of them may stand unquoted as a name or
// value.
var keywords = map[string]tokenType{
	"in": tokIn, "is": tokIs, "and": tokAnd, "or": tokOr, "not": tokNot, "empty": tokEmpty, "null": tokEmpty,
	"was": tokWas, "changed": tokChanged, "before": tokBefore, "after": tokAfter, "from": tokFrom,
	"to": tokTo, "on": tokOn, "during": tokDuring, "order": tokOrder, "by": tokBy, "asc": tokAsc,
	"desc": tokDesc, "cf": tokCf,
}

// reserved are the words that Jira keeps for itself without giving them a meaning. The list is that of
// Atlassian's published parser, plus "all" from the server's.
var reserved = wordSet(`
	abort access add alias all alter any as audit avg begin between boolean break byte catch char
	character check checkpoint collate collation column commit connect continue count create current
	date decimal declare decrement default defaults define delete delimiter difference distinct divide
	do double drop else encoding end equals escape exclusive exec execute exists explain false fetch
	field file first float for function go goto grant greater group having identified if immediate
	increment index initial inner inout input insert int integer intersect intersection into isempty
	isnull join last left less like limit lock long max min minus mode modify modulo more multiply next
	noaudit notin nowait number object of option outer output power previous prior privileges public
	raise raw remainder rename resource return returns revoke right row rowid rownum rows select session
	set share size sqrt start strict string subtract sum synonym table then trans transaction trigger
	true uid union unique update user validate values view when whenever where while with`)

func wordSet(list string) map[string]bool {
	set := make(map[string]bool)
	for _, word := range strings.Fields(list) {
		set[word] = true
	}
	return set
}

// longestWord bounds the words that are looked up: "intersection" and "noncharacters" beyond it are
// names. A test holds it against the two lists.
const longestWord = 12

// wordType classifies a run of plain characters: a number, a keyword, a reserved word (tokIllegal) or
// a string. Case does not matter.
func wordType(text string) tokenType {
	if isInteger(text) {
		return tokNumber
	}
	if len(text) > longestWord {
		return tokString
	}
	var buf [longestWord]byte
	lower := buf[:0]
	for i := range len(text) {
		c := text[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		lower = append(lower, c)
	}
	if t, ok := keywords[string(lower)]; ok {
		return t
	}
	if reserved[string(lower)] {
		return tokIllegal
	}
	return tokString
}
