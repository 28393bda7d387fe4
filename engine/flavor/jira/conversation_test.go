package jira_test

import (
	"regexp"
	"testing"
	"time"

	"hookline/engine/flavor/flavortest"
	"hookline/engine/flavor/jira"
)

var dates = regexp.MustCompile(`"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000"`)

// settings are those of the house of a file; Jira's own where nothing is named.
var settings = map[string]jira.DynamicOptions{
	"refusals_settings.txt": {Patch: true, SeedEvents: true, FailedConnectOnly: true, ConnectLimit: 1},
}

// credentials write the Authorization of a request by their names in the files; nobody in particular is app ci.
var credentials = map[string]func(method, path string) string{
	"":          func(string, string) string { return "Bearer " + tokenCI },
	"anna":      func(string, string) string { return "Bearer " + tokenAnna },
	"based":     func(string, string) string { return "Bearer " + tokenBased },
	"anonymous": func(string, string) string { return "" },
	"publisher": func(string, string) string { return "Bearer " + tokenAcme },
	"admin":     func(string, string) string { return "Bearer " + tokenAdmin },
	"rival":     func(string, string) string { return "Bearer " + tokenRivalCI },
	"signer":    signed,
	"elsewhere": func(method, path string) string { return signed(method, path+"/other") },
	"late": func(method, path string) string {
		return jwt("signer", secretSigner, method, path, "", time.Now().Add(-time.Hour))
	},
	"early": func(method, path string) string {
		return jwt("signer", secretSigner, method, path, "", time.Now().Add(time.Hour))
	},
	"forger":        func(method, path string) string { return jwt("signer", secretRival, method, path, "", time.Now()) },
	"mobile":        func(method, path string) string { return jwt("mobile", secretMobile, method, path, "", time.Now()) },
	"gibberish":     func(string, string) string { return "JWT gibberish" },
	"unknown-token": func(string, string) string { return "Bearer a token of nobody's" },
}

// TestConversations plays the files of testdata, each in a house of its own.
func TestConversations(t *testing.T) {
	t.Parallel()
	flavortest.Conversations(t, "testdata/*.txt", func(t *testing.T, file string, exchanges []flavortest.Exchange) {
		h := newHouse(t, settings[file])
		h.signers()
		for _, x := range exchanges {
			path := "/t/acme" + x.Path
			a := h.call(x.Method, path, credentials[x.By](x.Method, path), x.Body, "")
			h.WantAnswer(x, a, dates, `"<date>"`)
		}
	})
}
