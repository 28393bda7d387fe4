package jql

import "bytes"

// Change is one item of a changelog: texts without JSON escapes, nil for null or a missing member. IDs are the
// members from and to, names are fromString and toString, accounts are tmpFromAccountId and tmpToAccountId, where
// bodies of Jira Cloud have the accountId of a user whose older name stands as the id. A number counts as its literal.
type Change struct {
	FromID, FromName, FromAccount []byte
	ToID, ToName, ToAccount       []byte
}

// Change adds the terms that an item of a changelog has under the aspect [ChangedFrom], [ChangedTo] or
// [ChangedBoth] of its field. The aspect [Changes] has none.
func (t *Terms) Change(k Kind, a Aspect, c *Change) {
	if a == ChangedFrom || a == ChangedBoth {
		t.from.reset()
		t.changed(&t.from, k, c.FromID, c.FromName, c.FromAccount)
	}
	if a == ChangedTo || a == ChangedBoth {
		t.to.reset()
		t.changed(&t.to, k, c.ToID, c.ToName, c.ToAccount)
	}
	switch a {
	case ChangedFrom:
		t.addAll(&t.from)
	case ChangedTo:
		t.addAll(&t.to)
	case ChangedBoth:
		for i := range t.from.ends {
			for j := range t.to.ends {
				t.emit(AppendChangeTerm(t.buf[:0], t.from.at(i), t.to.at(j)))
			}
		}
	}
}

func (t *Terms) addAll(l *termList) {
	for i := range l.ends {
		t.Add(l.at(i))
	}
}

// Labels of a changelog stand with blanks between them, sprints with commas.
var (
	labelMark = []byte(" ")
	listMark  = []byte(", ")
)

// changed lists the terms of an old or new value. What is missing has the empty term; a value that no operand
// could name, such as that of a user of whom only the display name is known, has none.
func (t *Terms) changed(l *termList, k Kind, id, name, account []byte) {
	if len(id) == 0 && len(name) == 0 {
		l.add(l.text)
		return
	}
	switch k {
	case KindUser:
		l.addTerm(k, id)
		l.addTerm(k, account)
	case KindExact:
		l.addEach(k, name, labelMark)
	case KindSprint:
		for _, text := range [2][]byte{name, id} {
			l.addTerm(k, text)
			if bytes.Contains(text, listMark) {
				l.addEach(k, text, listMark)
			}
		}
	case KindNumber:
		if !l.addNumber(name) {
			l.addNumber(id)
		}
	case KindDate:
		if !t.addDate(l, id) {
			t.addDate(l, name)
		}
	case KindText:
		l.addTerm(k, name)
	case KindAny:
		for _, text := range [2][]byte{name, id} {
			l.addTerm(k, text)
			l.addNumber(text)
		}
	default:
		l.addTerm(k, name)
		l.addTerm(k, id)
	}
}

func (t *Terms) addDate(l *termList, text []byte) bool {
	at, ok := parseEventDate(text, t.zone())
	if ok {
		l.add(AppendDateTerm(l.text, at))
	}
	return ok
}

// termList is a list of terms, one behind the other.
type termList struct {
	text []byte
	ends []int
}

func (l *termList) reset() { l.text, l.ends = l.text[:0], l.ends[:0] }

// add makes a term of what text has more than the list had before.
func (l *termList) add(text []byte) {
	l.text = text
	l.ends = append(l.ends, len(text))
}

func (l *termList) at(i int) []byte {
	start := 0
	if i > 0 {
		start = l.ends[i-1]
	}
	return l.text[start:l.ends[i]]
}

// addTerm adds the term of a text, if there is one.
func (l *termList) addTerm(k Kind, text []byte) {
	if len(text) > 0 {
		l.add(k.AppendTerm(l.text, text))
	}
}

// maxPieces bounds the labels and sprints of one old or new value that count. [ChangedBoth] has a term for each
// pair of them, so that without a bound an event of a megabyte could have more than any matcher gets through.
const maxPieces = 64

// addEach adds the terms of what stands between separators.
func (l *termList) addEach(k Kind, text []byte, separator []byte) {
	for n := 0; len(text) > 0 && n < maxPieces; n++ {
		var piece []byte
		piece, text, _ = bytes.Cut(text, separator)
		l.addTerm(k, piece)
	}
}

func (l *termList) addNumber(text []byte) bool {
	term, ok := AppendNumberTerm(l.text, text)
	if ok {
		l.add(term)
	}
	return ok
}

func (l *termList) trim() {
	if cap(l.text) > largestKept {
		l.text = nil
	}
	if cap(l.ends) > largestKept/8 {
		l.ends = nil
	}
}
