package event

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
)

// Elements returns the elements of a body that is a JSON array of bodies, as parts of it. Of them it checks no more than
// the grammar; what is wrong with one beyond that is no fault of the others. It stops at one element more than most, and
// what follows is not read then. A refusal is an [*Error].
func Elements(body []byte, most int) ([][]byte, error) {
	dec := jsontext.NewDecoder(bytes.NewBuffer(body), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if _, err := dec.ReadToken(); err != nil {
		return nil, syntaxError(err, len(body))
	}
	var list [][]byte
	for dec.PeekKind() != ']' {
		text, err := dec.ReadValue()
		if err != nil {
			return nil, syntaxError(err, len(body))
		}
		end := int(dec.InputOffset())
		list = append(list, body[end-len(text):end])
		if len(list) > most {
			return list, nil
		}
	}
	if _, err := dec.ReadToken(); err != nil {
		return nil, syntaxError(err, len(body))
	}
	if err := trailing(body, int(dec.InputOffset()), "array"); err != nil {
		return nil, err
	}
	return list, nil
}
