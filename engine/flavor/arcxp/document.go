package arcxp

import (
	"bytes"
	"errors"
	"io"

	"github.com/go-json-experiment/json/jsontext"

	"hookline/engine/event"
	"hookline/engine/webhook"
)

// document is what matters of a document that reached a status: {"tags": {"webhookSubscriber": ...}, "record": {...}}.
// Its slices are parts of the body.
type document struct {
	tagged     bool
	subscriber string

	record   []byte
	status   string
	statusAt [2]int // where the status is in record, quotes included

	// What tells the notification from others: the values as they are written, nil where there is none.
	id, updated []byte
}

// read reads a body. What is wrong with it is an *event.Error or a *webhook.InvalidError.
func read(body []byte) (*document, error) {
	r := &reader{dec: jsontext.NewDecoder(bytes.NewBuffer(body)), body: body}
	err := r.root()
	var bad *event.Error
	var invalid *webhook.InvalidError
	switch {
	case err == nil:
		return &r.document, nil
	case errors.As(err, &bad), errors.As(err, &invalid):
		return nil, err
	}
	return nil, event.Refuse(err, len(body))
}

// reader reads one body.
type reader struct {
	document
	dec  *jsontext.Decoder
	body []byte
}

func invalid(problem string) error { return &webhook.InvalidError{Problem: problem} }

func (r *reader) root() error {
	if err := r.object("the body", r.member); err != nil {
		return err
	}
	if _, err := r.dec.ReadToken(); err == nil {
		return invalid("there is text after the document; send several as an array, or one a line as application/x-ndjson")
	} else if !errors.Is(err, io.EOF) {
		return err
	}
	switch {
	case r.record == nil:
		return invalid(`the document has no record; add "record" with an object as Migration Center notifies it`)
	case r.statusAt[1] == 0:
		return invalid(`the record has no status; add "status" with its name`)
	}
	return nil
}

func (r *reader) member(name string) error {
	switch name {
	case "tags":
		if r.dec.PeekKind() == 'n' {
			return r.skip()
		}
		return r.object("tags", r.tag)
	case "record":
		return r.readRecord()
	}
	return r.skip()
}

func (r *reader) tag(name string) error {
	if name != "webhookSubscriber" || r.dec.PeekKind() == 'n' {
		return r.skip()
	}
	var err error
	r.tagged = true
	r.subscriber, _, err = r.text("tags.webhookSubscriber")
	return err
}

func (r *reader) readRecord() error {
	before := int(r.dec.InputOffset())
	if err := r.object("record", r.recordMember); err != nil {
		return err
	}
	end := int(r.dec.InputOffset())
	start := before + bytes.IndexByte(r.body[before:end], '{')
	r.record = r.body[start:end]
	if r.statusAt[1] > 0 {
		r.statusAt[0] -= start
		r.statusAt[1] -= start
	}
	return nil
}

func (r *reader) recordMember(name string) (err error) {
	switch name {
	case "status":
		var size int
		r.status, size, err = r.text("record.status")
		end := int(r.dec.InputOffset())
		r.statusAt = [2]int{end - size, end}
	case "id":
		r.id, err = r.scalar()
	case "updateDate":
		r.updated, err = r.scalar()
	default:
		err = r.skip()
	}
	return err
}

// object reads an object: member reads the value of each of its members.
func (r *reader) object(what string, member func(name string) error) error {
	switch r.dec.PeekKind() {
	case '{', jsontext.KindInvalid: // the token says what is invalid
	default:
		return invalid(what + " must be a JSON object")
	}
	if _, err := r.dec.ReadToken(); err != nil {
		return err
	}
	for r.dec.PeekKind() != '}' {
		name, err := r.dec.ReadToken()
		if err != nil {
			return err
		}
		if err := member(name.String()); err != nil {
			return err
		}
	}
	_, err := r.dec.ReadToken()
	return err
}

// text reads a string and returns what it says, and how many bytes it takes.
func (r *reader) text(what string) (string, int, error) {
	switch r.dec.PeekKind() {
	case '"', jsontext.KindInvalid:
	default:
		return "", 0, invalid(what + " must be a string")
	}
	raw, err := r.dec.ReadValue()
	if err != nil {
		return "", 0, err
	}
	text, err := jsontext.AppendUnquote(nil, raw)
	return string(text), len(raw), err
}

// scalar reads a value and returns it as it is written; nil for null, objects and arrays.
func (r *reader) scalar() ([]byte, error) {
	switch r.dec.PeekKind() {
	case '{', '[', 'n':
		return nil, r.skip()
	}
	raw, err := r.dec.ReadValue()
	end := int(r.dec.InputOffset())
	return r.body[end-len(raw) : end], err
}

// skip passes over a value.
func (r *reader) skip() error {
	for depth := r.dec.StackDepth(); ; {
		if _, err := r.dec.ReadToken(); err != nil {
			return err
		}
		switch now := r.dec.StackDepth(); {
		case now > event.MaxDepth:
			return &event.Error{Offset: r.dec.InputOffset(), Reason: event.TooDeep}
		case now <= depth:
			return nil
		}
	}
}
