package event

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// Reason says why a body was refused. The set is closed.
type Reason string

// The reasons.
const (
	Syntax      Reason = "syntax"
	Duplicate   Reason = "duplicate member"
	TooDeep     Reason = "too deep"
	NotObject   Reason = "not an object"
	NoType      Reason = "no event type"
	TypeNotText Reason = "webhookEvent not a string"
)

// Error is the refusal of a body, fit to be shown to whoever published it.
type Error struct {
	// Offset is the byte at which, or just after which, the fault was found.
	Offset int64

	// Pointer is the place in the document as a JSON Pointer (RFC 6901), "" for the root, where
	// the place is not known, and where the pointer has more than 200 bytes.
	Pointer string

	Reason Reason
	detail string
}

// Error says what is wrong, where, and what to do about it.
func (e *Error) Error() string {
	where := fmt.Sprintf("byte %d", e.Offset)
	if e.Pointer != "" {
		where += " (" + e.Pointer + ")"
	}
	return "event: " + string(e.Reason) + " at " + where + ": " + e.advice()
}

func (e *Error) advice() string {
	switch e.Reason {
	case Syntax:
		return e.detail + "; send one JSON object in UTF-8, as RFC 8259 defines it, and nothing after it"
	case Duplicate:
		return "the object has two members of this name; send each name once"
	case TooDeep:
		return fmt.Sprintf("objects and arrays are nested more than %d levels; send a flatter body", MaxDepth)
	case NotObject:
		return "the body is a JSON value of another kind; send an object with a webhookEvent member"
	case NoType:
		return `the root object names no event; add "webhookEvent" with the name of the event type`
	default:
		return "the event type has another JSON kind; send its name as a string"
	}
}

// Refuse turns an error of package jsontext about a body of size bytes, none of Jira's, into the refusal of that body:
// for [Syntax] or [Duplicate].
func Refuse(err error, size int) *Error {
	e := syntaxError(err, size)
	if errors.Is(err, jsontext.ErrDuplicateName) {
		e.Reason = Duplicate
	}
	return e
}

// pointerLimit is the longest pointer that an error carries, in bytes. Whoever sends a body chooses the names in
// it, so without a limit an answer or a log line could be as long as the body.
const pointerLimit = 200

// pointer returns the pointer for an error: none where it is too long.
func pointer(p jsontext.Pointer) string {
	if len(p) > pointerLimit {
		return ""
	}
	return string(p)
}

// syntaxError translates what the decoder says. Everything it can say of a body in memory is a
// breach of the grammar.
func syntaxError(err error, size int) *Error {
	e := &Error{Offset: int64(size), Reason: Syntax, detail: "the body ends too early"}
	var syntactic *jsontext.SyntacticError
	if !errors.As(err, &syntactic) {
		return e
	}
	e.Offset, e.Pointer = syntactic.ByteOffset, pointer(syntactic.JSONPointer)
	if !errors.Is(syntactic.Err, io.ErrUnexpectedEOF) {
		e.detail = syntactic.Err.Error()
	}
	return e
}

const whiteSpace = " \t\r\n"

// trailing refuses anything but white space after the end of what a body is: an object, or an array.
func trailing(body []byte, end int, kind string) *Error {
	rest := body[end:]
	after := bytes.TrimLeft(rest, whiteSpace)
	if len(after) == 0 {
		return nil
	}
	return &Error{
		Offset: int64(end + len(rest) - len(after)),
		Reason: Syntax,
		detail: "there is text after the end of the root " + kind,
	}
}
