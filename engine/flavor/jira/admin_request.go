package jira

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"time"
	"unicode/utf8"

	"hookline/engine/registry"
	"hookline/engine/webhook"
)

// filterSection is the one key of filters that Jira knows.
const filterSection = "issue-related-events-section"

// adminRequest is the body of a request to make or change a webhook. What is nil was not sent, or is null.
type adminRequest struct {
	Name        *string                    `json:"name"`
	Description *string                    `json:"description"`
	URL         *string                    `json:"url"`
	Events      *[]string                  `json:"events"`
	Filters     map[string]json.RawMessage `json:"filters"`
	JQLFilter   *string                    `json:"jqlFilter"`
	ExcludeBody *bool                      `json:"excludeBody"`
	NoDetails   *bool                      `json:"excludeIssueDetails"` // what the guide of 2019 calls excludeBody
	Secret      json.RawMessage            `json:"secret"`              // null is not the same as nothing here
	Enabled     *bool                      `json:"enabled"`
}

// written is how the owner spelt a webhook, which answers repeat.
type written struct {
	Filters   map[string]json.RawMessage `json:"filters,omitempty"` // all but the section
	JQLFilter bool                       `json:"jqlFilter,omitempty"`
	NoDetails bool                       `json:"excludeIssueDetails,omitempty"`
}

func writtenOf(s *webhook.Settings) written {
	var w written
	if s != nil && len(s.Written) > 0 {
		_ = json.Unmarshal(s.Written, &w) // it comes from edit
	}
	return w
}

// Bounds of what a webhook holds: characters of its name and description, bytes of its secret and of the parts of
// filters that mean nothing here.
const (
	maxName        = 255
	maxDescription = 4000
	maxSecret      = 1024
	maxOther       = 4096
)

// edit makes of a webhook, or of nothing, what the request asks for; what the request does not name stays. by is who
// asks. An error is a *webhook.InvalidError, or why the secret cannot be sealed.
func (r *adminRequest) edit(url *string, item *registry.Item, by string, seal func(string) (string, error)) error {
	var s webhook.Settings
	if item.Settings != nil {
		s = *item.Settings
	}
	spelling := writtenOf(&s)
	set(&s.Name, r.Name)
	set(&s.Description, r.Description)
	set(url, r.URL)
	set(&item.Events, r.Events)
	if r.Enabled != nil {
		s.Disabled = !*r.Enabled
	}
	if r.NoDetails != nil {
		s.ExcludeBody, spelling.NoDetails = *r.NoDetails, true
	}
	set(&s.ExcludeBody, r.ExcludeBody)
	if err := r.filter(&item.Filter, &spelling); err != nil {
		return err
	}
	if err := r.sealed(&s.Secret, seal); err != nil {
		return err
	}
	if err := bounded(&s); err != nil {
		return err
	}
	if err := checkVariables(*url); err != nil {
		return err
	}
	s.Updated, s.UpdatedBy = time.Now(), by
	var err error
	s.Written, err = json.Marshal(spelling)
	item.Settings = &s
	return err
}

func set[T any](field *T, to *T) {
	if to != nil {
		*field = *to
	}
}

// filter takes the filter from where the request has it. filters is replaced as a whole, and wins.
func (r *adminRequest) filter(filter *string, spelling *written) error {
	if r.JQLFilter != nil {
		*filter, spelling.JQLFilter = *r.JQLFilter, true
	}
	if r.Filters == nil {
		return nil
	}
	var section *string
	if raw, ok := r.Filters[filterSection]; ok {
		if err := json.Unmarshal(raw, &section); err != nil {
			return &webhook.InvalidError{Problem: "filters." + filterSection + " has to be a text"}
		}
	}
	switch {
	case section != nil:
		*filter = *section
	case r.JQLFilter == nil:
		*filter = ""
	}
	spelling.Filters = maps.Clone(r.Filters)
	delete(spelling.Filters, filterSection)
	size := 0
	for name, raw := range spelling.Filters {
		size += len(name) + len(raw)
	}
	if size > maxOther {
		return &webhook.InvalidError{Problem: fmt.Sprintf("filters has %d bytes beside %s; at most %d are allowed", size, filterSection, maxOther)}
	}
	return nil
}

// sealed takes the secret from the request; "" and null remove it.
func (r *adminRequest) sealed(sealed *string, seal func(string) (string, error)) error {
	if r.Secret == nil {
		return nil
	}
	var secret string
	if err := json.Unmarshal(r.Secret, &secret); err != nil {
		return &webhook.InvalidError{Problem: "secret has to be a text"}
	}
	if len(secret) > maxSecret {
		return &webhook.InvalidError{Problem: fmt.Sprintf("secret has %d bytes; at most %d are allowed", len(secret), maxSecret)}
	}
	*sealed = ""
	if secret == "" {
		return nil
	}
	var err error
	*sealed, err = seal(secret)
	return err
}

func bounded(s *webhook.Settings) error {
	if strings.TrimSpace(s.Name) == "" {
		return &webhook.InvalidError{Problem: "name is missing or empty"}
	}
	if n := utf8.RuneCountInString(s.Name); n > maxName {
		return &webhook.InvalidError{Problem: fmt.Sprintf("name has %d characters; at most %d are allowed", n, maxName)}
	}
	if n := utf8.RuneCountInString(s.Description); n > maxDescription {
		return &webhook.InvalidError{Problem: fmt.Sprintf("description has %d characters; at most %d are allowed", n, maxDescription)}
	}
	return nil
}
