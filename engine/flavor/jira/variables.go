package jira

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"hookline/engine/event"
	"hookline/engine/webhook"
)

// variables are the names that may stand in a callback URL as ${name} or {name}, each with the places in a body that
// its value is read from: the first that has one counts. Jira's guides list the names of both ages, but for those of
// issue links, of which they only say that there are some; these are named as in the body.
var variables = map[string][]event.Path{
	"issue.id":                     {{"issue", "id"}, {"worklog", "issueId"}},
	"issue.key":                    {{"issue", "key"}},
	"project.id":                   {{"project", "id"}, {"issue", "fields", "project", "id"}, {"version", "projectId"}},
	"project.key":                  {{"project", "key"}, {"issue", "fields", "project", "key"}},
	"version.id":                   {{"version", "id"}},
	"mergedVersion.id":             {{"mergedTo", "id"}},
	"sprint.id":                    {{"sprint", "id"}},
	"board.id":                     {{"board", "id"}, {"configuration", "id"}},
	"comment.id":                   {{"comment", "id"}},
	"worklog.id":                   {{"worklog", "id"}},
	"attachment.id":                {{"attachment", "id"}},
	"property.key":                 {{"property", "key"}},
	"issueLink.sourceIssueId":      {{"issueLink", "sourceIssueId"}},
	"issueLink.destinationIssueId": {{"issueLink", "destinationIssueId"}},
	modifiedUser + accountID:       {{"user", accountID}},
	modifiedUser + "key":           {{"user", "key"}},
	modifiedUser + "name":          {{"user", "name"}},
}

const (
	modifiedUser = "modifiedUser."
	accountID    = "accountId"
)

// eachPart takes a URL apart: each gets the text before a variable and the name of the variable, and at the end the
// text after the last one with no name. What only looks like a variable is text.
func eachPart(url string, each func(text, name string)) {
	text, rest := 0, 0
	for {
		open := strings.IndexByte(url[rest:], '{')
		if open < 0 {
			break
		}
		open += rest
		rest = open + 1
		length := strings.IndexByte(url[rest:], '}')
		if length < 0 {
			break
		}
		name := url[rest : rest+length]
		if variables[name] == nil {
			continue
		}
		each(strings.TrimSuffix(url[text:open], "$"), name)
		rest += length + 1
		text = rest
	}
	each(url[text:], "")
}

// namesIn returns the names of the variables in a URL, each once.
func namesIn(url string) []string {
	if strings.IndexByte(url, '{') < 0 {
		return nil
	}
	var names []string
	eachPart(url, func(_, name string) {
		if name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	})
	return names
}

// checkVariables refuses variables where they would choose the receiver.
func checkVariables(url string) error {
	start := 0
	if at := strings.Index(url, "://"); at >= 0 {
		start = at + len("://")
	}
	end := len(url)
	if at := strings.IndexAny(url[start:], "/?#"); at >= 0 {
		end = start + at
	}
	if strings.ContainsAny(url[:end], "{}") {
		return &webhook.InvalidError{Problem: "the URL has a variable in its scheme, host or port; variables are replaced in path and query only"}
	}
	return nil
}

// maxTarget bounds the URL of a request in bytes. A registered one has up to webhook.MaxURL, but what a variable
// stands for may be any text of an event.
const maxTarget = 16 << 10

var typePath, actorPath = event.Path{"webhookEvent"}, event.Path{"user", accountID}

// callbackURL returns the URL of a request about an event: that of the webhook with its variables replaced, and with who caused
// the event at its end, where that is known.
func callbackURL(registered string, body []byte) (string, error) {
	names := namesIn(registered)
	paths := append(make([]event.Path, 0, 2+3*len(names)), typePath, actorPath)
	for _, name := range names {
		paths = append(paths, variables[name]...)
	}
	texts := event.Texts(body, paths...)
	about, known := event.Lookup(texts[0])
	actor, values := texts[1], map[string]string{}
	// The user of a user event is the one that was changed; who changed it is not told.
	ofUser := known && about.Family == event.User
	if ofUser {
		actor = ""
	}
	at := 2
	for _, name := range names {
		next := at + len(variables[name])
		if ofUser || !strings.HasPrefix(name, modifiedUser) {
			values[name] = cmp.Or(texts[at:next]...)
		}
		at = next
	}
	url := appendUser(expand(registered, values), actor)
	if len(url) > maxTarget {
		return "", fmt.Errorf("jira: the URL has %d bytes with its variables replaced; at most %d are sent", len(url), maxTarget)
	}
	return url, nil
}

// expand puts values in the place of variables; one without a value leaves nothing.
func expand(url string, values map[string]string) string {
	if len(values) == 0 && strings.IndexByte(url, '{') < 0 {
		return url
	}
	var out strings.Builder
	eachPart(url, func(text, name string) {
		out.WriteString(text)
		out.WriteString(escape(values[name]))
	})
	return out.String()
}

// appendUser ends a URL with the user parameters, or leaves it alone where there is no user.
func appendUser(url, actor string) string {
	if actor == "" {
		return url
	}
	joint := "?"
	if strings.Contains(url, "?") {
		joint = "&"
		if strings.HasSuffix(url, "?") || strings.HasSuffix(url, "&") {
			joint = ""
		}
	}
	actor = escape(actor)
	return url + joint + "user_id=" + actor + "&user_key=" + actor
}

// escape writes a text as a component of a URI: all but the unreserved characters of RFC 3986, section 2.3, is
// percent-encoded.
func escape(text string) string {
	const digits = "0123456789ABCDEF"
	plain := strings.IndexFunc(text, func(r rune) bool { return r > '~' || !unreserved(byte(r)) })
	if plain < 0 {
		return text
	}
	out := append(make([]byte, 0, len(text)+16), text[:plain]...)
	for i := plain; i < len(text); i++ {
		if c := text[i]; unreserved(c) {
			out = append(out, c)
		} else {
			out = append(out, '%', digits[c>>4], digits[c&15])
		}
	}
	return string(out)
}

func unreserved(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	}
	return c == '-' || c == '.' || c == '_' || c == '~'
}
