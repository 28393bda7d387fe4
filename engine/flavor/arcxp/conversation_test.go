package arcxp_test

import (
	"regexp"
	"testing"

	"hookline/engine/flavor/arcxp"
	"hookline/engine/flavor/flavortest"
)

var dates = regexp.MustCompile(`"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"`)

// TestConversations plays the files of testdata, each in a house of its own.
func TestConversations(t *testing.T) {
	t.Parallel()
	flavortest.Conversations(t, "testdata/*.txt", func(t *testing.T, _ string, exchanges []flavortest.Exchange) {
		h := newHouse(t, arcxp.Options{})
		for _, x := range exchanges {
			h.WantAnswer(x, h.do(x.Method, "/t/acme"+x.Path, x.Body), dates, `"<date>"`)
		}
	})
}
