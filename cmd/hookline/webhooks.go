package main

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/spf13/cobra"
)

// webhookView is a webhook as the server shows it.
type webhookView struct {
	ID           int64     `json:"id"`
	Flavor       string    `json:"flavor"`
	App          string    `json:"app"`
	User         string    `json:"user"`
	URL          string    `json:"url"`
	Filter       string    `json:"filter"`
	Events       []string  `json:"events"`
	FieldIDs     []string  `json:"fieldIds"`
	PropertyKeys []string  `json:"propertyKeys"`
	Name         string    `json:"name"`
	State        string    `json:"state"`
	Created      time.Time `json:"created"`
	Expires      time.Time `json:"expires"`
	Endpoint     struct {
		ID      uint64      `json:"id"`
		Paused  bool        `json:"paused"`
		Stopped string      `json:"stopped"`
		Signed  bool        `json:"signed"`
		Signing []string    `json:"signing"`
		Policy  string      `json:"policy"`
		Rate    json.Number `json:"rate"`
		Order   string      `json:"order"`
		Failing struct {
			Since     time.Time `json:"since"`
			Attempts  int       `json:"attempts"`
			DisableAt time.Time `json:"disableAt"`
		} `json:"failing"`
		Webhooks []int64 `json:"webhooks"`
	} `json:"endpoint"`
}

func newWebhooksCommand(io streams) *cobra.Command {
	c := newGroup("webhooks", "List the webhooks of a tenant, pause, sign and delete them",
		`List the webhooks of a tenant, those of every system in one list, and pause, sign or delete them.
Webhooks of one app with one URL may share a callback; pausing, enabling or signing one, or giving it a
policy, is doing it to all of these, and 'get' names them.`)
	r := addRemoteFlags(c, io)
	r.addTenantFlag(c)
	c.AddCommand(newWebhooksListCommand(r),
		newEach("get", "ID", "Show webhooks", func(c *cobra.Command, id string) error {
			return r.showWebhook(c, request{method: http.MethodGet}, id)
		}),
		newEach("pause", "ID", "Send nothing more; what is queued stays", func(c *cobra.Command, id string) error {
			return r.showWebhook(c, request{method: http.MethodPost}, id, "pause")
		}),
		newEach("resume", "ID", "Send again, first what has queued up", func(c *cobra.Command, id string) error {
			return r.showWebhook(c, request{method: http.MethodPost}, id, "resume")
		}),
		newEach("enable", "ID", "Send again after a 410, or a failure that lasted too long", func(c *cobra.Command, id string) error {
			return r.showWebhook(c, request{method: http.MethodPost}, id, "enable")
		}),
		newEach("unpark", "ID", "Queue again, as it was, what was given up when it was disabled", func(c *cobra.Command, id string) error {
			return r.showWebhook(c, request{method: http.MethodPost}, id, "unpark")
		}),
		newPolicyCommand(r), newSignCommand(r), newRotateSigningCommand(r),
		newEach("secret", "ID", "Make a new secret that signs requests, and print it, this once", r.newSecret),
		newUnsignCommand(r),
		newEach("delete", "ID", "Delete webhooks", func(c *cobra.Command, id string) error {
			path, err := r.inTenant("webhooks", id)
			if err != nil {
				return err
			}
			_, err = r.call(c.Context(), request{method: http.MethodDelete, path: path})
			return err
		}))
	return c
}

func newWebhooksListCommand(r *remote) *cobra.Command {
	l := listing[webhookView]{
		columns: "ID\tFLAVOR\tAPP\tSTATE\tEXPIRES\tURL\tEVENTS\tFILTER",
		row: func(w webhookView) []any {
			return []any{w.ID, w.Flavor, w.App, w.State, w.Expires, w.URL, w.Events, w.Filter}
		},
	}
	c := &cobra.Command{
		Use: "list", Short: "List webhooks", Args: noArgs,
		Example: `  hookline webhooks list --tenant acme
  hookline webhooks list --tenant acme --state paused --json`,
		RunE: func(c *cobra.Command, _ []string) error {
			path, err := r.inTenant("webhooks")
			if err != nil {
				return err
			}
			return l.print(c.Context(), r, path)
		},
	}
	l.addListFlags(c,
		filterFlag{name: "flavor", usage: "only of this flavour, as the list names it"},
		filterFlag{name: "app", usage: "only of this app"},
		filterFlag{name: "user", usage: "only of this user of an OAuth app"},
		filterFlag{name: "url", usage: "only with this URL"},
		filterFlag{name: "event", usage: "only for this event"},
		filterFlag{name: "state", usage: "only in this state: active, expired, disabled, stopped or paused"})
	return c
}

// showWebhook makes a request about a webhook and prints the webhook that is the answer.
func (r *remote) showWebhook(c *cobra.Command, q request, id string, action ...string) error {
	var err error
	if q.path, err = r.inTenant(append([]string{"webhooks", id}, action...)...); err != nil {
		return err
	}
	var w webhookView
	if printed, err := r.do(c.Context(), q, &w); printed || err != nil {
		return err
	}
	return failed(facts(r.io, "id", w.ID, "flavor", w.Flavor, "app", w.App, "user", w.User, "name", w.Name, "state", w.State,
		"url", w.URL, "events", w.Events, "filter", w.Filter, "field ids", w.FieldIDs, "property keys", w.PropertyKeys,
		"created", w.Created, "expires", w.Expires, "paused", w.Endpoint.Paused, "disabled for", w.Endpoint.Stopped, "signed", w.Endpoint.Signed,
		"signing", w.Endpoint.Signing, "policy", w.Endpoint.Policy, "rate", w.Endpoint.Rate, "order", w.Endpoint.Order,
		"failing since", w.Endpoint.Failing.Since, "will be disabled", w.Endpoint.Failing.DisableAt,
		"callback of", w.Endpoint.Webhooks))
}

func (r *remote) newSecret(c *cobra.Command, id string) error {
	path, err := r.inTenant("webhooks", id, "secret")
	if err != nil {
		return err
	}
	return r.printMade(c, request{method: http.MethodPost, path: path}, "secret")
}
