package registry

import (
	"fmt"
	"time"

	"hookline/engine/webhook"
	"hookline/jql"
)

// Rules are what a flavour demands of the webhooks that are registered through it, as data. A Rules is not changed
// once it is in use.
type Rules struct {
	// Flavor is the name under which the webhooks are kept and listed.
	Flavor string

	// System is whose events the webhooks are for. Those for other systems than Jira have no filter and no events: the
	// flavour finds them by itself.
	//
	// Defaults to webhook.Jira.
	System webhook.System

	// Dialect returns the JQL that filters may use in a tenant, whose site the Env is.
	Dialect func(*webhook.Tenant, jql.Env) *jql.Dialect

	// Event says whether an event may be named. NoEvents allows a webhook that names none.
	Event    func(name string) bool
	NoEvents bool

	// Limit returns how many webhooks that have not expired an owner may have in a tenant. The app is nil for webhooks
	// of the tenant itself.
	Limit func(*webhook.Tenant, *webhook.App) int

	// Separate gives every webhook an endpoint, and so a request, of its own.
	Separate bool

	// HubSecret says that the flavour signs with the secret of a webhook's settings, as X-Hub-Signature.
	HubSecret bool

	// PostFunctions lets the workflows of a tenant fire its webhooks. There is at most one such flavour.
	PostFunctions bool

	// UniqueNames demands that no two webhooks of an owner have one name (Settings.Name). Expired ones count.
	UniqueNames bool

	// OneURL demands that all webhooks of an owner go to one URL. Expired ones do not count.
	OneURL bool

	// Replace lets webhooks that are registered with another URL, where there may be only one, take the place of the
	// owner's others, instead of being refused.
	Replace bool

	// Life is how long a webhook matches after it was registered or refreshed; 0 is for ever. Keep is how long it is
	// listed after that.
	Life, Keep time.Duration

	// AutoExtend gives webhooks a new life while deliveries to them succeed (see [Registry.Extend]), unless their settings
	// say otherwise.
	AutoExtend bool

	// Warning is how long before it expires a webhook is warned of; 0 is not at all.
	Warning time.Duration

	// AnyBase allows callback URLs that are not under the app's base URL.
	AnyBase bool

	// PlainHTTP allows callback URLs with http beside https.
	PlainHTTP bool
}

// filtered says whether the webhooks have filters and events, by which the registry finds them.
func (r *Rules) filtered() bool { return r.System == "" || r.System == webhook.Jira }

// EventError says that a webhook names an event that may not be registered.
type EventError struct{ Event string }

func (e *EventError) Error() string { return fmt.Sprintf("the event %q is not supported", e.Event) }

// NoEventsError says that a webhook names no event.
type NoEventsError struct{}

func (e *NoEventsError) Error() string { return "no event is named" }

// ListError says that a list of a webhook has too many different entries, or one that is too long. List is
// "events", "fieldIDs" or "propertyKeys"; Entries and Bytes are what is allowed.
type ListError struct {
	List           string
	Entries, Bytes int
}

func (e *ListError) Error() string {
	return fmt.Sprintf("%s may have at most %d entries of at most %d bytes", e.List, e.Entries, e.Bytes)
}

// NameTakenError says that another webhook of the owner has the name already.
type NameTakenError struct {
	Name    string
	Webhook int64 // which has it
}

func (e *NameTakenError) Error() string {
	return fmt.Sprintf("the name %q is that of webhook %d already", e.Name, e.Webhook)
}

// IDsExhaustedError says that all numbers of webhooks that a tenant has were given out.
type IDsExhaustedError struct{}

func (e *IDsExhaustedError) Error() string { return "the tenant has used up its webhook numbers" }

// LimitError says that an owner has all the webhooks it may have. Given is how many there would be.
type LimitError struct {
	Limit, Given int
	Kind         webhook.AppKind
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("the limit of %d webhooks is reached, and there would be %d; delete one, or let one expire", e.Limit, e.Given)
}

// URLInUseError says that the owner's other webhooks go to another URL, and all have to go to one.
type URLInUseError struct {
	URL  string // the one in use
	Kind webhook.AppKind
}

func (e *URLInUseError) Error() string {
	return "only a single URL may be registered; the one in use is " + e.URL
}

// BaseURLError says that a callback URL is not under the base URL of its app.
type BaseURLError struct{ URL, Base string }

func (e *BaseURLError) Error() string {
	return fmt.Sprintf("the URL is not under the app's base URL %s", e.Base)
}

// HostTakenError says that a host name addresses another tenant already.
type HostTakenError struct{ Host, Tenant string }

func (e *HostTakenError) Error() string {
	return fmt.Sprintf("host %s addresses tenant %s already", e.Host, e.Tenant)
}

// TokenTakenError says that a token belongs to another app of the tenant.
type TokenTakenError struct{ App string }

func (e *TokenTakenError) Error() string {
	return fmt.Sprintf("the token is in use by app %s; every app needs its own", e.App)
}
