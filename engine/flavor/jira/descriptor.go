package jira

import (
	"fmt"
	"time"

	"github.com/valyala/fasthttp"

	"hookline/engine/flavor"
	"hookline/engine/flavor/connect"
	"hookline/engine/registry"
	"hookline/engine/webhook"
)

// DescriptorFlavor is the name of the webhooks of Connect descriptors in the registry.
const DescriptorFlavor = "jira-descriptor"

// Descriptor is Jira's third kind of webhooks: declared in the descriptor of a Connect app (modules.webhooks), filtered by
// the whole of JQL, there as long as the app is installed, and sent as one request per webhook and event, with a token
// that is signed with the app's shared secret.
type Descriptor struct {
	options DescriptorOptions
	rules   *registry.Rules
}

// DescriptorOptions are settings of the descriptor flavour. The zero value is Jira's behaviour.
type DescriptorOptions struct {
	// Limit is how many webhooks a descriptor may have. Jira publishes none.
	//
	// Defaults to 1000.
	Limit int

	// PlainHTTP allows base URLs with http beside https.
	PlainHTTP bool

	// Policy is how deliveries are attempted. Defaults to [Seed].
	Policy *webhook.Policy
}

// NewDescriptor returns the flavour.
func NewDescriptor(o DescriptorOptions) *Descriptor {
	if o.Limit == 0 {
		o.Limit = 1000
	}
	if o.Policy == nil {
		o.Policy = Seed()
	}
	return &Descriptor{options: o, rules: &registry.Rules{
		Flavor:    DescriptorFlavor,
		Dialect:   full,
		Event:     isEvent,
		Limit:     func(*webhook.Tenant, *webhook.App) int { return o.Limit },
		Separate:  true,
		PlainHTTP: o.PlainHTTP,
	}}
}

// Rules implements flavor.Flavor.
func (d *Descriptor) Rules() *registry.Rules { return d.rules }

// Policy implements flavor.Flavor.
func (d *Descriptor) Policy() *webhook.Policy { return d.options.Policy }

// Routes implements flavor.Flavor: apps are installed through the API of the installation.
func (d *Descriptor) Routes() []flavor.Route { return nil }

// Base implements flavor.Flavor.
func (d *Descriptor) Base() string { return "/rest/" }

// Fail implements flavor.Flavor.
func (d *Descriptor) Fail(ctx *fasthttp.RequestCtx, status int, message string) {
	fail(ctx, status, message)
}

// Declared implements flavor.Declarer.
func (d *Descriptor) Declared(desc *connect.Descriptor, app *webhook.App) ([]registry.Declared, []string) {
	list := make([]registry.Declared, len(desc.Webhooks))
	for i, w := range desc.Webhooks {
		list[i] = registry.Declared{
			Place: fmt.Sprintf("modules.webhooks[%d]", w.Index), URL: w.URL,
			Item: registry.Item{Filter: w.Filter, Events: []string{w.Event}, PropertyKeys: w.PropertyKeys},
		}
		if w.ExcludeBody {
			list[i].Settings = &webhook.Settings{ExcludeBody: true}
		}
	}
	if len(list) > 0 && !desc.Unsigned && len(app.Secrets) == 0 {
		return list, []string{"modules.webhooks: requests are signed, and the app has no shared secret; set its secrets first, or declare authentication of the type none"}
	}
	return list, nil
}

// Render implements flavor.Flavor: the request of an admin webhook, with a fresh token in place of a signature.
func (d *Descriptor) Render(req *fasthttp.Request, del *flavor.Delivery) error {
	if del.Webhook == nil || del.App == nil || del.App.Descriptor == nil {
		return errGone
	}
	url, err := address(req, del)
	if err != nil || del.App.Descriptor.Unsigned {
		return err
	}
	token, err := authorization(del, fasthttp.MethodPost, url, time.Now())
	switch {
	case err != nil:
		return err
	case token == "":
		return fmt.Errorf("jira: the app %s has no shared secret", del.App.Key)
	}
	req.Header.Set("Authorization", token)
	return nil
}
