package event

import (
	"bytes"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// refusal says what is wrong with a body that a scan refused. A scan knows only that something is; to note where it
// stands at every step would cost the many good bodies more than a second reading costs the few bad ones.
func refusal(body []byte) *Error {
	dec := jsontext.NewDecoder(bytes.NewBuffer(body))
	for {
		kind := dec.PeekKind()
		switch {
		case dec.StackDepth() == 0 && kind != '{' && kind != jsontext.KindInvalid:
			return &Error{Reason: NotObject}
		case dec.StackDepth() == MaxDepth && (kind == '{' || kind == '['):
			return &Error{Offset: dec.InputOffset(), Pointer: pointer(dec.StackPointer()), Reason: TooDeep}
		}
		if err := readOn(dec, kind); err != nil {
			return misread(err, body)
		}
		if dec.StackDepth() == 0 {
			break
		}
	}
	if e := trailing(body, int(dec.InputOffset()), "object"); e != nil {
		return e
	}
	// Not to be reached: a scan refuses what the decoder does. Whatever it was, the body is refused.
	return syntaxError(io.ErrUnexpectedEOF, len(body))
}

// readOn reads the start or end of an object or array, or else a name or value as a whole.
func readOn(dec *jsontext.Decoder, kind jsontext.Kind) (err error) {
	switch kind {
	case '{', '}', '[', ']':
		_, err = dec.ReadToken()
	default:
		_, err = dec.ReadValue()
	}
	return err
}

// misread is Refuse for a body of Jira's; of two members of one name it shows the end of the second name.
func misread(err error, body []byte) *Error {
	e := Refuse(err, len(body))
	if e.Reason == Duplicate {
		l := lexer{text: body}
		e.Offset = int64(l.scalar(int(e.Offset)))
	}
	return e
}
