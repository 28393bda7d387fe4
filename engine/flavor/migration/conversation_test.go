package migration_test

import (
	"regexp"
	"testing"

	"hookline/engine/flavor/flavortest"
	"hookline/engine/flavor/migration"
)

// TestConversations plays the files of testdata, each in a house of its own, signed by app mover.
func TestConversations(t *testing.T) {
	t.Parallel()
	flavortest.Conversations(t, "testdata/*.txt", func(t *testing.T, _ string, exchanges []flavortest.Exchange) {
		h := newHouse(t, migration.Options{})
		for _, x := range exchanges {
			a := h.do(x.Method, "/t/acme"+x.Path, jwt("mover", secretMover, x.Method, x.Path), x.Body)
			h.WantAnswer(x, a, nothing, "")
		}
	})
}

// nothing in these answers differs from run to run.
var nothing = regexp.MustCompile(`$.`)
