package jql

// Kind tells how the JSON value of a field becomes terms, and which operators the field has.
//
// The same rules hold for all kinds: null, a missing member, an empty string and an empty array are no
// value; an array stands for its elements, of which every one counts; a string or number where an
// object is expected counts as its name. What is left, such as an object without the members in
// question, is a value that equals nothing.
type Kind uint8

const (
	// KindIssue is an issue: its key or id. Keys of one project are in the order of their numbers.
	KindIssue Kind = iota + 1
	// KindProject is a project: its key, name or id.
	KindProject
	// KindNamed is an object with a name and an id, such as a status, a version or a component.
	KindNamed
	// KindUser is a user: the accountId and nothing else; where there is none, as in the bodies of
	// Jira Server, the key or name. Case matters. Under the aspect [Names]: the display name.
	KindUser
	// KindLink is a reference to an issue: a key as a string, an id, or an object that holds them.
	KindLink
	// KindProperty is the value of an entity property, which compares by its JSON type.
	KindProperty
	// KindExact is a string in which case matters, such as a label.
	KindExact
	// KindOption is a choice of a select list: its value or id, and those of the child of a cascading
	// one.
	KindOption
	// KindSprint is a sprint: its name or id, also out of the text that older sites write for one.
	KindSprint
	// KindNumber is a number, which has an order.
	KindNumber
	// KindDate is a date or a moment, which has an order.
	KindDate
	// KindText is text to search in.
	KindText
	// KindAny is a custom field of unknown kind: whatever its value looks like. Texts compare without
	// regard to case, numbers as numbers.
	KindAny
)

// kindNames are the names of the kinds that a custom field may be declared to have.
var kindNames = map[Kind]string{
	KindUser: "user", KindNamed: "named", KindProject: "project", KindLink: "issue", KindExact: "labels",
	KindOption: "option", KindSprint: "sprint", KindNumber: "number", KindDate: "date", KindText: "text",
}

var (
	keyID     = []string{"key", "id"}
	keyNameID = []string{"key", "name", "id"}
	nameID    = []string{"name", "id"}
	accountID = []string{"accountId"}
	keyName   = []string{"key", "name"}
	option    = []string{"value", "id", "child.value", "child.id"}
	anyMember = []string{"value", "name", "key", "id", "accountId", "child.value", "child.id"}
)

// Members lists the members of an object that it may be called by, each with a term of its own; a dot
// leads into an object inside. Fallback lists those that count only if none of the first has a value.
// KindProperty, KindExact, KindNumber, KindDate and KindText have neither. The slices are shared and must not be
// changed.
func (k Kind) Members() (members, fallback []string) {
	switch k {
	case KindIssue, KindLink:
		return keyID, nil
	case KindProject:
		return keyNameID, nil
	case KindNamed, KindSprint:
		return nameID, nil
	case KindUser:
		return accountID, keyName
	case KindOption:
		return option, nil
	case KindAny:
		return anyMember, nil
	}
	return nil, nil
}

// kindOperators is what [Kind.Operators] answers.
var kindOperators = [...][]Op{
	KindIssue:    {Eq, Ne, Less, Greater, LessEq, GreaterEq, In, NotIn, Is, IsNot},
	KindProject:  equalityOps,
	KindNamed:    equalityOps,
	KindUser:     equalityOps,
	KindLink:     equalityOps,
	KindProperty: {Eq, Ne, Like, NotLike, Less, Greater, LessEq, GreaterEq, In, NotIn, Is, IsNot},
	KindExact:    equalityOps,
	KindOption:   equalityOps,
	KindSprint:   equalityOps,
	KindNumber:   orderOps,
	KindDate:     orderOps,
	KindText:     {Like, NotLike, Is, IsNot, Changed},
	KindAny:      {Eq, Ne, Like, NotLike, Less, Greater, LessEq, GreaterEq, In, NotIn, Is, IsNot, Changed},
}

var (
	equalityOps = []Op{Eq, Ne, In, NotIn, Is, IsNot, Changed}
	orderOps    = []Op{Eq, Ne, Less, Greater, LessEq, GreaterEq, In, NotIn, Is, IsNot, Changed}
)

// Operators lists the operators of fields of this kind, in the order of their declaration. CHANGED is among
// them where the changelog may have such a field; one without [FieldInfo.History] lacks it all the same. The
// field priority has <, >, <= and >= as well where [Env.Priorities] gives the order. The slice is shared and must
// not be changed.
func (k Kind) Operators() []Op {
	if int(k) < len(kindOperators) {
		return kindOperators[k]
	}
	return nil
}

// String is the name under which a custom field is declared to be of this kind, and "" for kinds that
// none can be.
func (k Kind) String() string { return kindNames[k] }

// ParseKind finds the kind of a name that [Kind.String] gives: user, named, project, issue, labels, option,
// sprint, number, date, text.
func ParseKind(name string) (Kind, bool) {
	for k, n := range kindNames {
		if n == name {
			return k, true
		}
	}
	return 0, false
}

// AppendTerm appends the term of a text by which a value is called.
func (k Kind) AppendTerm(dst, text []byte) []byte {
	switch k {
	case KindUser, KindExact:
		return append(dst, text...)
	case KindProperty:
		return AppendStringTerm(dst, text)
	case KindAny:
		return FoldTerm(append(dst, stringMark), text)
	}
	return FoldTerm(dst, text)
}
