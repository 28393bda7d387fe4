package webhook

import (
	"encoding/json"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Errors that callers of the engine decide on.
var (
	ErrUnknownTenant = errors.New("unknown tenant")
	ErrUnknownApp    = errors.New("unknown app")
)

// Webhook is a registered interest: which events of a tenant, under which filter, go to which URL.
// A Webhook is not changed once registered; a change replaces it.
type Webhook struct {
	ID       int64     `json:"id"` // unique in the tenant and never used again
	Owner    Owner     `json:"owner"`
	Flavor   string    `json:"flavor"`
	Endpoint uint64    `json:"endpoint"`
	URL      string    `json:"url"`
	Filter   string    `json:"filter"` // JQL as the owner wrote it
	Events   []string  `json:"events"`
	Created  time.Time `json:"created"`

	// Expires is when the webhook stops to match; zero means never.
	Expires time.Time `json:"expires,omitzero"`

	// FieldIDs narrows jira:issue_updated to changes of these fields, PropertyKeys narrows the issue property
	// events to these keys. Empty means no narrowing.
	FieldIDs     []string `json:"fieldIDs,omitempty"`
	PropertyKeys []string `json:"propertyKeys,omitempty"`

	// Settings are what only some flavours have; nil where there is nothing to say.
	Settings *Settings `json:"settings,omitempty"`
}

// Settings are properties of a webhook that only some flavours have. Like the webhook they are not changed, but
// replaced.
type Settings struct {
	Name        string `json:"name,omitempty"`
	Description string `json:"description,omitempty"`

	// Disabled webhooks match nothing.
	Disabled bool `json:"disabled,omitempty"`

	// ExcludeBody sends requests without a body.
	ExcludeBody bool `json:"excludeBody,omitempty"`

	// Headers are sent with every request.
	Headers map[string]string `json:"headers,omitempty"`

	// Secret signs requests, or is sent with them, as the flavour has it. It is kept sealed (package sign).
	Secret string `json:"secret,omitempty"`

	// AutoExtend says whether the webhook is given a new life while deliveries to it succeed; nil leaves it to the
	// installation.
	AutoExtend *bool `json:"autoExtend,omitempty"`

	// Written is what the flavour keeps of the owner's own spelling, to repeat it in answers.
	Written json.RawMessage `json:"written,omitempty"`

	Updated   time.Time `json:"updated,omitzero"`
	UpdatedBy string    `json:"updatedBy,omitempty"`
}

// Disabled says whether the webhook was switched off by its owner.
func (w *Webhook) Disabled() bool { return w.Settings != nil && w.Settings.Disabled }

// Expired says whether the webhook has stopped to match at the given time.
func (w *Webhook) Expired(now time.Time) bool {
	return !w.Expires.IsZero() && !now.Before(w.Expires)
}

// Endpoint is one callback of one owner: what deliveries are queued for, and the unit of order and
// backlog. All webhooks of an owner with the same flavour and URL share one, and so share one request
// per event, unless the flavour gives every webhook an endpoint of its own. Its ID is never used again.
type Endpoint struct {
	ID     uint64 `json:"id"`
	Owner  Owner  `json:"owner"`
	Flavor string `json:"flavor"`
	URL    string `json:"url"`

	// Webhook is the one webhook that the endpoint is for, 0 where webhooks share it.
	Webhook int64 `json:"webhook,omitempty"`

	// Paused endpoints are sent nothing: what is queued for them stays, and more is accepted.
	Paused bool `json:"paused,omitempty"`

	// Delivered is when a delivery to the endpoint succeeded, as far as that matters to extending webhooks: not the last
	// time, but one in the present life of them. Zero where none did, or it does not matter.
	Delivered time.Time `json:"delivered,omitzero"`

	// Stopped says that the endpoint is disabled, and why.
	Stopped Stopped `json:"stopped,omitempty"`

	// Epoch counts how often the endpoint was led to another URL or enabled. What was learned of it in one epoch says nothing
	// of it in the next: an answer that comes late may be that of another receiver.
	Epoch uint64 `json:"epoch,omitempty"`

	// Policy is the name of the policy by which deliveries are attempted; empty is the flavour's.
	Policy string `json:"policy,omitempty"`

	// Rate bounds the requests per second; 0 leaves that to the installation.
	Rate float64 `json:"rate,omitempty"`

	// Order says which deliveries to the endpoint are made one after the other. It counts for what is accepted while
	// it is set.
	Order Order `json:"order,omitempty"`

	// Signing is how every request to the endpoint is signed, whatever the flavour adds; empty where it is not.
	Signing []Signing `json:"signing,omitempty"`
}

// Renewed is the endpoint at a URL, enabled, at the beginning of another epoch.
func (e *Endpoint) Renewed(url string) *Endpoint {
	fresh := *e
	fresh.URL, fresh.Stopped = url, ""
	fresh.Epoch++
	return &fresh
}

// Flow tells receivers how an event came about, as Jira's X-Atlassian-Webhook-Flow does.
type Flow byte

// The flows: Primary for what a user or app did, Secondary for what follows from it (the comments of a
// deleted issue, say).
const (
	Primary Flow = iota
	Secondary
)

func (f Flow) String() string {
	if f == Secondary {
		return "Secondary"
	}
	return "Primary"
}

// Source is a way by which events come in.
type Source byte

// The ways in.
const (
	Embedded Source = iota // a call of Publish by the embedding program
	HTTP                   // the events API
)

func (s Source) String() string {
	if s == HTTP {
		return "http"
	}
	return "embedded"
}

// System is a system whose events come in, each with a form of its own.
type System string

// The systems.
const (
	Jira      System = "jira"      // a webhook body as Jira sends it
	Migration System = "migration" // an event of the App Migration Platform
	ArcXP     System = "arcxp"     // a document of Arc XP's Migration Center that reached a status
)

// Event is something that happened in a tenant, as its publisher tells it.
type Event struct {
	Tenant string

	// System says whose event it is. Empty means [Jira].
	System System

	// Body is the event in the form of its system: for Jira the webhook body as Jira sends it, a JSON object with
	// webhookEvent. It is copied; the caller may reuse it when the call that took the Event returns.
	Body []byte

	// Key makes publishing idempotent: another event of the tenant with the same key and the same body
	// is answered with the first one's receipt. Empty means no such check. At most 255 bytes.
	Key string

	Flow Flow

	// Source is the way the event came in, for the metrics.
	Source Source

	// Trace is handed on to receivers as X-Atlassian-Webhook-Trace: up to 1024 printable ASCII
	// characters, or empty.
	Trace string
}

// Limits of an Event.
const (
	MaxKey   = 255
	MaxTrace = 1024
)

// Validate reports what is wrong with the event beside its body, as an [*InvalidError].
func (e *Event) Validate() error {
	if len(e.Key) > MaxKey {
		return invalid("the idempotency key has %d bytes; at most %d are allowed", len(e.Key), MaxKey)
	}
	if len(e.Trace) > MaxTrace {
		return invalid("the trace has %d bytes; at most %d are allowed", len(e.Trace), MaxTrace)
	}
	for i := range len(e.Trace) {
		if c := e.Trace[i]; c < ' ' || c > '~' {
			return invalid("the trace has a byte %#02x at %d; printable ASCII is allowed", c, i)
		}
	}
	switch e.System {
	case "", Jira, Migration, ArcXP:
	default:
		return invalid("there is no system %q; use jira, migration or arcxp", e.System)
	}
	if e.Flow != Primary && e.Flow != Secondary {
		return invalid("flow %d: use Primary or Secondary", e.Flow)
	}
	return nil
}

// MaxURL is the longest callback URL that is accepted, in bytes.
const MaxURL = 2048

// ParseURL checks a callback URL: absolute, https (or http where plain is true), with a host, without
// user info and fragment, at most [MaxURL] bytes. It is sent as it is written, so it has to be visible ASCII.
// The error says what to change.
func ParseURL(raw string, plain bool) (*url.URL, error) {
	if len(raw) > MaxURL {
		return nil, invalid("the URL has %d bytes; at most %d are allowed", len(raw), MaxURL)
	}
	for i := range len(raw) {
		if c := raw[i]; c <= ' ' || c > '~' {
			return nil, invalid("the URL has a byte %#02x at %d; percent-encode it, or write the host name in its ASCII form", c, i)
		}
	}
	u, err := url.Parse(raw)
	switch {
	case raw == "":
		return nil, invalid("the URL is missing")
	case err != nil || !u.IsAbs() || u.Opaque != "" || !validHost(u.Hostname()):
		return nil, invalid("the URL is not an absolute http(s) URL with a host")
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, invalid("the URL's scheme is %q; use https", u.Scheme)
	case u.Scheme == "http" && !plain:
		return nil, invalid("the URL is not https; plain http has to be allowed by the operator of this installation")
	case !validPort(u.Port()):
		return nil, invalid("the URL's port is %s; use 1 to 65535", u.Port())
	case u.User != nil:
		return nil, invalid("the URL holds user information; remove it")
	case u.Fragment != "" || strings.HasSuffix(raw, "#"):
		return nil, invalid("the URL has a fragment; remove it")
	}
	return u, nil
}

var urlHost = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]*$`)

func validHost(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil || urlHost.MatchString(host)
}

func validPort(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return port == "" || err == nil && n > 0
}

// HostOf returns the scheme and the address (host:port, the port always given) that a URL accepted by
// ParseURL leads to, in one spelling whatever the URL's: lower case, no final dot, no leading zeros.
func HostOf(u *url.URL) (scheme, address string) {
	port := u.Port()
	if n, err := strconv.Atoi(port); err == nil {
		port = strconv.Itoa(n)
	} else if port = "80"; u.Scheme == "https" {
		port = "443"
	}
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	return u.Scheme, net.JoinHostPort(host, port)
}
