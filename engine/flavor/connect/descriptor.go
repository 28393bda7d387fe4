package connect

import (
	"fmt"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"hookline/engine/webhook"
)

// Descriptor is what is read of a descriptor.
type Descriptor struct {
	Key string // of the app
	webhook.Descriptor
	Webhooks []Webhook

	// MigrationPath is where the app takes migration events, as it is in the descriptor: relative to a base URL. Empty:
	// nowhere.
	MigrationPath string
}

// Webhook is one element of modules.webhooks.
type Webhook struct {
	Index        int // in the array
	Event        string
	URL          string // absolute
	Filter       string // JQL
	ExcludeBody  bool
	PropertyKeys []string
}

// MaxSize is the largest descriptor that is read, in bytes.
const MaxSize = 512 << 10

// maxProblems bounds what is said about one descriptor.
const maxProblems = 100

// Parse reads a descriptor, and says all that is wrong with it: sentences without a full stop that begin with the place.
// What has nothing wrong with it is in the descriptor, which is nil where the text is none at all. Nothing of text is
// kept.
//
// Members that are not known are passed over, as those about anything but webhooks are; a name that is there twice is
// refused, and null is as good as nothing. Beside filter and excludeBody their spellings in the REST API are read,
// jqlFilter and excludeIssueDetails; the first wins.
func Parse(text []byte) (*Descriptor, []string) {
	if len(text) > MaxSize {
		return nil, []string{fmt.Sprintf("the descriptor has %d bytes; at most %d are read", len(text), MaxSize)}
	}
	root, err := members(text)
	if err != nil {
		return nil, []string{"the descriptor is not a JSON object: " + err.Error()}
	}
	d := &Descriptor{}
	compact := jsontext.Value(append([]byte(nil), text...))
	if err := compact.Compact(); err != nil {
		return nil, []string{"the descriptor cannot be read: " + err.Error()}
	}
	d.Text = string(compact)
	var r reader
	d.Key = r.required("key", root["key"])
	d.BaseURL = r.base("baseUrl", r.required("baseUrl", root["baseUrl"]))
	d.Unsigned = r.unsigned(root["authentication"])
	d.Regions = r.regions(root["regionBaseUrls"])
	d.Webhooks = r.webhooks(r.object("modules", root["modules"])["webhooks"], d.BaseURL)
	d.MigrationPath = r.migration(root["cloudAppMigration"])
	return d, r.problems
}

// Join returns the URL of a path that is relative to a base URL.
func Join(base, path string) string {
	return strings.TrimSuffix(base, "/") + "/" + strings.TrimPrefix(path, "/")
}

// base checks a base URL: where paths are added to it, and where receivers leave its own path out of what they hash.
func (r *reader) base(place, url string) string {
	if url == "" {
		return ""
	}
	u, err := webhook.ParseURL(url, true)
	switch {
	case err != nil:
		r.add(place, "%v", err)
	case u.RawQuery != "" || strings.Contains(url, "?"):
		r.add(place, "the URL has a query; remove it")
	case strings.ContainsAny(url, "{}"):
		r.add(place, "the URL has a variable; variables are replaced in the url of a webhook only")
	default:
		return url
	}
	return ""
}

// relative checks a path that is added to a base URL.
func (r *reader) relative(place, path string) string {
	head, _, _ := strings.Cut(path, "?")
	scheme, _, _ := strings.Cut(head, "/")
	if strings.Contains(scheme, ":") || strings.HasPrefix(path, "//") || strings.Contains(path, "#") {
		r.add(place, "%q is not relative to baseUrl; send a path that begins with /", shorten(path))
		return ""
	}
	return path
}

func (r *reader) unsigned(raw jsontext.Value) bool {
	kind := r.text("authentication.type", r.object("authentication", raw)["type"])
	switch strings.ToLower(kind) {
	case "", "jwt":
	case "none":
		return true
	default:
		r.add("authentication.type", "%q is unknown; use jwt or none", shorten(kind))
	}
	return false
}

func (r *reader) regions(raw jsontext.Value) map[string]string {
	var regions map[string]string
	for _, name := range sorted(r.object("regionBaseUrls", raw)) {
		place := "regionBaseUrls." + shorten(name.name)
		if url := r.base(place, r.required(place, name.value)); url != "" {
			if regions == nil {
				regions = map[string]string{}
			}
			regions[name.name] = url
		}
	}
	return regions
}

func (r *reader) webhooks(raw jsontext.Value, base string) []Webhook {
	var list []Webhook
	for i, element := range r.array("modules.webhooks", raw) {
		before := len(r.problems)
		w := r.webhook(fmt.Sprintf("modules.webhooks[%d]", i), element)
		w.Index, w.URL = i, Join(base, w.URL)
		if len(r.problems) == before && base != "" {
			list = append(list, w)
		}
	}
	return list
}

// webhook reads one element. Its URL is still the path.
func (r *reader) webhook(place string, raw jsontext.Value) Webhook {
	if absent(raw) {
		r.add(place, "it is null; send an object")
		return Webhook{}
	}
	o := r.object(place, raw)
	if o == nil {
		return Webhook{}
	}
	w := Webhook{
		Event:       r.required(place+".event", o["event"]),
		URL:         r.relative(place+".url", r.required(place+".url", o["url"])),
		Filter:      r.text(place+".jqlFilter", o["jqlFilter"]),
		ExcludeBody: r.flag(place+".excludeIssueDetails", o["excludeIssueDetails"]),
	}
	if !absent(o["filter"]) {
		w.Filter = r.text(place+".filter", o["filter"])
	}
	if !absent(o["excludeBody"]) {
		w.ExcludeBody = r.flag(place+".excludeBody", o["excludeBody"])
	}
	for i, key := range r.array(place+".propertyKeys", o["propertyKeys"]) {
		w.PropertyKeys = append(w.PropertyKeys, r.required(fmt.Sprintf("%s.propertyKeys[%d]", place, i), key))
	}
	return w
}

func (r *reader) migration(raw jsontext.Value) string {
	const place = "cloudAppMigration.migrationWebhookPath"
	return r.relative(place, r.text(place, r.object("cloudAppMigration", raw)["migrationWebhookPath"]))
}
