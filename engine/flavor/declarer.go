package flavor

import (
	"hookline/engine/flavor/connect"
	"hookline/engine/registry"
	"hookline/engine/webhook"
)

// Declarer is a flavour whose webhooks Connect apps declare in their descriptors. Its rules give every webhook an
// endpoint of its own.
type Declarer interface {
	Flavor

	// Declared returns the webhooks of the flavour that a descriptor declares, and what is wrong with that for the app:
	// sentences without a full stop that begin with the place. Neither is changed.
	Declared(d *connect.Descriptor, app *webhook.App) (list []registry.Declared, problems []string)
}
