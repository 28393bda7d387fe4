package arcxp_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"hookline/engine/flavor/arcxp"
	"hookline/engine/flavor/flavortest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	flavortest.Run(t, func(t testing.TB) *flavortest.Subject {
		h := newHouse(t, arcxp.Options{})
		const path = "/migrations/v3/webhook"
		one := fmt.Sprint(path, "/", h.register("https://a.example/", "s").ID)
		bearer := func(token string) func(string, string) string {
			return func(string, string) string { return "Bearer " + token }
		}
		return &flavortest.Subject{
			House: h.House, Flavor: arcxp.New(arcxp.Options{}),
			Requests: []flavortest.Request{
				{Method: "POST", Path: path, Body: `{"endpoint":"https://b.example/","authToken":"t","subscriber":"other","isEnabled":true,"headers":{"A":"b"}}`},
				{Method: "GET", Path: path},
				{Method: "PATCH", Path: one, Body: `{"endpoint":"https://b.example/","authToken":"t","subscriber":"s","isEnabled":false,"headers":{"A":"b"}}`},
				{Method: "DELETE", Path: one},
			},
			Own:     bearer(tokenAcme),
			Refused: map[string]func(string, string) string{"an app": bearer(tokenApp)},
			Strict:  true,
			Message: func(a answer) string {
				var f struct{ Message string }
				_ = json.Unmarshal([]byte(a.Body), &f) // what is not in the form has no message
				return f.Message
			},
		}
	})
}
