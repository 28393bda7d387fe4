package migration

import (
	"maps"
	"slices"

	"github.com/valyala/fasthttp"

	"hookline/engine/flavor"
	"hookline/engine/flavor/connect"
	"hookline/engine/registry"
	"hookline/engine/webhook"
)

// DescriptorName is the name in the registry of the webhooks that apps declare in their descriptors.
const DescriptorName = "migration-descriptor"

// Descriptor is the platform's webhooks as descriptors declare them: one path of an app (cloudAppMigration), below its
// base URL or, for a tenant whose data is kept in a region, below its base URL for that. Events are the [Flavor]'s to
// read: they are for what an app sent and what it declared, each URL once.
//
// Each base URL has its webhook, of which events find the one for the tenant's region as it is then.
type Descriptor struct {
	options Options
	rules   *registry.Rules
}

// maxRegions bounds the base URLs of a descriptor.
const maxRegions = 50

// Descriptor returns the flavour for descriptors that goes with f.
func (f *Flavor) Descriptor() *Descriptor {
	return &Descriptor{options: f.options, rules: &registry.Rules{
		Flavor:    DescriptorName,
		System:    webhook.Migration,
		Limit:     func(*webhook.Tenant, *webhook.App) int { return maxRegions },
		Separate:  true,
		AnyBase:   true, // that of a region
		PlainHTTP: f.options.PlainHTTP,
	}}
}

// Rules implements flavor.Flavor.
func (d *Descriptor) Rules() *registry.Rules { return d.rules }

// Policy implements flavor.Flavor.
func (d *Descriptor) Policy() *webhook.Policy { return d.options.Policy }

// Routes implements flavor.Flavor: apps are installed through the API of the installation.
func (d *Descriptor) Routes() []flavor.Route { return nil }

// Base implements flavor.Flavor.
func (d *Descriptor) Base() string { return "/rest/atlassian-connect/" }

// Fail implements flavor.Flavor.
func (d *Descriptor) Fail(ctx *fasthttp.RequestCtx, status int, message string) {
	fail(ctx, status, message)
}

// Declared implements flavor.Declarer. The name of a webhook is its region, empty for the base URL itself.
func (d *Descriptor) Declared(desc *connect.Descriptor, app *webhook.App) ([]registry.Declared, []string) {
	if desc.MigrationPath == "" || desc.BaseURL == "" {
		return nil, nil
	}
	const place = "cloudAppMigration"
	list := []registry.Declared{{Place: place, URL: connect.Join(desc.BaseURL, desc.MigrationPath)}}
	for _, region := range slices.Sorted(maps.Keys(desc.Regions)) {
		list = append(list, registry.Declared{
			Place: "regionBaseUrls." + region, URL: connect.Join(desc.Regions[region], desc.MigrationPath),
			Item: registry.Item{Settings: &webhook.Settings{Name: region}},
		})
	}
	if missing := unsigned(app); missing != "" {
		return list, []string{place + ": events are sent under a JWT, and the app has no " + missing + "; set it first"}
	}
	return list, nil
}

// regional chooses the webhook for a region, or else the one for the base URL; nil where there is none.
func regional(list []*webhook.Webhook, region string) *webhook.Webhook {
	var chosen *webhook.Webhook
	for _, w := range list {
		switch of := regionOf(w); {
		case of != "" && of == region:
			return w
		case of == "":
			chosen = w
		}
	}
	return chosen
}

func regionOf(w *webhook.Webhook) string {
	if w.Settings == nil {
		return ""
	}
	return w.Settings.Name
}

// Render implements flavor.Flavor. The URL is below a base URL by what it is, so tokens do not count the path of that,
// as in all requests to Connect apps.
func (d *Descriptor) Render(req *fasthttp.Request, del *flavor.Delivery) error {
	if del.Webhook == nil || del.App == nil || del.App.Descriptor == nil {
		return errNoApp
	}
	return send(req, del, del.App.Descriptor.Base(regionOf(del.Webhook)))
}
