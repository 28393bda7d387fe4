package event

import "hookline/jql"

// changeMembers are noted: what an item is about may stand behind what it says.
var changeMembers = []string{"fieldId", "field", "from", "fromString", "to", "toString", "tmpFromAccountId", "tmpToAccountId"}

// change reads one item of a changelog, if it is an object. It speaks of the field that its fieldId says; only where
// it has none, as in the bodies of Jira Server, its field counts, which is a name for people.
func (s *Scanner) change(at int) int {
	var raw [8][]byte
	end := s.pick(at, changeMembers, raw[:])
	x := &s.scratch
	x.plain = x.plain[:0]
	about := x.said(raw[0])
	wants := s.plan.changes.byID[string(about)]
	if len(about) == 0 {
		about = x.said(raw[1])
		wants = s.plan.changes.byName[string(x.fold(about))]
	}
	if len(about) == 0 {
		return end
	}
	s.add(s.plan.changes.fields, about)
	if len(wants) == 0 {
		return end
	}
	item := jql.Change{
		FromID: x.written(raw[2]), FromName: x.written(raw[3]), ToID: x.written(raw[4]), ToName: x.written(raw[5]),
		FromAccount: x.written(raw[6]), ToAccount: x.written(raw[7]),
	}
	for i := range wants {
		w := &wants[i]
		s.present(w.slots)
		s.slots = w.slots
		s.terms.Change(w.kind, w.aspect, &item)
	}
	return end
}
