package jql

// Kind tells how the JSON value of a field becomes terms.
//
// The same rules hold for all kinds: null, a missing member, an empty string and an empty array are no
// value; an array stands for its elements, of which every one counts; a string or number where an
// object is expected counts as its name. What is left, such as an object without the members in
// question, is a value that equals nothing.
type Kind uint8

const (
	// KindIssue is an issue: its key or id.
	KindIssue Kind = iota + 1
	// KindProject is a project: its key, name or id.
	KindProject
	// KindNamed is an object with a name and an id, such as a status.
	KindNamed
	// KindUser is a user: the accountId and nothing else; where there is none, as in the bodies of
	// Jira Server, the key or name. Case matters.
	KindUser
	// KindLink is a reference to an issue: a key as a string, an id, or an object that holds them.
	KindLink
	// KindProperty is the value of an entity property, which compares by its JSON type.
	KindProperty
)

var (
	keyID     = []string{"key", "id"}
	keyNameID = []string{"key", "name", "id"}
	nameID    = []string{"name", "id"}
	accountID = []string{"accountId"}
	keyName   = []string{"key", "name"}
)

// Members lists the members of an object that it may be called by, each with a term of its own.
// Fallback lists those that count only if none of the first has a value. A KindProperty has neither.
// The slices are shared and must not be changed.
func (k Kind) Members() (members, fallback []string) {
	switch k {
	case KindIssue, KindLink:
		return keyID, nil
	case KindProject:
		return keyNameID, nil
	case KindNamed:
		return nameID, nil
	case KindUser:
		return accountID, keyName
	}
	return nil, nil
}

// AppendTerm appends the term of a member's text, or of a plain string or the literal of a number in
// place of an object: the text as it is for users, folded ([FoldTerm]) otherwise. It does not apply to
// KindProperty.
func (k Kind) AppendTerm(dst, text []byte) []byte {
	if k == KindUser {
		return append(dst, text...)
	}
	return FoldTerm(dst, text)
}

// operandTerms are the terms of an operand's text.
func (k Kind) operandTerms(text string) []string {
	if k == KindProperty {
		return TypedTerms(text)
	}
	return []string{string(k.AppendTerm(nil, []byte(text)))}
}
