package sign

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

const hubMethod = "sha256"

// AppendHub appends the value of X-Hub-Signature for a body, "sha256=" and 64 lower-case hexadecimal digits, to dst. The body
// is what goes over the wire, and may be empty. The error is [ErrNoSecret]; dst is returned as it was then.
func AppendHub(dst, body []byte, secret Secret) ([]byte, error) {
	if secret.IsZero() {
		return dst, ErrNoSecret
	}
	dst = append(dst, hubMethod+"="...)
	return hex.AppendEncode(dst, hubSum(body, secret)), nil
}

// VerifyHub checks the value of X-Hub-Signature against the body as it was received, and accepts it when it
// was made with one of the secrets. The error is [ErrMalformed], [ErrAlgorithm] (a method other than sha256),
// [ErrSignature] or [ErrNoSecret].
func VerifyHub(value string, body []byte, secrets ...Secret) error {
	method, digits, ok := strings.Cut(value, "=")
	if !ok {
		return fmt.Errorf("%w: no method=signature", ErrMalformed)
	}
	if method != hubMethod {
		return ErrAlgorithm
	}
	sum, err := hex.DecodeString(digits)
	if err != nil || len(sum) != sha256.Size {
		return fmt.Errorf("%w: not 64 hexadecimal digits", ErrMalformed)
	}
	secrets = usable(secrets)
	if len(secrets) == 0 {
		return ErrNoSecret
	}
	for _, secret := range secrets {
		if hmac.Equal(sum, hubSum(body, secret)) {
			return nil
		}
	}
	return ErrSignature
}

func hubSum(body []byte, secret Secret) []byte {
	mac := hmac.New(sha256.New, secret.key())
	mac.Write(body)
	return mac.Sum(nil)
}
