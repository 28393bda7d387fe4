package arcxp

import (
	"slices"
	"time"

	"hookline/engine/flavor"
	"hookline/engine/registry"
	"hookline/engine/webhook"
)

// terminal are the statuses of which webhooks are notified, as Migration Center's page spells them.
var terminal = []string{
	"Success", "Circulated", "Published", "Scheduled",
	"FailVideo", "FailImage", failStory, "FailGallery", "FailAuthor", "FailTag",
}

// The page spells one status in two ways. What is sent has one.
const (
	failStory = "FailStory"
	fallStory = "FallStory"
)

// Read implements flavor.Reader. The type of an event is the status. What is kept is what is sent: the record, byte for
// byte but for [fallStory].
func (c *Center) Read(body []byte, tenant *webhook.Tenant, r *registry.Registry, _ time.Time) (flavor.Reading, error) {
	d, err := read(body)
	if err != nil {
		return flavor.Reading{}, err
	}
	if d.status == fallStory {
		d.respell(failStory)
	}
	reading := flavor.Reading{Type: d.status}
	if !slices.Contains(terminal, d.status) {
		return reading, nil
	}
	all, err := r.List(owner(tenant), Flavor)
	if err != nil {
		return flavor.Reading{}, err
	}
	reading.Webhooks = c.route(d, all)
	if len(reading.Webhooks) > 0 {
		reading.Body = d.notification()
	}
	return reading, nil
}

// route returns those of a tenant's webhooks that a document is for. The list may be written over.
func (c *Center) route(d *document, all []*webhook.Webhook) []*webhook.Webhook {
	untagged := c.options.Untagged
	if !d.tagged && (untagged == None || untagged == Single && len(all) != 1) {
		return nil
	}
	return slices.DeleteFunc(all, func(w *webhook.Webhook) bool {
		return w.Disabled() || d.tagged && w.Settings.Name != d.subscriber
	})
}

// respell replaces the status. It is plain text, which needs no escapes.
func (d *document) respell(status string) {
	d.status = status
	d.record = slices.Concat(d.record[:d.statusAt[0]], []byte(`"`+status+`"`), d.record[d.statusAt[1]:])
}

// notification returns the body to be sent.
func (d *document) notification() []byte {
	return slices.Concat([]byte(`{"record":`), d.record, []byte(`}`))
}
