package main

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/spf13/cobra"
)

func newPolicyCommand(r *remote) *cobra.Command {
	var name, order string
	var rate float64
	c := &cobra.Command{
		Use: "policy ID", Short: "Choose by what policy, how often and in what order requests are made",
		Example: `  hookline webhooks policy 1000 --name steady --rate 0.5 --order issue
  hookline webhooks policy 1000 --name '' --rate 0 --order ''`,
		Args: needArgs(cobra.ExactArgs(1), "an ID"),
		RunE: func(c *cobra.Command, args []string) error {
			change := map[string]any{}
			if c.Flags().Changed("name") {
				change["policy"] = nullFor(name)
			}
			if c.Flags().Changed("rate") {
				change["rate"] = nullFor(rate)
			}
			if c.Flags().Changed("order") {
				change["order"] = nullFor(order)
			}
			if len(change) == 0 {
				return errors.New("nothing is to be changed; use --name, --rate or --order")
			}
			body, err := json.Marshal(change)
			if err != nil {
				return err
			}
			return r.showWebhook(c, request{method: http.MethodPatch, body: body}, args[0])
		},
	}
	c.Flags().StringVar(&name, "name", "", "a policy of the installation; '' is the flavour's own")
	c.Flags().Float64Var(&rate, "rate", 0, "requests per second at most; 0 leaves that to the installation")
	c.Flags().StringVar(&order, "order", "", "what is sent one after the other: issue, project or all; '' is nothing")
	return c
}

// nullFor is nil for a zero value, by which the API takes a setting back.
func nullFor[T comparable](value T) any {
	if value == *new(T) {
		return nil
	}
	return value
}

func newSignCommand(r *remote) *cobra.Command {
	var kind string
	c := &cobra.Command{
		Use: "sign ID", Short: "Sign requests in one way, and print what receivers verify them with",
		Long: `Sign requests in one way, with a new secret in the place of any other, from the next attempt on. What receivers
verify them with is printed: the secret, this once, or of ed25519 the public key.`,
		Args: needArgs(cobra.ExactArgs(1), "an ID"),
		RunE: func(c *cobra.Command, args []string) error {
			return r.printVerifier(c, http.MethodPut, nil, kind, args[0], "signing", kind)
		},
	}
	addKindFlag(c, &kind)
	return c
}

func newRotateSigningCommand(r *remote) *cobra.Command {
	var kind, overlap string
	var end bool
	c := &cobra.Command{
		Use: "rotate ID", Short: "Replace the secret of one way of signing, and print what takes its place",
		Long: `Replace the secret of one way of signing. The one before is used beside the new one for --overlap, or until --end.
What receivers verify requests with is printed: the secret, this once, or of ed25519 the public key.`,
		Args: needArgs(cobra.ExactArgs(1), "an ID"),
		RunE: func(c *cobra.Command, args []string) error {
			if end {
				path, err := r.inTenant("webhooks", args[0], "signing", kind, "end-overlap")
				if err != nil {
					return err
				}
				_, err = r.call(c.Context(), request{method: http.MethodPost, path: path})
				return err
			}
			body, err := json.Marshal(map[string]string{"overlap": overlap})
			if err != nil {
				return err
			}
			return r.printVerifier(c, http.MethodPost, body, kind, args[0], "signing", kind, "rotate")
		},
	}
	addKindFlag(c, &kind)
	c.Flags().StringVar(&overlap, "overlap", "24h", "how long the secret before is used as well, from 0s to 168h")
	c.Flags().BoolVar(&end, "end", false, "replace nothing; use the secrets before the present one no more")
	return c
}

func addKindFlag(c *cobra.Command, kind *string) {
	c.Flags().StringVar(kind, "kind", "standard", "the way: hub, standard or ed25519")
}

// printVerifier makes a request about a way of signing and prints what receivers verify with.
func (r *remote) printVerifier(c *cobra.Command, method string, body []byte, kind string, segments ...string) error {
	path, err := r.inTenant(append([]string{"webhooks"}, segments...)...)
	if err != nil {
		return err
	}
	member := "secret"
	if kind == "ed25519" {
		member = "publicKey"
	}
	return r.printMade(c, request{method: method, path: path, body: body}, member)
}

// newUnsignCommand ends signatures: of one way, or X-Hub-Signature wherever its secret is kept.
func newUnsignCommand(r *remote) *cobra.Command {
	var kind string
	c := newEach("unsign", "ID", "Sign requests no more", func(c *cobra.Command, id string) error {
		if kind == "hub" { // which may be the webhook's own
			return r.showWebhook(c, request{method: http.MethodPatch, body: []byte(`{"secret":null}`)}, id)
		}
		path, err := r.inTenant("webhooks", id, "signing", kind)
		if err != nil {
			return err
		}
		_, err = r.call(c.Context(), request{method: http.MethodDelete, path: path})
		return err
	})
	c.Flags().StringVar(&kind, "kind", "hub", "the way: hub, standard or ed25519")
	return c
}
