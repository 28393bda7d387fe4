package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"

	"github.com/spf13/cobra"
)

func newStatusCommand(io streams) *cobra.Command {
	c := &cobra.Command{
		Use: "status", Short: "Show how a server, or one tenant of it, is doing",
		Long: `Show how a server is doing: version, sizes of the queue, oldest delivery. With --tenant, the same of one
tenant. The exit code is 69 if the server is not there.`,
		Example: `  hookline status
  hookline status --tenant acme --json`,
		Args: noArgs,
	}
	r := addRemoteFlags(c, io)
	r.addTenantFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		where := path("v1", "status")
		if cmp.Or(r.tenant, os.Getenv("HOOKLINE_TENANT")) != "" {
			var err error
			if where, err = r.inTenant("status"); err != nil {
				return err
			}
		}
		var status map[string]any
		printed, err := r.do(c.Context(), request{method: http.MethodGet, path: where}, &status)
		if printed || err != nil {
			return err
		}
		return failed(facts(io, flatten("", status)...))
	}
	return c
}

// flatten turns an object into names and values: those of objects in it get their names in front.
func flatten(prefix string, object map[string]any) (pairs []any) {
	names := make([]string, 0, len(object))
	for name := range object {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if inner, ok := object[name].(map[string]any); ok {
			pairs = append(pairs, flatten(prefix+name+".", inner)...)
			continue
		}
		pairs = append(pairs, prefix+name, valueText(object[name]))
	}
	return pairs
}

// valueText is a JSON value in one line. Large numbers keep their digits.
func valueText(v any) string {
	if text, ok := v.(string); ok {
		return text
	}
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(text)
}
