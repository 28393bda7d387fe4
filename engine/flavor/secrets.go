package flavor

import (
	"errors"
	"fmt"

	"hookline/engine/sign"
	"hookline/engine/webhook"
)

// Secrets opens the secrets of an app. One that does not open, as its key was taken away, is passed over as long as
// there is another; the error is about there being none.
func Secrets(a *webhook.App, keys *sign.Keyring) ([]sign.Secret, error) {
	var open []sign.Secret
	var problems []error
	for _, sealed := range a.Secrets {
		secret, err := keys.Open(sealed, a.SecretRecord())
		if err != nil {
			problems = append(problems, err)
			continue
		}
		open = append(open, secret)
	}
	if len(open) > 0 {
		return open, nil
	}
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("the secrets of app %s: %w", a.Key, err)
	}
	return nil, nil
}

// Secret opens the secret that requests to the app are signed with. It is empty where the app has none.
func (d *Delivery) Secret() (sign.Secret, error) {
	if d.App == nil || len(d.App.Secrets) == 0 {
		return sign.Secret{}, nil
	}
	secret, err := d.Keys.Open(d.App.Secrets[0], d.App.SecretRecord())
	if err != nil {
		return sign.Secret{}, fmt.Errorf("the secret of app %s: %w", d.App.Key, err)
	}
	return secret, nil
}
