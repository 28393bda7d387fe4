package sign

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// Why keys are refused and secrets are not opened.
var (
	ErrKey        = errors.New("sign: bad key")
	ErrSealed     = errors.New("sign: not a sealed secret")
	ErrUnknownKey = errors.New("sign: sealed under a key that is not in the keyring")
	ErrOpen       = errors.New("sign: the sealed secret was altered, or belongs to another record")
)

// ErrNoRecord means that a secret was to be sealed for no record in particular, so that it would open for any that
// is not named either.
var ErrNoRecord = errors.New("sign: no record")

const (
	keySize = 32   // AES-256
	version = "v1" // AES-256-GCM, random nonce of 12 bytes in front, header and record as associated data
	idInfo  = "hookline sealing key id v1"
	idSize  = 8
)

// Keyring seals secrets for rest and opens them. The first of its keys seals, each of them opens: to change keys, put
// a new one in front, seal again whatever is not [Keyring.Current], and drop the old one.
//
// A sealed secret is text: "v1.", the id of the key, ".", and nonce, ciphertext and tag in base64url. The key's id is
// derived from the key, so the same key has the same id everywhere, and tells nothing of it. The length of the
// secret shows.
type Keyring struct{ keys []sealingKey }

type sealingKey struct {
	header string // version and id, as sealed secrets begin
	aead   cipher.AEAD
}

// NewKeyring makes a keyring of keys of 32 random bytes, each written as 64 hexadecimal digits or as base64 (either
// alphabet, with or without padding); white space around it, as at the end of a file, does not count. A passphrase
// is no key, and the same key twice is a mistake. The error is [ErrKey] and says which key it is about, counted from 1.
func NewKeyring(seals Secret, opens ...Secret) (*Keyring, error) {
	r := new(Keyring)
	for i, s := range append([]Secret{seals}, opens...) {
		k, err := newSealingKey(s)
		if err != nil {
			return nil, fmt.Errorf("%w %d: %w", ErrKey, i+1, err)
		}
		if r.find(k.header) != nil {
			return nil, fmt.Errorf("%w %d: it is in the keyring already", ErrKey, i+1)
		}
		r.keys = append(r.keys, k)
	}
	return r, nil
}

func newSealingKey(s Secret) (sealingKey, error) {
	key, ok := decodeKey(strings.TrimSpace(s.Reveal()))
	if !ok {
		return sealingKey{}, errors.New("use 32 random bytes in hexadecimal or base64, as openssl rand -hex 32 makes them")
	}
	id, err := hkdf.Expand(sha256.New, key, idInfo, idSize)
	if err != nil {
		return sealingKey{}, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return sealingKey{}, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return sealingKey{}, err
	}
	return sealingKey{header: version + "." + hex.EncodeToString(id) + ".", aead: aead}, nil
}

// decodeKey can tell the spellings apart by length: 64 digits of base64 would be 48 bytes.
func decodeKey(text string) ([]byte, bool) {
	if len(text) == hex.EncodedLen(keySize) {
		key, err := hex.DecodeString(text)
		return key, err == nil
	}
	text = strings.NewReplacer("+", "-", "/", "_").Replace(strings.TrimRight(text, "="))
	key, err := base64.RawURLEncoding.DecodeString(text)
	return key, err == nil && len(key) == keySize
}

// Seal returns the secret sealed for a record. The record's name is not in the result; [Keyring.Open] has to be given
// the same one. Who can write where sealed secrets are kept can exchange those of records with one name. The error is
// [ErrNoSecret] or [ErrNoRecord].
func (r *Keyring) Seal(s Secret, record string) (string, error) {
	if s.IsZero() {
		return "", ErrNoSecret
	}
	if record == "" {
		return "", ErrNoRecord
	}
	k := &r.keys[0]
	return k.header + base64.RawURLEncoding.EncodeToString(k.aead.Seal(nil, nil, s.key(), k.bound(record))), nil
}

// Open returns the secret that was sealed for the record. The error is [ErrSealed], [ErrUnknownKey] or [ErrOpen],
// wrapped with the id of the key.
func (r *Keyring) Open(sealed, record string) (Secret, error) {
	header, box, err := splitSealed(sealed)
	if err != nil {
		return Secret{}, err
	}
	k := r.find(header)
	if k == nil {
		return Secret{}, fmt.Errorf("%w: %s", ErrUnknownKey, header)
	}
	text, err := k.aead.Open(nil, nil, box, k.bound(record))
	if err != nil {
		return Secret{}, fmt.Errorf("%w: under key %s", ErrOpen, header)
	}
	return NewSecret(string(text)), nil
}

// Current says whether a sealed secret is sealed under the key that seals.
func (r *Keyring) Current(sealed string) bool {
	return strings.HasPrefix(sealed, r.keys[0].header)
}

func (r *Keyring) find(header string) *sealingKey {
	for i := range r.keys {
		if r.keys[i].header == header {
			return &r.keys[i]
		}
	}
	return nil
}

// bound is what a sealed secret is bound to. The header's length is fixed, so it cannot be confused with the record.
func (k *sealingKey) bound(record string) []byte { return []byte(k.header + record) }

// splitSealed takes a sealed secret apart, without looking whether its key is known.
func splitSealed(sealed string) (header string, box []byte, err error) {
	const n = len(version+".") + 2*idSize + len(".")
	if len(sealed) <= n || !strings.HasPrefix(sealed, version+".") || sealed[n-1] != '.' {
		return "", nil, ErrSealed
	}
	if _, err := hex.DecodeString(sealed[len(version+".") : n-1]); err != nil {
		return "", nil, ErrSealed
	}
	box, err = base64.RawURLEncoding.Strict().DecodeString(sealed[n:])
	if err != nil {
		return "", nil, ErrSealed
	}
	return sealed[:n], box, nil
}
