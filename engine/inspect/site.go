package inspect

import (
	"encoding/json"
	"fmt"
	"os"

	"hookline/engine/webhook"
	"hookline/jql"
)

// ReadSite reads the settings of a site from a JSON file that has them as the server's API does: what
// GET /v1/tenants/{tenant} answers is such a file. Members that are no settings of a tenant are an error, as are
// settings that are not understood; the error names the file.
func ReadSite(path string) (jql.Env, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return jql.Env{}, err
	}
	// The members that a tenant has beside those of its site are passed over.
	var tenant struct {
		webhook.Site
		ID, Hosts, Tokens json.RawMessage
	}
	if err := strictly(text, &tenant); err != nil {
		return jql.Env{}, fmt.Errorf("%s: %w", path, err)
	}
	env, err := tenant.Env()
	if err != nil {
		return jql.Env{}, fmt.Errorf("%s: %w", path, err)
	}
	return env, nil
}
