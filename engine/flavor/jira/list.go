package jira

import (
	"fmt"
	"strconv"
	"time"

	"hookline/engine/flavor"
	"hookline/engine/webhook"
)

type listedWebhook struct {
	ID           int64    `json:"id"`
	JQLFilter    string   `json:"jqlFilter"`
	FieldIDs     []string `json:"fieldIdsFilter,omitempty"`
	PropertyKeys []string `json:"issuePropertyKeysFilter,omitempty"`
	Events       []string `json:"events"`
	Expiration   string   `json:"expirationDate,omitempty"`
	URL          string   `json:"url"`
}

type page struct {
	Self       string          `json:"self"`
	NextPage   string          `json:"nextPage,omitempty"`
	MaxResults int             `json:"maxResults"`
	StartAt    int             `json:"startAt"`
	Total      int             `json:"total"`
	IsLast     bool            `json:"isLast"`
	Values     []listedWebhook `json:"values"`
}

// maxPage is both the default and the most that one page of a list holds.
const maxPage = 100

func (d *Dynamic) list(c *call) {
	start, ok := c.number("startAt", 0)
	if !ok {
		return
	}
	size, ok := c.number("maxResults", maxPage)
	if !ok {
		return
	}
	size = min(size, maxPage)
	all, err := c.Registry.List(c.caller.Owner, DynamicFlavor)
	if err != nil {
		c.refuse(err)
		return
	}
	from := min(start, len(all))
	to := min(from+size, len(all))
	p := page{
		Self: c.pageURL(start, size), MaxResults: size, StartAt: start, Total: len(all),
		IsLast: to == len(all), Values: make([]listedWebhook, 0, to-from),
	}
	if !p.IsLast && size > 0 {
		p.NextPage = c.pageURL(to, size)
	}
	for _, w := range all[from:to] {
		p.Values = append(p.Values, listed(w))
	}
	answer(c.HTTP, 200, p)
}

func listed(w *webhook.Webhook) listedWebhook {
	l := listedWebhook{
		ID: w.ID, JQLFilter: w.Filter, FieldIDs: w.FieldIDs, PropertyKeys: w.PropertyKeys, Events: w.Events, URL: w.URL,
	}
	if !w.Expires.IsZero() {
		l.Expiration = date(w.Expires)
	}
	return l
}

// date is how Jira prints times: in UTC, with milliseconds and an offset without colon.
func date(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000-0700") }

func (c *call) number(name string, absent int) (int, bool) {
	raw := c.HTTP.QueryArgs().Peek(name)
	if len(raw) == 0 {
		return absent, true
	}
	n, err := strconv.Atoi(string(raw))
	if err != nil || n < 0 {
		fail(c.HTTP, 400, fmt.Sprintf("%s is %q; a number from 0 up is expected.", name, raw))
		return 0, false
	}
	return n, true
}

// pageURL is the address of a page of the list under the name by which the client called.
func (c *call) pageURL(start, size int) string {
	return fmt.Sprintf("%s?startAt=%d&maxResults=%d", flavor.ExternalURL(c.HTTP), start, size)
}
