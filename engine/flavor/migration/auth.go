package migration

import (
	"errors"
	"strings"
	"time"

	"hookline/engine/flavor"
	"hookline/engine/sign"
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
		scheme, credential, _ := strings.Cut(string(c.HTTP.Request.Header.Peek("Authorization")), " ")
		credential = strings.TrimSpace(credential)
		var app *webhook.App
		switch {
		case credential == "":
			unauthorized(c, "JWT", "Authentication is required: send a JWT of the Connect app as Authorization: JWT.")
			return
		case strings.EqualFold(scheme, "jwt"):
			var err error
			if app, err = signer(c, credential); err != nil {
				unauthorized(c, "JWT", "The JWT is not accepted: "+problem(err)+".")
				return
			}
		case strings.EqualFold(scheme, "bearer"):
			caller, known := c.Registry.Authenticate(c.Tenant.ID, credential)
			if !known && !c.Admin && !c.Tenant.Admits(credential) {
				unauthorized(c, `Bearer error="invalid_token"`, "The token is not known in this tenant.")
				return
			}
			app = caller.App
		default:
			unauthorized(c, "JWT", "Authorization has a scheme that is not known here; use JWT, with a token of the Connect app.")
			return
		}
		if app == nil || app.Kind != webhook.Connect {
			fail(c.HTTP, 403, "Only Connect apps can use this resource.")
			return
		}
		handle(&call{Call: c, app: app})
	}
}

func unauthorized(c *flavor.Call, challenge, message string) {
	c.HTTP.Response.Header.Set("WWW-Authenticate", challenge)
	fail(c.HTTP, 401, message)
}

// errUnknown is about an app that is not in the tenant, or has no secret to check a token with. The two are not told
// apart: who has no valid token is not told which apps there are.
var errUnknown = errors.New("its issuer is no app with a shared secret in this tenant")

// signer returns the app that signed a token for this request.
func signer(c *flavor.Call, text string) (*webhook.App, error) {
	token, err := sign.Parse(text)
	if err != nil {
		return nil, err
	}
	app, ok := c.Registry.App(c.Tenant.ID, token.Issuer())
	if !ok {
		return nil, errUnknown
	}
	secrets, err := open(c.Keys, app)
	if err != nil {
		c.HTTP.SetUserValue(flavor.ErrorKey, err)
	}
	return app, verify(c, token, secrets)
}

// verify checks a token against the request as the client sent it. A client that was given the address of the tenant,
// /t/{tenant} included, for the address of a site hashes the path below it, as Connect does for a base URL.
func verify(c *flavor.Call, token *sign.Token, secrets []sign.Secret) error {
	prefix, _ := c.HTTP.UserValue(flavor.PrefixKey).(string)
	request := sign.Request{Method: string(c.HTTP.Method()), URL: string(c.HTTP.Request.Header.RequestURI())}
	_, err := token.Verify(request, time.Now(), secrets...)
	if errors.Is(err, sign.ErrRequest) && prefix != "" {
		request.BasePath = prefix
		_, err = token.Verify(request, time.Now(), secrets...)
	}
	if errors.Is(err, sign.ErrNoSecret) || errors.Is(err, sign.ErrSignature) {
		return errUnknown
	}
	if errors.Is(err, sign.ErrRequest) {
		return &wrongRequest{request.Canonical()}
	}
	return err
}

// wrongRequest tells an app, whose signature was right, what to hash.
type wrongRequest struct{ canonical string }

func (e *wrongRequest) Error() string {
	return "its qsh is not the hash of this request, whose canonical form is " + e.canonical
}

func problem(err error) string { return strings.TrimPrefix(err.Error(), "sign: ") }

// open returns the secrets of an app in the clear. One that cannot be opened is left out; the error is about the last.
func open(keys *sign.Keyring, app *webhook.App) ([]sign.Secret, error) {
	var secrets []sign.Secret
	var failed error
	for _, sealed := range app.Secrets {
		secret, err := keys.Open(sealed, app.SecretRecord())
		if err != nil {
			failed = err
			continue
		}
		secrets = append(secrets, secret)
	}
	return secrets, failed
}
