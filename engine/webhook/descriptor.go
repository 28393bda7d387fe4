package webhook

import "cmp"

// Descriptor is what is kept of the descriptor that a Connect app is installed with. It is not changed, but replaced.
type Descriptor struct {
	// BaseURL is the app's own, with which every URL of the descriptor begins. Regions are those for tenants whose data
	// is kept in a region.
	BaseURL string            `json:"baseURL"`
	Regions map[string]string `json:"regions,omitempty"`

	// Unsigned apps want no token with what is sent to them: their authentication is of the type none.
	Unsigned bool `json:"unsigned,omitempty"`

	// Text is the descriptor as it was installed, JSON without white space between its tokens.
	Text string `json:"text"`
}

// Base returns the base URL for a region: the app's own where there is none for it.
func (d *Descriptor) Base(region string) string { return cmp.Or(d.Regions[region], d.BaseURL) }

// Base returns what the callback URLs of the app begin with, and what receivers leave out of paths that they hash: the
// base URL of its descriptor, or BaseURL where none is installed.
func (a *App) Base() string {
	if a.Descriptor != nil {
		return a.Descriptor.BaseURL
	}
	return a.BaseURL
}
