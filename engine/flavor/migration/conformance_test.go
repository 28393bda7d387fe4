package migration_test

import (
	"encoding/json"
	"testing"
	"time"

	"hookline/engine/flavor/flavortest"
	"hookline/engine/flavor/migration"
	"hookline/engine/sign"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	flavortest.Run(t, func(t testing.TB) *flavortest.Subject {
		h := newHouse(t, migration.Options{})
		h.register("https://kept.example/")
		return &flavortest.Subject{
			House: h.House, Flavor: migration.New(migration.Options{}),
			Requests: []flavortest.Request{
				{Method: "PUT", Path: hook, Body: set("https://a.example/", "https://b.example/?x=%20")},
				{Method: "GET", Path: hook},
			},
			Own: func(method, target string) string { return jwt("mover", secretMover, method, target) },
			Refused: map[string]func(string, string) string{
				"the app of that key in rival": func(method, target string) string { return jwt("mover", secretMoverR, method, target) },
				"an OAuth app":                 func(string, string) string { return "Bearer " + tokenMobile },
				"the tenant":                   func(string, string) string { return "Bearer " + tokenAcme },
				"the administrator":            func(string, string) string { return "Bearer " + tokenAdmin },
				"too late": func(method, target string) string {
					return jwtAt(time.Now().Add(-time.Hour), "mover", secretMover, sign.Request{Method: method, URL: target})
				},
			},
			Message: func(a answer) string {
				var f struct {
					Message string `json:"message"`
					Status  int    `json:"statusCode"`
				}
				if json.Unmarshal([]byte(a.Body), &f) != nil || f.Status != a.Status {
					return ""
				}
				return f.Message
			},
		}
	})
}
