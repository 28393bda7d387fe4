package webhook_test

import (
	"errors"
	"net"
	"net/url"
	"strings"
	"testing"

	"hookline/engine/webhook"
)

func TestParseURL(t *testing.T) {
	t.Parallel()
	long := "https://h.example/" + strings.Repeat("a", webhook.MaxURL-len("https://h.example/"))
	tests := []struct {
		url   string
		plain bool
		want  string // part of the error; "" for none
	}{
		{url: "https://h.example"},
		{url: "https://h.example/hook?a=b&c=%20"},
		{url: "HTTPS://h.example/"},
		{url: "https://h.example:8443/"},
		{url: "https://192.0.2.1/"},
		{url: "https://[2001:db8::1]:8443/hook"},
		{url: "https://h.example/${issue.key}/{project.key}"},
		{url: "http://h.example/", plain: true},
		{url: long},
		{url: "", want: "the URL is missing"},
		{url: "", plain: true, want: "the URL is missing"},
		{url: long + "a", want: "at most 2048"},
		{url: "http://h.example/", want: "not https"},
		{url: "ftp://h.example/", want: `scheme is "ftp"`},
		{url: "ftp://h.example/", plain: true, want: `scheme is "ftp"`},
		{url: "h.example/hook", want: "not an absolute"},
		{url: "/hook", want: "not an absolute"},
		{url: "//h.example/hook", want: "not an absolute"},
		{url: "https:h.example", want: "not an absolute"},
		{url: "https:///hook", want: "not an absolute"},
		{url: "https://:443/hook", want: "not an absolute"},
		{url: "https://h.example:port/", want: "not an absolute"},
		{url: "https://h.example/%zz", want: "not an absolute"},
		{url: "https://[2001:db8::1/", want: "not an absolute"},
		{url: `https://good.example\@evil.example/`, want: "not an absolute"},
		{url: "javascript:alert(1)", want: "not an absolute"},
		{url: "https://h.example:0/", want: "port is 0"},
		{url: "https://h.example:65536/", want: "port is 65536"},
		{url: "https://h.example:99999999999999999999/", want: "port is"},
		{url: "https://user@h.example/", want: "user information"},
		{url: "https://user:secret@h.example/", want: "user information"},
		{url: "https://@h.example/", want: "user information"},
		{url: "https://h.example/#part", want: "fragment"},
		{url: "https://h.example/#", want: "fragment"},
		{url: "https://h.example/a b", want: "byte 0x20 at 19"},
		{url: "https://h.example/?q=a HTTP/1.1", want: "byte 0x20 at 22"},
		{url: "https://h.example/\r\nX: y", want: "byte 0x0d"},
		{url: "https://h.example/\x00", want: "byte 0x00"},
		{url: "https://h.example/\x7f", want: "byte 0x7f"},
		{url: "https://h.example/ä", want: "byte 0xc3"},
		{url: "https://ä.example/", want: "ASCII form"},
		{url: " https://h.example/", want: "byte 0x20 at 0"},
	}
	for _, tt := range tests {
		u, err := webhook.ParseURL(tt.url, tt.plain)
		if tt.want == "" {
			if err != nil || u == nil {
				t.Errorf("ParseURL(%q, %v): %v", tt.url, tt.plain, err)
			}
			continue
		}
		var invalid *webhook.InvalidError
		if !errors.As(err, &invalid) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("ParseURL(%q, %v): error %v; want an InvalidError with %q", tt.url, tt.plain, err, tt.want)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("ParseURL(%q): the error gives the password away: %v", tt.url, err)
		}
	}
}

func TestHostOf(t *testing.T) {
	t.Parallel()
	tests := []struct{ url, scheme, address string }{
		{"https://h.example", "https", "h.example:443"},
		{"http://h.example/x", "http", "h.example:80"},
		{"https://h.example:80/", "https", "h.example:80"},
		{"https://h.example:/", "https", "h.example:443"},
		{"HTTPS://h.example/", "https", "h.example:443"},
		{"https://H.Example.:0443/", "https", "h.example:443"},
		{"http://192.0.2.1:8080", "http", "192.0.2.1:8080"},
		{"https://[2001:db8::1]", "https", "[2001:db8::1]:443"},
		{"https://[2001:db8::1]:8443/", "https", "[2001:db8::1]:8443"},
	}
	for _, tt := range tests {
		u, err := webhook.ParseURL(tt.url, true)
		if err != nil {
			t.Errorf("ParseURL(%q): %v", tt.url, err)
			continue
		}
		if scheme, address := webhook.HostOf(u); scheme != tt.scheme || address != tt.address {
			t.Errorf("HostOf(%q) = %s, %s; want %s, %s", tt.url, scheme, address, tt.scheme, tt.address)
		}
	}
}

// FuzzParseURL holds what senders rely on: an accepted URL can be written into a request line as it is, and
// leads to an address that can be dialled.
func FuzzParseURL(f *testing.F) {
	for _, seed := range []string{
		"", "https://h.example/a?b#c", "http://u:p@h:1/", "https://[::1]:443", "https://[fe80::1%25eth0]/", "https:opaque",
		"https://h/%2e%2e/", "https://h/ HTTP/1.1", `https://h\@x/`, "https://h:0", "HTTP://H", "https://h/?", "https://h:",
	} {
		f.Add(seed, true)
		f.Add(seed, false)
	}
	f.Fuzz(func(t *testing.T, raw string, plain bool) {
		u, err := webhook.ParseURL(raw, plain)
		if err != nil {
			var invalid *webhook.InvalidError
			if !errors.As(err, &invalid) || u != nil {
				t.Fatalf("ParseURL(%q) = %v, %v; want an InvalidError alone", raw, u, err)
			}
			return
		}
		if strings.ContainsAny(raw, " \t\r\n\x00#") || len(raw) > webhook.MaxURL {
			t.Fatalf("ParseURL(%q) accepts what cannot be sent", raw)
		}
		if u.User != nil || u.Scheme != "https" && !(plain && u.Scheme == "http") {
			t.Fatalf("ParseURL(%q, %v) accepts %v", raw, plain, u)
		}
		scheme, address := webhook.HostOf(u)
		host, port, err := net.SplitHostPort(address)
		if err != nil || host == "" || host != strings.TrimSuffix(strings.ToLower(u.Hostname()), ".") || port == "" || scheme != u.Scheme {
			t.Fatalf("HostOf(%q) = %s, %s (%v)", raw, scheme, address, err)
		}
		if again, err := url.Parse(u.String()); err != nil || again.Hostname() != u.Hostname() {
			t.Fatalf("%q does not survive being printed: %v, %v", raw, again, err)
		}
	})
}
