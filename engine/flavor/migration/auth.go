package migration

import (
	"errors"

	"hookline/engine/flavor"
	"hookline/engine/webhook"
)

// call is one request to the API by a Connect app.
type call struct {
	*flavor.Call
	app *webhook.App
}

func (c *call) owner() webhook.Owner { return webhook.Owner{Tenant: c.Tenant.ID, App: c.app.Key} }

// authenticated admits Connect apps: by a JWT that the app signed for this request with the secret that it
// shares with the tenant, or by its token.
func authenticated(handle func(*call)) flavor.Handler {
	return func(c *flavor.Call) {
		caller, err := c.Caller()
		var refused *flavor.RefusedError
		switch {
		case err == nil && caller.App.Kind == webhook.Connect:
			handle(&call{Call: c, app: caller.App})
		case err == nil, errors.Is(err, flavor.ErrNotApp):
			fail(c.HTTP, 403, "Only Connect apps can use this resource.")
		case errors.Is(err, flavor.ErrNoCredentials):
			c.HTTP.Response.Header.Set("WWW-Authenticate", "JWT")
			fail(c.HTTP, 401, "Authentication is required: send a JWT of the Connect app as Authorization: JWT.")
		case errors.As(err, &refused):
			flavor.Challenge(c.HTTP, err)
			fail(c.HTTP, 401, refused.Problem)
		default:
			c.HTTP.SetUserValue(flavor.ErrorKey, err)
			fail(c.HTTP, 500, "The app's secrets cannot be opened; see the server's log.")
		}
	}
}
