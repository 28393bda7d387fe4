package sign

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strings"
)

// Prefixes by which secrets of Standard Webhooks say what they are. Behind them is base64, in the standard alphabet and
// with padding.
const (
	sharedPrefix  = "whsec_" // the same random bytes on both sides
	privatePrefix = "whsk_"  // an Ed25519 private key: seed and public key, as RFC 8032 libraries keep it, or the seed alone
	publicPrefix  = "whpk_"  // an Ed25519 public key
)

// Bounds of a shared secret, in bytes.
const (
	minShared = 24
	maxShared = 64
	newShared = 32
)

// Key makes or checks signatures of Standard Webhooks: a shared secret for v1, a private key for v1a, or a public key,
// which verifies v1a only. The zero Key is none. Like a [Secret] it never prints what is to be kept.
type Key struct {
	shared  Secret // decoded
	private Secret // seed and public key
	public  ed25519.PublicKey
}

// ParseKey reads a key in its serialisation: whsec_ of 24 to 64 bytes, whsk_ or whpk_. The error is [ErrKey], or
// [ErrNoSecret] for none, and repeats nothing of the text.
func ParseKey(text Secret) (Key, error) {
	if text.IsZero() {
		return Key{}, ErrNoSecret
	}
	prefix, encoded, _ := strings.Cut(text.Reveal(), "_")
	raw, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil {
		return Key{}, fmt.Errorf("%w: behind the prefix, base64 with padding is expected", ErrKey)
	}
	switch prefix + "_" {
	case sharedPrefix:
		if len(raw) < minShared || len(raw) > maxShared {
			return Key{}, fmt.Errorf("%w: %s has %d bytes; use %d to %d", ErrKey, sharedPrefix, len(raw), minShared, maxShared)
		}
		return Key{shared: NewSecret(string(raw))}, nil
	case privatePrefix:
		return privateKey(raw)
	case publicPrefix:
		if len(raw) != ed25519.PublicKeySize {
			return Key{}, fmt.Errorf("%w: %s has %d bytes; a public key has %d", ErrKey, publicPrefix, len(raw), ed25519.PublicKeySize)
		}
		return Key{public: raw}, nil
	}
	return Key{}, fmt.Errorf("%w: it has to begin with %s, %s or %s", ErrKey, sharedPrefix, privatePrefix, publicPrefix)
}

func privateKey(raw []byte) (Key, error) {
	if len(raw) != ed25519.SeedSize && len(raw) != ed25519.PrivateKeySize {
		return Key{}, fmt.Errorf("%w: %s has %d bytes; a private key has %d, or %d with its public key", ErrKey, privatePrefix, len(raw), ed25519.SeedSize, ed25519.PrivateKeySize)
	}
	private := ed25519.NewKeyFromSeed(raw[:ed25519.SeedSize])
	if len(raw) == ed25519.PrivateKeySize && !bytes.Equal(raw, private) {
		return Key{}, fmt.Errorf("%w: the public key in %s is that of another private key", ErrKey, privatePrefix)
	}
	return Key{private: NewSecret(string(private)), public: ed25519.PublicKey(private[ed25519.SeedSize:])}, nil
}

// NewShared makes a shared secret of 32 random bytes, whsec_ and base64.
func NewShared() Secret {
	raw := make([]byte, newShared)
	_, _ = rand.Read(raw) // it does not fail: package rand
	return NewSecret(sharedPrefix + base64.StdEncoding.EncodeToString(raw))
}

// NewPrivate makes an Ed25519 key pair at random: whsk_ and base64 of private and public key.
func NewPrivate() Secret {
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		panic(err) // only another source of randomness than the system's fails
	}
	return NewSecret(privatePrefix + base64.StdEncoding.EncodeToString(private))
}

// Public returns the public key, whpk_ and base64, for receivers to verify with. It is "" for a shared secret.
func (k Key) Public() string {
	if len(k.public) == 0 {
		return ""
	}
	return publicPrefix + base64.StdEncoding.EncodeToString(k.public)
}

// Shared says whether the key is a shared secret; Private, whether it is a private key.
func (k Key) Shared() bool  { return !k.shared.IsZero() }
func (k Key) Private() bool { return !k.private.IsZero() }

// IsZero says whether there is no key.
func (k Key) IsZero() bool { return k.shared.IsZero() && len(k.public) == 0 }

// version is that of the signatures that the key is for.
func (k Key) version() string {
	if k.Shared() {
		return symmetric
	}
	return asymmetric
}
