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

	// Pointer is the place in the document as a JSON Pointer (RFC 6901), "" for the root or where
	// the place is not known.
	Pointer string

	Reason Reason
	detail string
}

// Error says what is wrong, where, and what to do about it.
func (e *Error) Error() string {
	where := fmt.Sprintf("byte %d", e.Offset)
	if e.Pointer != "" {
		where += " (" + shorten(e.Pointer) + ")"
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

// pointerLimit is how much of a pointer an error's text shows, in bytes.
const pointerLimit = 200

// shorten keeps a hostile pointer from filling a log line.
func shorten(pointer string) string {
	if len(pointer) <= pointerLimit {
		return pointer
	}
	return string(bytes.ToValidUTF8([]byte(pointer[:pointerLimit]), nil)) + "..."
}

// syntaxError translates what the decoder says. Everything it can say of a body in memory is a
// breach of the grammar.
func syntaxError(err error, size int) *Error {
	e := &Error{Offset: int64(size), Reason: Syntax, detail: "the body ends too early"}
	var syntactic *jsontext.SyntacticError
	if !errors.As(err, &syntactic) {
		return e
	}
	e.Offset, e.Pointer = syntactic.ByteOffset, string(syntactic.JSONPointer)
	if !errors.Is(syntactic.Err, io.ErrUnexpectedEOF) {
		e.detail = syntactic.Err.Error()
	}
	return e
}
