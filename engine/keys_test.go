package engine_test

import (
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"hookline/engine"
	"hookline/engine/sign"
	"hookline/engine/webhook"
)

// TestLostKey: without the key of its secrets a directory does not open, and nothing that is queued is given up.
func TestLostKey(t *testing.T) {
	fs := vfs.NewMem()
	r := newReceiver(t, func(int) int { return 200 })
	o := options(fs, r)
	o.SecretKeys = []sign.Secret{sign.NewSecret(strings.Repeat("ab", 32))}
	e := open(t, o)
	install(t, e)
	sealed, err := e.Keys().Seal(sign.NewSecret("a shared secret"), (&webhook.App{Tenant: owner.Tenant, Key: owner.App}).SecretRecord())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Registry().UpdateApp(ctx, owner.Tenant, owner.App, func(a *webhook.App) { a.Secrets = []string{sealed} }); err != nil {
		t.Fatal(err)
	}
	if err := e.Close(ctx); err != nil {
		t.Fatal(err)
	}
	without := o
	without.SecretKeys = nil
	if _, err := engine.Open(without); err == nil || !strings.Contains(err.Error(), "add its key to SecretKeys") {
		t.Errorf("opened without the key: %v", err)
	}
	o.SecretKeys = []sign.Secret{sign.NewSecret(strings.Repeat("cd", 32)), o.SecretKeys[0]}
	open(t, o)
}
