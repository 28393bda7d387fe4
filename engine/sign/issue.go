package sign

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Lifetime is how long a token that is made here is valid.
const Lifetime = 3 * time.Minute

// ErrNoIssuer means that a token was to be made without an issuer.
var ErrNoIssuer = errors.New("sign: no issuer")

// Claims are what a Connect JWT says beside its times and its request.
type Claims struct {
	Issuer   string   // the clientKey of the tenant; required
	Subject  string   // the account id of a user, or empty
	Audience []string // usually empty
}

// Connect makes the JWT of a request to or from a Connect app, signed with the secret that the two sides share. It
// is to be sent as Authorization: JWT. The error is [ErrNoSecret] or [ErrNoIssuer].
func Connect(c Claims, r Request, secret Secret, now time.Time) (string, error) {
	return issue(issued{Issuer: c.Issuer, QSH: r.Hash(), Subject: c.Subject, Audience: c.Audience}, secret, now)
}

// Bearer makes the JWT of a request to an OAuth 2.0 app, signed with the app's client secret. It is to be sent as
// Authorization: Bearer. The error is [ErrNoSecret] or [ErrNoIssuer].
func Bearer(clientID string, secret Secret, now time.Time) (string, error) {
	return issue(issued{Issuer: clientID}, secret, now)
}

// issued is a token's claims in the order of the published examples. golang-jwt's types would write times and
// audience by variables that belong to the embedding program as well.
type issued struct {
	Issuer   string   `json:"iss"`
	IssuedAt int64    `json:"iat"` // seconds since 1970
	Expires  int64    `json:"exp"`
	QSH      string   `json:"qsh,omitempty"`
	Subject  string   `json:"sub,omitempty"`
	Audience []string `json:"aud,omitempty"`
}

// header is {"typ":"JWT","alg":"HS256"}. golang-jwt sorts the members, and receivers were built against this order.
const header = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9"

func issue(c issued, secret Secret, now time.Time) (string, error) {
	if secret.IsZero() {
		return "", ErrNoSecret
	}
	if c.Issuer == "" {
		return "", ErrNoIssuer
	}
	c.IssuedAt = now.Unix()
	c.Expires = c.IssuedAt + int64(Lifetime/time.Second)
	claims, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	var buf [512]byte
	token := append(buf[:0], header+"."...)
	token = base64.RawURLEncoding.AppendEncode(token, claims)
	signature, err := jwt.SigningMethodHS256.Sign(string(token), secret.key())
	if err != nil {
		return "", err
	}
	token = append(token, '.')
	return string(base64.RawURLEncoding.AppendEncode(token, signature)), nil
}
