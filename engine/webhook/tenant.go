package webhook

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Tenant owns webhooks and events: a Jira site, an Arc XP organisation.
type Tenant struct {
	// ID names the tenant in paths: 1 to 63 lower-case letters, digits and hyphens, starting with a letter or digit.
	ID string `json:"id"`

	// Hosts are host names, without port, that address this tenant, beside the path prefix /t/{id}.
	Hosts []string `json:"hosts,omitempty"`

	// Site is what the filters of the tenant's webhooks speak of.
	Site

	// Limits are those of the installation where they are 0.
	Limits

	// Region is where the tenant's data is kept, as apps name it in regionBaseUrls: "EU". Empty: nowhere in particular.
	Region string `json:"region,omitempty"`

	// Tokens admit publishers of events and users of the tenant's native API.
	Tokens []TokenHash `json:"tokens,omitempty"`

	// PostFunctions are those of the tenant's workflows that fire webhooks. They are changed by themselves; see
	// registry.Registry.SetPostFunctions.
	PostFunctions []PostFunction `json:"postFunctions,omitempty"`

	// Generation tells a tenant from earlier ones with the same ID. The registry sets it when a tenant is added.
	Generation uint64 `json:"generation"`
}

// Limits are how many webhooks apps may have in a tenant in place of what is usual in the installation; 0 leaves that
// in place. Their JSON is that of the API, their YAML that of the configuration.
type Limits struct {
	ConnectLimit int `json:"connectLimit,omitempty" yaml:"connect_limit"` // of a Connect app
	OAuthLimit   int `json:"oauthLimit,omitempty" yaml:"oauth_limit"`     // of a user of an OAuth app
}

// AppKind says by what rules an app registers webhooks.
type AppKind string

// The kinds of app. They differ in the number of webhooks they may register.
const (
	Connect AppKind = "connect" // an Atlassian Connect app: one owner per tenant
	OAuth   AppKind = "oauth"   // an OAuth 2.0 app: every user of it is an owner of their own
)

// App is an integration that registers webhooks in one tenant.
type App struct {
	Tenant string  `json:"tenant"`
	Key    string  `json:"key"` // 1 to 128 letters, digits, and . _ - after the first
	Kind   AppKind `json:"kind"`

	// BaseURL is what the callback URLs of a Connect app must begin with. Empty: any URL.
	BaseURL string `json:"baseURL,omitempty"`

	// Descriptor is the one that the app is installed with, nil where there is none. It is changed together with what it
	// declares; see registry.Registry.Install.
	Descriptor *Descriptor `json:"descriptor,omitempty"`

	// Issuer names the installation in tokens that are sent to the app: for a Connect app the client key of the
	// tenant, for an OAuth app its client id.
	Issuer string `json:"issuer,omitempty"`

	// Secrets are what such tokens are signed with, the shared secret or the client secret, and, while it is being
	// replaced, the one before. They are kept sealed (package sign).
	Secrets []string `json:"secrets,omitempty"`

	Tokens []AppToken `json:"tokens,omitempty"`
}

// SecretRecord names the app to the seal of its secrets, so that one of another app does not open.
func (a *App) SecretRecord() string { return "app/" + a.Tenant + "/" + a.Key }

// SecretRecord names the owner of a webhook's secret to its seal.
func (o Owner) SecretRecord() string { return "webhook/" + o.Tenant + "/" + o.App }

// AppToken is a credential of an app. For an OAuth app User says whose it is.
type AppToken struct {
	Hash TokenHash `json:"hash"`
	User string    `json:"user,omitempty"`
}

// Owner is who a webhook belongs to: the app, and for OAuth apps its user. It is comparable.
type Owner struct {
	Tenant string `json:"tenant"`
	App    string `json:"app"`
	User   string `json:"user,omitempty"`
}

// TokenHash is the SHA-256 of a token in lower-case hex. Tokens are kept in no other form; they are
// meant to be long and random, so no slow hash is needed.
type TokenHash string

// MinToken is the shortest token or secret that is taken over from outside, in bytes. Tokens are kept as a plain hash, so
// they must not be guessable.
const MinToken = 16

// CheckToken reports a token that is too short, as an [*InvalidError] that does not repeat it.
func CheckToken(token string) error {
	if len(token) < MinToken {
		return invalid("a token has %d characters; use at least %d, at random", len(token), MinToken)
	}
	return nil
}

