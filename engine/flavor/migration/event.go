package migration

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"hookline/engine/flavor"
	"hookline/engine/registry"
	"hookline/engine/webhook"
)

// Read implements flavor.Reader. An event names its app by cloudAppKey and its type by eventType. The types are not
// bound to a list, as the platform announces new ones with attributes of their own: all but these two, and messageId
// where there is one, is handed on as it is, byte for byte.
//
// An event without messageId gets one, which is the same for all endpoints and attempts. The event of an app that is
// not known is for no webhook.
func (f *Flavor) Read(body []byte, tenant *webhook.Tenant, r *registry.Registry, now time.Time) (flavor.Reading, error) {
	m, err := parse(body)
	if err != nil {
		return flavor.Reading{}, err
	}
	reading := flavor.Reading{Type: m.eventType, Body: bytes.Trim(body, whiteSpace)}
	all, err := registered(r, tenant, m.appKey)
	if err != nil {
		return flavor.Reading{}, err
	}
	for _, w := range all {
		if !w.Disabled() && !w.Expired(now) {
			reading.Webhooks = append(reading.Webhooks, w)
		}
	}
	if m.id == "" && len(reading.Webhooks) > 0 {
		reading.Body = withID(reading.Body)
	}
	return reading, nil
}

// registered returns the webhooks of an app: those that it sent, and that of its descriptor unless it sent the same URL.
func registered(r *registry.Registry, tenant *webhook.Tenant, app string) ([]*webhook.Webhook, error) {
	owner := webhook.Owner{Tenant: tenant.ID, App: app}
	list, err := r.List(owner, Name)
	if err != nil {
		return nil, err
	}
	ofDescriptor, err := r.List(owner, DescriptorName)
	if err != nil {
		return nil, err
	}
	declared := regional(ofDescriptor, tenant.Region)
	if declared == nil || slices.ContainsFunc(list, func(w *webhook.Webhook) bool { return w.URL == declared.URL }) {
		return list, nil
	}
	return append(list, declared), nil
}

// message is what is read of an event.
type message struct{ eventType, appKey, id string }

const whiteSpace = " \t\r\n"

// parse reads the root members that the engine acts on, and checks the grammar of all that is left.
func parse(body []byte) (message, error) {
	var m message
	dec := jsontext.NewDecoder(bytes.NewBuffer(body))
	if kind := dec.PeekKind(); kind != '{' && kind != 0 {
		return m, invalid("the body is a JSON value of another kind; send an object with eventType and cloudAppKey")
	}
	if _, err := dec.ReadToken(); err != nil {
		return m, syntax(err)
	}
	for dec.PeekKind() == '"' {
		name, err := dec.ReadToken()
		if err != nil {
			return m, syntax(err)
		}
		if err := m.member(dec, name.String()); err != nil {
			return m, err
		}
	}
	if _, err := dec.ReadToken(); err != nil { // the end of the object, or what is there in its place
		return m, syntax(err)
	}
	if _, err := dec.ReadToken(); !errors.Is(err, io.EOF) {
		return m, invalid("there is more after the event; send one JSON object")
	}
	switch {
	case m.eventType == "":
		return m, invalid("eventType is missing; send the type of the event, such as app-data-uploaded")
	case m.appKey == "":
		return m, invalid("cloudAppKey is missing; send the key of the app that the event is for")
	}
	return m, nil
}

// member reads the value of one root member.
func (m *message) member(dec *jsontext.Decoder, name string) error {
	var into *string
	switch name {
	case "eventType":
		into = &m.eventType
	case "cloudAppKey":
		into = &m.appKey
	case "messageId":
		into = &m.id
	default:
		if err := dec.SkipValue(); err != nil {
			return syntax(err)
		}
		return nil
	}
	value, err := dec.ReadToken()
	if err != nil {
		return syntax(err)
	}
	if value.Kind() != '"' || value.String() == "" {
		return invalid("%s must be a string that is not empty", name)
	}
	*into = value.String()
	return nil
}

func invalid(format string, args ...any) error {
	return &webhook.InvalidError{Problem: "event: " + fmt.Sprintf(format, args...)}
}

func syntax(err error) error {
	var s *jsontext.SyntacticError
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName):
		errors.As(err, &s)
		return invalid("an object has two members of one name at byte %d; send each name once", s.ByteOffset)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), !errors.As(err, &s):
		return invalid("the body ends too early; send one JSON object")
	}
	return invalid("%v at byte %d; send one JSON object in UTF-8, as RFC 8259 defines it", s.Err, s.ByteOffset)
}

// withID returns an event with a messageId as its last member.
func withID(body []byte) []byte {
	head := bytes.TrimSuffix(body, []byte("}"))
	return append(head[:len(head):len(head)], `,"messageId":"`+newID()+`"}`...)
}

// newID makes a random UUID (RFC 9562, version 4).
func newID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
