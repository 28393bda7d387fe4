package jira

import "hookline/engine/webhook"

// adminWebhook is a webhook in answers. It has no id: clients cut it from self.
type adminWebhook struct {
	Name        string         `json:"name"`
	Description string         `json:"description"`
	URL         string         `json:"url"`
	ExcludeBody bool           `json:"excludeBody"`
	NoDetails   *bool          `json:"excludeIssueDetails,omitempty"`
	Filters     map[string]any `json:"filters"`
	JQLFilter   *string        `json:"jqlFilter,omitempty"`
	Events      []string       `json:"events"`
	Enabled     bool           `json:"enabled"`
	IsSigned    bool           `json:"isSigned"`
	Self        string         `json:"self"`
	User        string         `json:"lastUpdatedUser"`
	DisplayName string         `json:"lastUpdatedDisplayName"`
	Updated     int64          `json:"lastUpdated"` // milliseconds since 1970
}

// shown is a webhook as its administrator sees it: in the spelling of the last request, and without the secret.
func shown(w *webhook.Webhook, self string) adminWebhook {
	s := w.Settings
	if s == nil {
		s = new(webhook.Settings)
	}
	spelling := writtenOf(s)
	a := adminWebhook{
		Name: s.Name, Description: s.Description, URL: w.URL, ExcludeBody: s.ExcludeBody,
		Filters: map[string]any{filterSection: w.Filter}, Events: append([]string{}, w.Events...), Enabled: !s.Disabled, IsSigned: s.Secret != "",
		Self: self, User: s.UpdatedBy, DisplayName: s.UpdatedBy, Updated: s.Updated.UnixMilli(),
	}
	if spelling.NoDetails {
		a.NoDetails = &s.ExcludeBody
	}
	if spelling.JQLFilter {
		a.JQLFilter = &w.Filter
	}
	for name, raw := range spelling.Filters {
		a.Filters[name] = raw
	}
	return a
}