// CheckSecret reports a secret that is too short to sign with, as an [*InvalidError] that does not repeat it: who
// guesses it can speak for the app.
func CheckSecret(secret string) error {
	if len(secret) < MinToken {
		return invalid("a secret has %d characters; use at least %d, at random", len(secret), MinToken)
	}
	return nil
}

// HashToken returns the hash to keep for a token.
func HashToken(token string) TokenHash {
	sum := sha256.Sum256([]byte(token))
	return TokenHash(hex.EncodeToString(sum[:]))
}

// Matches says whether the hash is that of the token, in constant time.
func (h TokenHash) Matches(token string) bool {
	return subtle.ConstantTimeCompare([]byte(h), []byte(HashToken(token))) == 1
}

// Admits says whether the token is one of the tenant's.
func (t *Tenant) Admits(token string) bool {
	return slices.ContainsFunc(t.Tokens, func(h TokenHash) bool { return h.Matches(token) })
}

var (
	tenantID = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)
	appKey   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)
	hostName = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$`)
	region   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$`)
)

// Validate reports what is wrong with the tenant's own fields, as an [*InvalidError].
func (t *Tenant) Validate() error {
	if !tenantID.MatchString(t.ID) {
		return invalid("tenant id %q: use 1 to 63 lower-case letters, digits and hyphens, starting with a letter or digit", t.ID)
	}
	for i, h := range t.Hosts {
		t.Hosts[i] = strings.ToLower(h)
		if !hostName.MatchString(t.Hosts[i]) {
			return invalid("tenant %s: host %q is not a host name (no scheme, port or path)", t.ID, h)
		}
	}
	if _, err := t.Env(); err != nil {
		return invalid("tenant %s: %v", t.ID, err)
	}
	if t.Region != "" && !region.MatchString(t.Region) {
		return invalid("tenant %s: region %q: use up to 32 letters, digits, hyphens and underscores, as in regionBaseUrls of descriptors: EU", t.ID, t.Region)
	}
	if t.ConnectLimit < 0 || t.OAuthLimit < 0 {
		return invalid("tenant %s: connectLimit %d, oauthLimit %d: use a positive number, or 0 for what is usual", t.ID, t.ConnectLimit, t.OAuthLimit)
	}
	return nil
}

// MaxSecrets is how many secrets an app may have: each is a signature to compute for every JWT that comes in, whoever it
// is from.
const MaxSecrets = 5

const maxIssuer = 255

// Validate reports what is wrong with the app's own fields, as an [*InvalidError]. An empty Kind becomes Connect.
func (a *App) Validate() error {
	if !tenantID.MatchString(a.Tenant) {
		return invalid("app %q: tenant id %q is malformed", a.Key, a.Tenant)
	}
	if !appKey.MatchString(a.Key) {
		return invalid("app key %q: use 1 to 128 letters, digits, dots, underscores and hyphens, starting with a letter or digit", a.Key)
	}
	if a.Kind == "" {
		a.Kind = Connect
	}
	if a.Kind != Connect && a.Kind != OAuth {
		return invalid("app %s: kind %q: use connect or oauth", a.Key, a.Kind)
	}
	if a.Kind == Connect && slices.ContainsFunc(a.Tokens, func(t AppToken) bool { return t.User != "" }) {
		return invalid("app %s: a token names a user; a Connect app is one owner, only apps of kind oauth have users", a.Key)
	}
	if a.Kind != Connect && a.Descriptor != nil {
		return invalid("app %s: it is installed with a descriptor, as Connect apps are; uninstall it before its kind is changed", a.Key)
	}
	if len(a.Issuer) > maxIssuer {
		return invalid("app %s: the issuer has %d bytes; at most %d are allowed", a.Key, len(a.Issuer), maxIssuer)
	}
	if len(a.Secrets) > MaxSecrets {
		return invalid("app %s: %d secrets; at most %d are allowed, the first signs and all verify", a.Key, len(a.Secrets), MaxSecrets)
	}
	if a.BaseURL != "" {
		if _, err := ParseURL(a.BaseURL, true); err != nil {
			return invalid("app %s: baseURL: %v", a.Key, err)
		}
	}
	return nil
}

// InvalidError says what is wrong with a value that a caller supplied.
type InvalidError struct{ Problem string }

func (e *InvalidError) Error() string { return e.Problem }

func invalid(format string, args ...any) error {
	return &InvalidError{Problem: fmt.Sprintf(format, args...)}
}
