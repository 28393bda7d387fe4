package flavortest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// bodies: what is no JSON object is refused, and changes nothing.
func (s *Subject) bodies() {
	before := s.reads()
	for _, r := range s.Requests {
		if r.Body == "" {
			continue
		}
		good := r.Body
		for _, body := range []string{
			"", " ", "{", "null", "[]", "7", "true", `"x"`, "[" + good + "]", good + good, good + "x", good[:len(good)-1], "\xef\xbb\xbf" + good,
			strings.ReplaceAll(good, `"`, `'`), "{\"\xff\":1}", `{"a":}`, `{a:1}`, strings.Repeat("[", 100_000), strings.Repeat(`{"a":`, 100_000), "\x00",
		} {
			r.Body = body
			s.refused("a bad body", r, s.own(r), 400)
		}
	}
	s.unchanged(before)
}

// members: one of another type is refused, or means nothing; one that is not known is as the flavour says.
func (s *Subject) members() {
	for _, r := range s.Requests {
		if r.Body == "" {
			continue
		}
		var good map[string]json.RawMessage
		if err := json.Unmarshal([]byte(r.Body), &good); err != nil {
			s.T.Fatalf("%v in the body of %s %s", err, r.Method, r.Path)
		}
		for _, name := range slices.Sorted(maps.Keys(good)) {
			for _, value := range []string{`null`, `true`, `-1`, `1e400`, `""`, `"\u0000"`, `"\ud800"`, `"` + strings.Repeat("x", 70_000) + `"`, `[]`, `[null]`,
				`[[]]`, `{}`, `{"":{}}`, manyOf(good[name])} {
				s.sendWith(r, good, name, value)
			}
		}
		r.Body = with(good, "a member that nobody knows", `[{}]`)
		if a := s.own(r); s.Strict {
			s.refused("an unknown member", r, a, 400)
		} else {
			s.civil("an unknown member", r, a)
		}
	}
}

func (s *Subject) sendWith(r Request, good map[string]json.RawMessage, name, value string) {
	s.T.Helper()
	r.Body = with(good, name, value)
	s.civil("member "+name, r, s.own(r))
}

// with is an object with one member in place of its own, or beside the others.
func with(object map[string]json.RawMessage, name, value string) string {
	changed := maps.Clone(object)
	changed[name] = json.RawMessage(value)
	var parts []string
	for _, n := range slices.Sorted(maps.Keys(changed)) {
		parts = append(parts, fmt.Sprintf("%q:%s", n, changed[n]))
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// manyOf is a list with very many elements like those of a value that is one.
func manyOf(value json.RawMessage) string {
	var list []json.RawMessage
	if json.Unmarshal(value, &list) != nil || len(list) == 0 {
		return "[" + strings.Repeat("0,", 200_000) + "0]"
	}
	n := min(20_000, 900_000/(len(list[0])+1))
	return "[" + strings.Repeat(string(list[0])+",", n) + string(list[0]) + "]"
}

// sizes: what is too large, or packed, is refused before it is looked at.
func (s *Subject) sizes() {
	for _, r := range s.Requests {
		if r.Body == "" {
			continue
		}
		head := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: %s\r\n", r.Method, prefix+r.Path, s.Own(r.Method, prefix+r.Path))
		s.refused("a huge body", r, s.Raw(head+"Content-Length: 99999999\r\n\r\n"), 413)
		// Of these two the server knows no path any more, and with it no system whose form it could answer in.
		s.Want(s.Raw(head+"Transfer-Encoding: chunked\r\n\r\n5f5e0ff\r\n"), 413, "")
		s.Want(s.Raw(head+"X-Long: "+strings.Repeat("x", 100_000)+"\r\n\r\n"), 431, "")
		packed := r
		packed.Header = map[string]string{"Content-Encoding": "gzip"}
		s.refused("a packed body", r, s.own(packed), 415)
		long := r
		long.Path += "?q=" + strings.Repeat("x", 1000)
		s.civil("a long query", long, s.own(long))
	}
}

// methods: what a path does not know is 405 and says what it knows, or 404 where the path could be that of a thing which
// is not there. OPTIONS asks what there is.
func (s *Subject) methods() {
	known := map[string][]string{}
	for _, r := range s.Requests {
		path, _, _ := strings.Cut(r.Path, "?")
		known[path] = append(known[path], r.Method)
	}
	for path, methods := range known {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"} {
			if slices.Contains(methods, method) {
				continue
			}
			r := Request{Method: method, Path: path, Body: "{}"}
			a := s.own(r)
			s.refused("another method", r, a, 404, 405)
			for _, m := range methods {
				if a.Status == 405 && !strings.Contains(a.Header.Get("Allow"), m) {
					s.T.Errorf("%s %s: Allow is %q; want %s in it", method, path, a.Header.Get("Allow"), m)
				}
			}
		}
		if a := s.own(Request{Method: http.MethodOptions, Path: path}); a.Status > 299 || a.Header.Get("Allow") == "" {
			s.T.Errorf("OPTIONS %s is answered %d, Allow %q", path, a.Status, a.Header.Get("Allow"))
		}
	}
}

// paths: what is no path of the flavour's is 404 in its form, whoever asks; and no detour leads past the credentials.
func (s *Subject) paths() {
	base := s.Flavor.Base()
	for _, r := range s.Requests {
		path, _, _ := strings.Cut(r.Path, "?")
		for _, wrong := range []string{path + "/", path + "/x/y/z", path + "%2f", path + "%00", path + ";x", path + ".json", strings.ToUpper(path), base + "nothing/here"} {
			if !strings.HasPrefix(wrong, base) {
				continue // no client of the system asks for it
			}
			x := Request{Method: r.Method, Path: wrong, Body: r.Body}
			s.refused("a wrong path", x, s.own(x), 400, 404, 405)
		}
		for _, detour := range []string{"/t/rival/../acme" + path, "/t/rival/%2e%2e/acme" + path, "//t//acme/" + path, "/t/%61cme" + path, "/./t/acme/." + path} {
			x := Request{Method: r.Method, Path: detour, Body: r.Body, Token: TokenRival}
			s.refused("a detour", x, s.Send(x), 401, 403, 404, 405)
		}
		x := Request{Method: r.Method, Path: "/t/nobody" + r.Path, Body: r.Body, Authorization: s.Own(r.Method, "/t/nobody"+r.Path)}
		s.refused("no such tenant", x, s.Send(x), 404)
	}
}
