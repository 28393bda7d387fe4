package arcxp

import (
	"errors"
	"fmt"
	"maps"
	"net/textproto"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"hookline/engine/webhook"
)

// Bounds of what is registered, in bytes but for the number of headers. Headers and token go out with every request, and
// receivers commonly read 8 KiB of them.
const (
	maxSubscriber  = 255
	maxToken       = 4 << 10
	maxHeaders     = 50
	maxHeaderBytes = 4 << 10
)

// body is what POST and PATCH take. A member that is null counts as left out.
type body struct {
	Endpoint   *string            `json:"endpoint"`
	AuthToken  *string            `json:"authToken"`
	IsEnabled  *bool              `json:"isEnabled"`
	Headers    map[string]*string `json:"headers"`
	Subscriber *string            `json:"subscriber"`

	headers map[string]string // Headers, checked
}

// parse reads a request's body: one JSON object whose members are all known, so that a misspelt property is not taken
// for none. The error is fit for the client.
func parse(text []byte) (*body, error) {
	b := new(body)
	if err := json.Unmarshal(text, b, json.RejectUnknownMembers(true)); err != nil {
		return nil, readable(err)
	}
	if jsontext.Value(text).Kind() != '{' {
		return nil, errors.New("a JSON object is expected")
	}
	if err := b.checkTexts(); err != nil {
		return nil, err
	}
	return b, b.checkHeaders()
}

// readable says what is wrong with a body without repeating values of it, one of which may be a token.
func readable(err error) error {
	var syntactic *jsontext.SyntacticError
	var semantic *json.SemanticError
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName) && errors.As(err, &syntactic):
		return fmt.Errorf("the property %s is there twice", member(syntactic.JSONPointer))
	case errors.As(err, &syntactic):
		return fmt.Errorf("the JSON is malformed or incomplete at byte %d", syntactic.ByteOffset)
	case errors.Is(err, json.ErrUnknownName) && errors.As(err, &semantic):
		return fmt.Errorf("there is no property %s; the properties are endpoint, authToken, isEnabled, headers and subscriber", member(semantic.JSONPointer))
	case errors.As(err, &semantic) && semantic.JSONPointer != "":
		return fmt.Errorf("%s must not be of type %s", member(semantic.JSONPointer), semantic.JSONKind)
	case errors.As(err, &semantic):
		return errors.New("a JSON object is expected")
	}
	return errors.New("the JSON is malformed or incomplete")
}

// member names a place in a body. Who sends a body chooses its length.
func member(p jsontext.Pointer) string {
	if len(p) > 100 {
		return "with a name too long to repeat"
	}
	return strings.TrimPrefix(string(p), "/")
}

func (b *body) checkTexts() error {
	if b.AuthToken != nil {
		token := strings.TrimSpace(*b.AuthToken)
		b.AuthToken = &token
		switch {
		case token == "":
			return errors.New("authToken is empty")
		case len(token) > maxToken:
			return fmt.Errorf("authToken has %d bytes; at most %d are allowed", len(token), maxToken)
		case !visible(token):
			return errors.New("authToken has a character that no header may have; use visible ASCII characters and blanks")
		}
	}
	if b.Subscriber != nil {
		switch n := len(*b.Subscriber); {
		case n == 0:
			return errors.New("subscriber is empty")
		case n > maxSubscriber:
			return fmt.Errorf("subscriber has %d bytes; at most %d are allowed", n, maxSubscriber)
		}
	}
	return nil
}

func (b *body) checkHeaders() error {
	if b.Headers == nil {
		return nil
	}
	b.headers = make(map[string]string, len(b.Headers))
	if len(b.Headers) > maxHeaders {
		return fmt.Errorf("headers has %d entries; at most %d are allowed", len(b.Headers), maxHeaders)
	}
	seen, size := map[string]bool{}, 0
	for _, name := range slices.Sorted(maps.Keys(b.Headers)) {
		value := b.Headers[name]
		if value == nil {
			return fmt.Errorf("headers: the value of %s must be a string", shortened(name))
		}
		if err := checkHeader(name, *value); err != nil {
			return fmt.Errorf("headers: %w", err)
		}
		canonical := textproto.CanonicalMIMEHeaderKey(name)
		if seen[canonical] {
			return fmt.Errorf("headers names %s twice; upper and lower case are the same", shortened(canonical))
		}
		seen[canonical] = true
		size += len(name) + len(*value)
		b.headers[name] = *value
	}
	if size > maxHeaderBytes {
		return fmt.Errorf("headers has %d bytes of names and values; at most %d are allowed", size, maxHeaderBytes)
	}
	return nil
}

func shortened(name string) string { return name[:min(len(name), 100)] }

// checkHeader says why a webhook may not have a header sent with its notifications.
func checkHeader(name, value string) error {
	if strings.EqualFold(name, "Authorization") {
		return fmt.Errorf("%s may not be set: it is made of authToken", name)
	}
	return webhook.CheckHeader(name, value)
}

// visible says whether a text can be the value of a header as it is: a line feed in it would begin another header.
func visible(text string) bool {
	for _, c := range []byte(text) {
		if c != '\t' && (c < ' ' || c > '~') {
			return false
		}
	}
	return true
}

// missing names a property that a registration needs and has not.
func (b *body) missing() error {
	switch {
	case b.Endpoint == nil:
		return errors.New("endpoint is missing")
	case b.AuthToken == nil:
		return errors.New("authToken is missing")
	case b.Subscriber == nil:
		return errors.New("subscriber is missing")
	}
	return nil
}

// apply sets what a body has members for but the endpoint. secret is the token as it is kept, "" where there is none.
func (b *body) apply(s *webhook.Settings, secret string) {
	if b.IsEnabled != nil {
		s.Disabled = !*b.IsEnabled
	}
	if b.Subscriber != nil {
		s.Name = *b.Subscriber
	}
	if b.headers != nil {
		s.Headers = b.headers
	}
	if secret != "" {
		s.Secret = secret
	}
}
