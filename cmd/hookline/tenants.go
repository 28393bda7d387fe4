package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/spf13/cobra"
)

// tenantSummary is a tenant as a list shows it, appSummary an app.
type tenantSummary struct {
	ID      string   `json:"id"`
	Hosts   []string `json:"hosts"`
	Dialect string   `json:"dialect"`
	Tokens  int      `json:"tokens"`
}

type appSummary struct {
	Key     string   `json:"key"`
	Kind    string   `json:"kind"`
	BaseURL string   `json:"baseURL"`
	Tokens  int      `json:"tokens"`
	Secrets int      `json:"secrets"`
	Users   []string `json:"users"`
}

func newTenantsCommand(io streams) *cobra.Command {
	c := newGroup("tenants", "List, make and delete tenants, their apps and tokens",
		`List, make, change and delete tenants, their apps and their tokens. This is the installation's API and needs the
admin token, if the server has one.`)
	r := addRemoteFlags(c, io)
	c.AddCommand(newTenantsListCommand(r), newAppsCommand(r),
		newEach("get", "TENANT", "Show tenants, as JSON", func(c *cobra.Command, id string) error {
			return r.printJSON(c, request{method: http.MethodGet, path: path("v1", "tenants", id)})
		}),
		newPutCommand(r, "put TENANT [FILE]", "Make a tenant, or change one", 1, func(args []string) string { return path("v1", "tenants", args[0]) }),
		newPutCommand(r, "put-app TENANT APP [FILE]", "Make an app, or change one", 2,
			func(args []string) string { return path("v1", "tenants", args[0], "apps", args[1]) }),
		newTokenCommand(r), newRotateCommand(r),
		newEach("delete", "TENANT", "Delete tenants with all that is registered and queued in them", func(c *cobra.Command, id string) error {
			_, err := r.call(c.Context(), request{method: http.MethodDelete, path: path("v1", "tenants", id)})
			return err
		}))
	return c
}

func newTenantsListCommand(r *remote) *cobra.Command {
	l := listing[tenantSummary]{
		columns: "ID\tHOSTS\tDIALECT\tTOKENS",
		row:     func(t tenantSummary) []any { return []any{t.ID, t.Hosts, t.Dialect, t.Tokens} },
	}
	c := &cobra.Command{
		Use: "list", Short: "List tenants", Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return l.print(c.Context(), r, path("v1", "tenants")) },
	}
	l.addListFlags(c)
	return c
}

func newAppsCommand(r *remote) *cobra.Command {
	l := listing[appSummary]{
		columns: "KEY\tKIND\tBASE URL\tTOKENS\tSECRETS\tUSERS",
		row: func(a appSummary) []any {
			return []any{a.Key, a.Kind, a.BaseURL, a.Tokens, a.Secrets, a.Users}
		},
	}
	c := &cobra.Command{
		Use: "apps TENANT", Short: "List the apps of a tenant", Args: needArgs(cobra.ExactArgs(1), "a tenant"),
		RunE: func(c *cobra.Command, args []string) error {
			return l.print(c.Context(), r, path("v1", "tenants", args[0], "apps"))
		},
	}
	l.addListFlags(c)
	return c
}

// newPutCommand makes a command that puts the JSON object in a file where the arguments before the file lead to.
func newPutCommand(r *remote, use, short string, names int, where func(args []string) string) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short,
		Long: short + `: a JSON object as PUT takes it, from a file ("-", or none, is standard input). Members that are left
out stay as they are; {} makes one with no settings.`,
		Args: needArgs(cobra.RangeArgs(names, names+1), "what it is about, and at most one file"),
		RunE: func(c *cobra.Command, args []string) error {
			file := "-"
			if len(args) > names {
				file = args[names]
			}
			body, err := readEvent(r.io.in, file)
			if err != nil {
				return failed(err)
			}
			return r.printJSON(c, request{method: http.MethodPut, path: where(args), body: body})
		},
	}
}

func newTokenCommand(r *remote) *cobra.Command {
	var app, user string
	c := &cobra.Command{
		Use: "token TENANT", Short: "Make a token of a tenant, or of an app, and print it, this once",
		Args: needArgs(cobra.ExactArgs(1), "a tenant"),
		RunE: func(c *cobra.Command, args []string) error {
			q := request{method: http.MethodPost, path: path("v1", "tenants", args[0], "tokens")}
			if app != "" {
				q.path = path("v1", "tenants", args[0], "apps", app, "tokens")
				q.body, _ = json.Marshal(map[string]string{"user": user}) // two strings
			} else if user != "" {
				return errors.New("--user is for tokens of apps; name the app by --app")
			}
			return r.printMade(c, q, "token")
		},
	}
	c.Flags().StringVar(&app, "app", "", "the app whose token it is (default: the tenant's own)")
	c.Flags().StringVar(&user, "user", "", "the user of an OAuth app whose token it is")
	return c
}

func newRotateCommand(r *remote) *cobra.Command {
	var end bool
	c := &cobra.Command{
		Use: "rotate TENANT APP", Short: "Make a new secret of an app, and print it, this once",
		Long: `Make a new secret of an app, which signs from now on, and print it, this once. The one before goes on to
verify what the app signs, until --end.`,
		Args: needArgs(cobra.ExactArgs(2), "a tenant and an app"),
		RunE: func(c *cobra.Command, args []string) error {
			secrets := path("v1", "tenants", args[0], "apps", args[1], "secrets")
			if end {
				_, err := r.call(c.Context(), request{method: http.MethodDelete, path: secrets + "/previous"})
				return err
			}
			return r.printMade(c, request{method: http.MethodPost, path: secrets}, "secret")
		},
	}
	c.Flags().BoolVar(&end, "end", false, "take away the secrets before the present one")
	return c
}

// printMade makes a request and prints what its answer shows once.
func (r *remote) printMade(c *cobra.Command, q request, member string) error {
	var made map[string]any
	if printed, err := r.do(c.Context(), q, &made); printed || err != nil {
		return err
	}
	_, err := fmt.Fprintln(r.io.out, made[member])
	return failed(err)
}

// printJSON makes a request and prints its answer, indented for people.
func (r *remote) printJSON(c *cobra.Command, q request) error {
	var answer json.RawMessage
	if printed, err := r.do(c.Context(), q, &answer); printed || err != nil {
		return err
	}
	text, err := json.MarshalIndent(answer, "", "  ")
	if err != nil {
		return failed(err)
	}
	_, err = fmt.Fprintf(r.io.out, "%s\n", escaped(text))
	return failed(err)
}
