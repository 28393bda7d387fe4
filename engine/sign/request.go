package sign

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"unicode/utf8"
)

// Request is the part of a request that a Connect JWT is bound to.
type Request struct {
	Method string

	// URL is the URL as it goes over the wire, with variables substituted and parameters added: absolute, or path
	// and query as in a request line. A fragment does not count.
	URL string

	// BasePath is the path of the app's base URL, spelled as in URL. A path that starts with it is hashed without
	// it. Empty strips nothing.
	BasePath string
}

// Hash returns the query string hash: the SHA-256 of the canonical request in lower-case hexadecimal digits.
func (r Request) Hash() string {
	var buf [256]byte
	sum := sha256.Sum256(r.appendCanonical(buf[:0]))
	return hex.EncodeToString(sum[:])
}

// Canonical returns the canonical request, METHOD&path&query. Two requests with the same one have the same hash, so
// it is what to look at when a receiver computes another.
//
// The path is the wire's but for the base path, one trailing slash, and & as %26. The parameters are decoded, sorted
// by name and value in the order of code points, and encoded by RFC 3986; the values of one name are joined by
// commas, and jwt is left out. Malformed escapes stand for themselves. A byte that is not UTF-8 becomes U+FFFD.
func (r Request) Canonical() string {
	return string(r.appendCanonical(nil))
}

func (r Request) appendCanonical(dst []byte) []byte {
	path, query := splitURL(r.URL)
	dst = append(dst, strings.ToUpper(r.Method)...)
	dst = append(dst, '&')
	dst = appendPath(dst, strings.TrimPrefix(path, r.BasePath))
	dst = append(dst, '&')
	return appendQuery(dst, query)
}

// splitURL returns path and query without decoding anything. net/url would refuse URLs that a receiver takes.
func splitURL(url string) (path, query string) {
	url, _, _ = strings.Cut(url, "#")
	path, query, _ = strings.Cut(url, "?")
	scheme, rest, absolute := strings.Cut(path, "://")
	if !absolute || strings.Contains(scheme, "/") {
		return path, query
	}
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		return rest[i:], query
	}
	return "", query
}

func appendPath(dst []byte, path string) []byte {
	if path == "" || path[0] != '/' {
		dst = append(dst, '/')
	}
	if path != "/" {
		path = strings.TrimSuffix(path, "/")
	}
	for i := range len(path) {
		if path[i] == '&' {
			dst = append(dst, "%26"...)
			continue
		}
		dst = append(dst, path[i])
	}
	return dst
}

type param struct{ name, value string }

func appendQuery(dst []byte, query string) []byte {
	var few [8]param
	params := few[:0]
	for field := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(field, "=")
		p := param{decode(name), decode(value)}
		if field != "" && p.name != "jwt" {
			params = append(params, p)
		}
	}
	slices.SortFunc(params, func(a, b param) int {
		return cmp.Or(strings.Compare(a.name, b.name), strings.Compare(a.value, b.value))
	})
	for i, p := range params {
		if i > 0 && p.name == params[i-1].name {
			dst = append(dst, ',')
		} else {
			if i > 0 {
				dst = append(dst, '&')
			}
			dst = append(appendEncoded(dst, p.name), '=')
		}
		dst = appendEncoded(dst, p.value)
	}
	return dst
}

// decode undoes the encoding of a parameter.
func decode(s string) string {
	if strings.ContainsAny(s, "%+") {
		s = unescape(s)
	}
	if !utf8.ValidString(s) {
		s = string([]rune(s))
	}
	return s
}

func unescape(s string) string {
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '+':
			b = append(b, ' ')
		case '%':
			if i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]) {
				b = append(b, unhex(s[i+1])<<4|unhex(s[i+2]))
				i += 2
				continue
			}
			b = append(b, c)
		default:
			b = append(b, c)
		}
	}
	return string(b)
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c&^0x20 - 'A' + 10
}

// appendEncoded percent-encodes every byte but RFC 3986's unreserved ones. [net/url.QueryEscape] writes a space as +.
func appendEncoded(dst []byte, s string) []byte {
	const digits = "0123456789ABCDEF"
	for i := range len(s) {
		c := s[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
			c == '-' || c == '.' || c == '_' || c == '~' {
			dst = append(dst, c)
			continue
		}
		dst = append(dst, '%', digits[c>>4], digits[c&15])
	}
	return dst
}
