package inspect

import (
	"cmp"
	"encoding/json"
	"errors"
	"strconv"
)

// ID names a filter in a set: an integer or a string, and the same in JSON. It is comparable.
type ID struct {
	text    string
	number  int64
	integer bool
}

// String is the id as JSON writes it.
func (id ID) String() string {
	if id.integer {
		return strconv.FormatInt(id.number, 10)
	}
	return strconv.Quote(id.text)
}

// Text is the id as people read it, without quotes.
func (id ID) Text() string {
	if id.integer {
		return strconv.FormatInt(id.number, 10)
	}
	return id.text
}

// Compare orders ids: numbers first, then strings by their bytes.
func (id ID) Compare(other ID) int {
	if id.integer != other.integer {
		if id.integer {
			return -1
		}
		return 1
	}
	return cmp.Or(cmp.Compare(id.number, other.number), cmp.Compare(id.text, other.text))
}

// MarshalJSON implements json.Marshaler.
func (id ID) MarshalJSON() ([]byte, error) {
	if id.integer {
		return json.Marshal(id.number)
	}
	return json.Marshal(id.text)
}

// UnmarshalJSON implements json.Unmarshaler.
func (id *ID) UnmarshalJSON(text []byte) error {
	*id = ID{}
	if text[0] == '"' {
		return json.Unmarshal(text, &id.text)
	}
	if json.Unmarshal(text, &id.number) != nil {
		return errors.New("id is neither a string nor an integer of 64 bits")
	}
	id.integer = true
	return nil
}
