package webhook

import "strings"

// deniedHeaders are headers that a registration may not set, in lower case.
var deniedHeaders = map[string]string{
	"host": aboutConnection, "connection": aboutConnection, "keep-alive": aboutConnection, "te": aboutConnection,
	"trailer": aboutConnection, "trailers": aboutConnection, "transfer-encoding": aboutConnection, "upgrade": aboutConnection,
	"expect": aboutConnection, "http2-settings": aboutConnection,
	"age": aboutCaches, "cache-control": aboutCaches, "clear-site-data": aboutCaches, "expires": aboutCaches,
	"pragma": aboutCaches, "warning": aboutCaches,
	"forwarded": aboutPath, "via": aboutPath, "x-real-ip": aboutPath, "x-client-ip": aboutPath, "true-client-ip": aboutPath,
	"metadata": aboutClouds, "metadata-flavor": aboutClouds, "x-hub-signature": aboutSender,
}

// deniedPrefixes are how headers begin that a registration may not set. The prefixes of clouds are those that Svix refuses,
// with those by which metadata services and Cloudflare know requests.
var deniedPrefixes = []struct{ prefix, why string }{
	{"content-", aboutBody}, {"proxy-", aboutConnection}, {"x-forwarded-", aboutPath},
	{"webhook-", aboutSender}, {"x-hub-signature-", aboutSender}, {"x-hookline-", aboutSender}, {"x-atlassian-webhook-", aboutSender},
	{"x-amz-", aboutClouds}, {"x-amzn-", aboutClouds}, {"x-aws-", aboutClouds}, {"x-google", aboutClouds}, {"x-goog-", aboutClouds},
	{"x-gfe", aboutClouds}, {"x-azure-", aboutClouds}, {"x-fd-", aboutClouds}, {"cf-", aboutClouds},
}

// What denied headers are about, as errors say it.
const (
	aboutConnection = "it belongs to the connection"
	aboutBody       = "it describes the body that is sent"
	aboutCaches     = "it is for caches"
	aboutPath       = "it tells which way a request came"
	aboutClouds     = "it means something to cloud services"
	aboutSender     = "the sender identifies and signs requests with it"
)

// CheckHeader reports a header that a registration may not have sent with its requests, as an [*InvalidError] that does not
// repeat the value: names that are none (RFC 9110, section 5.6.2), values with control characters or beyond ASCII, and headers
// that belong to the connection, the body (but for Content-Type), caches, proxies, clouds or the sender. Case does not
// matter, and _ is the same as -, as gateways make one of the other.
func CheckHeader(name, value string) error {
	if !token(name) {
		return invalid("there is a name that no header may have; use letters, digits and hyphens")
	}
	if why := denied(name); why != "" {
		return invalid("%s may not be set: %s", shortened(name), why)
	}
	for _, c := range []byte(value) {
		if c != '\t' && (c < ' ' || c > '~') {
			return invalid("the value of %s has a character that no header may have; use visible ASCII characters and blanks", shortened(name))
		}
	}
	return nil
}

// denied says why a header may not be set, "" where it may.
func denied(name string) string {
	name = strings.ReplaceAll(strings.ToLower(name), "_", "-")
	if name == "content-type" {
		return ""
	}
	if why, ok := deniedHeaders[name]; ok {
		return why
	}
	for _, d := range deniedPrefixes {
		if strings.HasPrefix(name, d.prefix) {
			return d.why
		}
	}
	return ""
}

func token(name string) bool {
	for _, c := range []byte(name) {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (c < '0' || c > '9') && !strings.ContainsRune("!#$%&'*+-.^_`|~", rune(c)) {
			return false
		}
	}
	return name != ""
}

// shortened keeps errors from growing with what they are about.
func shortened(name string) string { return name[:min(len(name), 100)] }
