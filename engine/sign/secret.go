package sign

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// ErrNoSecret means that there is no secret to sign or verify with, or that it is empty: anyone can make the
// signatures of an empty secret.
var ErrNoSecret = errors.New("sign: no secret")

const redacted = "[redacted]"

// Secret is a text that is not to be seen: what signatures are made with, and keys. No way of printing, logging or
// encoding it gives its content; [Secret.Reveal] does. The zero Secret is empty. Secrets are compared with
// [Secret.Equal].
//
// It can be encoded, to keep dumps of configuration working, but not decoded: what comes back would be the
// placeholder. To store one, seal it with a [Keyring].
type Secret struct {
	// fmt calls no methods of values in unexported fields of others. There it follows a pointer to a slice when
	// the verb does not suit it, and never a pointer to a pointer.
	content **[]byte
	_       [0]func() // == would compare pointers
}

// NewSecret makes a Secret of a text, which is used as the key of signatures byte for byte.
func NewSecret(text string) Secret {
	if text == "" {
		return Secret{}
	}
	key := []byte(text)
	content := &key
	return Secret{content: &content}
}

// Reveal returns the content.
func (s Secret) Reveal() string { return string(s.key()) }

// key returns the content without copying it. It must not be changed.
func (s Secret) key() []byte {
	if s.content == nil {
		return nil
	}
	return **s.content
}

// IsZero says whether the secret is empty.
func (s Secret) IsZero() bool { return s.content == nil }

// Equal compares two secrets, in a time that depends on their lengths only.
func (s Secret) Equal(other Secret) bool {
	return subtle.ConstantTimeCompare(s.key(), other.key()) == 1
}

// String returns a placeholder, as do the methods below.
func (s Secret) String() string { return redacted }

// GoString is for %#v.
func (s Secret) GoString() string { return redacted }

// Format is for every verb of fmt.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue is for log/slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON is for JSON.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// MarshalText is for YAML, XML and whatever else takes texts.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
