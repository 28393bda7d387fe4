package sign

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Why a signature or a token is refused. The texts say what is wrong with it, and nothing of its content.
var (
	ErrMalformed = errors.New("sign: malformed")
	ErrAlgorithm = errors.New("sign: the algorithm is not the one expected")
	ErrSignature = errors.New("sign: the signature fits no secret")
	ErrExpired   = errors.New("sign: the token has expired")
	ErrNotYet    = errors.New("sign: the token is of the future")
	ErrRequest   = errors.New("sign: the token is for another request")
	ErrContext   = errors.New("sign: the token is for a browser context, and for no request")
)

const (
	// Skew is how far the clock of the other side may be off.
	Skew = 30 * time.Second

	// MaxToken is the longest token that is read, in bytes.
	MaxToken = 8 << 10
)

const (
	algorithm  = "HS256"
	contextQSH = "context-qsh"
)

// Token is an incoming Connect JWT. Until Verify returns without an error, anyone may have written it.
type Token struct {
	raw    Secret // whoever has it can use it until it expires
	issuer string
}

// Parse reads a Connect JWT as far as to know whose it says it is. The token is given without the "JWT " in front.
// The error is [ErrMalformed], or [ErrAlgorithm] when the token is not signed by HS256.
func Parse(token string) (*Token, error) {
	if len(token) > MaxToken {
		return nil, fmt.Errorf("%w: a token of %d bytes; at most %d are read", ErrMalformed, len(token), MaxToken)
	}
	var c received
	t, _, err := jwt.NewParser(jwt.WithStrictDecoding()).ParseUnverified(token, &c)
	if errors.Is(err, jwt.ErrTokenUnverifiable) { // the name of the algorithm is missing or unknown
		return nil, ErrAlgorithm
	}
	if err != nil {
		return nil, fmt.Errorf("%w: not three parts of base64url, or no JSON objects in them", ErrMalformed)
	}
	if t.Method.Alg() != algorithm {
		return nil, ErrAlgorithm
	}
	// RFC 7515 section 4.1.11: extensions that are not understood are not accepted. Here none is.
	if _, critical := t.Header["crit"]; critical {
		return nil, fmt.Errorf("%w: the token insists on an extension", ErrMalformed)
	}
	if c.Issuer == "" {
		return nil, fmt.Errorf("%w: the token has no issuer", ErrMalformed)
	}
	return &Token{raw: NewSecret(token), issuer: c.Issuer}, nil
}

// Issuer returns who the token says it is from: the key to look up the secrets by, and nothing to trust.
func (t *Token) Issuer() string { return t.issuer }

// received is a token's claims as they are read.
type received struct {
	jwt.RegisteredClaims
	QSH string `json:"qsh"`
}

// Verify checks the token against the secrets of its issuer and the request that it came with: signed with one of
// them, not expired at now, not issued after it (both with [Skew] to spare), and made for this very request.
// The error is one of this package's, by [errors.Is]; the signature is checked first, so other errors than
// [ErrSignature] and [ErrNoSecret] are about a token that its issuer did write.
func (t *Token) Verify(r Request, now time.Time, secrets ...Secret) (Claims, error) {
	var keys jwt.VerificationKeySet
	for _, s := range usable(secrets) {
		keys.Keys = append(keys.Keys, s.key())
	}
	if len(keys.Keys) == 0 {
		return Claims{}, ErrNoSecret
	}
	parser := jwt.NewParser(
		jwt.WithValidMethods([]string{algorithm}),
		jwt.WithStrictDecoding(),
		jwt.WithExpirationRequired(),
		jwt.WithIssuedAt(),
		jwt.WithLeeway(Skew),
		jwt.WithTimeFunc(func() time.Time { return now }),
	)
	var c received
	_, err := parser.ParseWithClaims(t.raw.Reveal(), &c, func(*jwt.Token) (any, error) { return keys, nil })
	if err != nil {
		return Claims{}, refusal(err)
	}
	if c.QSH == contextQSH {
		return Claims{}, ErrContext
	}
	if subtle.ConstantTimeCompare([]byte(c.QSH), []byte(r.Hash())) != 1 {
		return Claims{}, ErrRequest
	}
	return Claims{Issuer: c.Issuer, Subject: c.Subject, Audience: c.Audience}, nil
}

// refusal puts an error of golang-jwt into this package's words: those of the JSON decoder quote the token.
func refusal(err error) error {
	switch {
	case errors.Is(err, jwt.ErrTokenSignatureInvalid):
		return ErrSignature
	case errors.Is(err, jwt.ErrTokenExpired):
		return ErrExpired
	case errors.Is(err, jwt.ErrTokenUsedBeforeIssued), errors.Is(err, jwt.ErrTokenNotValidYet):
		return ErrNotYet
	case errors.Is(err, jwt.ErrTokenRequiredClaimMissing):
		return fmt.Errorf("%w: the token never expires", ErrMalformed)
	}
	return ErrMalformed
}

// usable returns the secrets that are not empty.
func usable(secrets []Secret) []Secret {
	return slices.DeleteFunc(slices.Clone(secrets), Secret.IsZero)
}
