package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"hookline/jql"
)

// remote is a running server as the commands that ask one see it.
type remote struct {
	server, tenant, token string
	json                  bool // answers are printed as they are, one JSON value a line

	io   streams
	http http.Client
}

// remoteTimeout bounds a request from its first byte to the last of its answer. Servers hold none back; it is for
// batches of events over slow lines.
const remoteTimeout = 5 * time.Minute

// defaultServer is where a server listens that was told nothing else.
const defaultServer = "http://127.0.0.1:8080"

// addRemoteFlags adds the flags that name a server to a command and those below it.
func addRemoteFlags(c *cobra.Command, io streams) *remote {
	r := &remote{io: io, http: http.Client{Timeout: remoteTimeout}}
	f := c.PersistentFlags()
	f.StringVar(&r.server, "server", "", "base URL of the server [HOOKLINE_SERVER] (default "+defaultServer+")")
	f.StringVar(&r.token, "token", "", "token of the tenant, or the admin token; the variables keep it out of the list of processes [HOOKLINE_TOKEN, HOOKLINE_ADMIN_TOKEN]")
	f.BoolVar(&r.json, "json", false, "print the server's answers, one JSON value a line")
	return r
}

// addTenantFlag adds the flag that names a tenant to a command and those below it.
func (r *remote) addTenantFlag(c *cobra.Command) {
	c.PersistentFlags().StringVarP(&r.tenant, "tenant", "t", "", "the tenant [HOOKLINE_TENANT]")
}

// inTenant returns the path of a resource of the tenant.
func (r *remote) inTenant(segments ...string) (string, error) {
	tenant := cmp.Or(r.tenant, os.Getenv("HOOKLINE_TENANT"))
	if tenant == "" {
		return "", errors.New("the tenant is missing; name it by --tenant, or in HOOKLINE_TENANT")
	}
	return path(append([]string{"t", tenant, "v1"}, segments...)...), nil
}

// path joins segments, each escaped.
func path(segments ...string) string {
	var b strings.Builder
	for _, s := range segments {
		b.WriteByte('/')
		b.WriteString(url.PathEscape(s))
	}
	return b.String()
}

// checkPath refuses names that lead elsewhere: servers decode a path before they look at its parts, so that to discard
// a delivery called "../webhooks/1000" would be to delete a webhook.
func checkPath(path string) error {
	for _, part := range strings.Split(path, "/")[1:] {
		if name, err := url.PathUnescape(part); err != nil || name == "" || name == "." || name == ".." || strings.Contains(name, "/") {
			return fmt.Errorf("%q names nothing", name)
		}
	}
	return nil
}

// request is a call of the server's API.
type request struct {
	method, path string
	query        url.Values
	header       http.Header
	body         []byte // JSON unless the header says otherwise; nil for none
}

// call makes a request and returns the body of the answer, which has one of the statuses below 300. Its errors carry
// exit codes.
func (r *remote) call(ctx context.Context, q request) ([]byte, error) {
	req, err := r.build(ctx, q)
	if err != nil {
		return nil, err
	}
	resp, err := r.http.Do(req)
	if err != nil {
		return nil, coded(exitUnavailable, err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, coded(exitUnavailable, fmt.Errorf("%s %s: reading the answer: %w", q.method, req.URL.Redacted(), err))
	}
	if resp.StatusCode >= 300 {
		return answer, refusedBy(resp, q.method, req.URL, answer)
	}
	return answer, nil
}

func (r *remote) build(ctx context.Context, q request) (*http.Request, error) {
	base := cmp.Or(r.server, os.Getenv("HOOKLINE_SERVER"), defaultServer)
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("--server is %q; use the base URL of a server, as in %s", base, defaultServer)
	}
	if err := checkPath(q.path); err != nil {
		return nil, err
	}
	target := strings.TrimSuffix(u.String(), "/") + q.path
	if len(q.query) > 0 {
		target += "?" + q.query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, q.method, target, bytes.NewReader(q.body))
	if err != nil {
		return nil, err
	}
	for name, values := range q.header {
		req.Header[name] = values
	}
	if q.body != nil && req.Header.Get("Content-Type") == "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if token := cmp.Or(r.token, os.Getenv("HOOKLINE_TOKEN"), os.Getenv("HOOKLINE_ADMIN_TOKEN")); token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return req, nil
}

// refusedBy is the error of an answer that is none: what the server says is wrong, and whether it is worth trying again.
func refusedBy(resp *http.Response, method string, u *url.URL, answer []byte) error {
	var problem struct {
		Error struct {
			Code, Message string
		}
	}
	text := strings.TrimSpace(string(answer))
	if json.Unmarshal(answer, &problem) == nil && problem.Error.Message != "" {
		text = problem.Error.Message
	}
	code := exitFailed
	if resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests {
		code = exitUnavailable
	}
	return coded(code, fmt.Errorf("%s %s: %d %s", method, u.Path, resp.StatusCode, jql.Printable(text)))
}

// get reads a resource into a value and, where JSON is asked for, prints it; then it returns true.
func (r *remote) get(ctx context.Context, path string, into any) (printed bool, err error) {
	return r.do(ctx, request{method: http.MethodGet, path: path}, into)
}

// do makes a request whose answer is read into a value or, where JSON is asked for, printed; then it returns true.
func (r *remote) do(ctx context.Context, q request, into any) (printed bool, err error) {
	answer, err := r.call(ctx, q)
	if err != nil {
		return false, err
	}
	if r.json {
		return true, failed(r.printAnswer(answer))
	}
	if into == nil || len(bytes.TrimSpace(answer)) == 0 {
		return false, nil
	}
	if err := json.Unmarshal(answer, into); err != nil {
		return false, failed(fmt.Errorf("%s %s: the answer cannot be read (%w); is this a Hookline server?", q.method, q.path, err))
	}
	return false, nil
}

// printAnswer prints an answer on one line. One without a body prints nothing.
func (r *remote) printAnswer(answer []byte) error {
	if len(bytes.TrimSpace(answer)) == 0 {
		return nil
	}
	var line bytes.Buffer
	if err := json.Compact(&line, answer); err != nil {
		return fmt.Errorf("the answer is not JSON (%w); is this a Hookline server?", err)
	}
	_, err := fmt.Fprintf(r.io.out, "%s\n", escaped(line.Bytes()))
	return err
}

// escaped is the same JSON with escapes for what may drive a terminal or turn the order of its text around. Tabs and line
// feeds stand between its parts only.
func escaped(text []byte) []byte {
	out := make([]byte, 0, len(text))
	for _, r := range string(text) {
		switch {
		case unicode.IsPrint(r) || r == '\n' || r == '\t':
			out = utf8.AppendRune(out, r)
		case r == '\r': // between its parts too, where it means nothing
		case r > 0xFFFF:
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
	}
	return out
}
