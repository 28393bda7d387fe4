package flavortest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"hookline/engine/flavor"
)

// Subject is a flavour in a house of its own, with what a suite has to know of its API.
type Subject struct {
	*House
	Flavor flavor.Flavor

	// Requests are one for each route that is carried out when it is sent with Own, its path below the tenant; what
	// the paths and bodies name is there, in acme.
	Requests []Request

	// Own writes the Authorization of a request to acme that is good for it. Refused write those that are not, by name.
	Own     func(method, target string) string
	Refused map[string]func(method, target string) string

	// Message returns the message of an answer in the system's error form, and "" for an answer in any other.
	Message func(Answer) string

	// Strict says that bodies with a member that is not known are refused; otherwise it is passed over.
	Strict bool
}

// Run checks the rules that every flavour keeps, whatever its API looks like. It opens several subjects, as some of what
// it does cannot be taken back.
func Run(t *testing.T, open func(t testing.TB) *Subject) {
	for name, rule := range map[string]func(*Subject){
		"routes": (*Subject).routes, "credentials": (*Subject).credentials, "bodies": (*Subject).bodies, "members": (*Subject).members,
		"sizes": (*Subject).sizes, "methods": (*Subject).methods, "paths": (*Subject).paths,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			rule(s)
			if n := s.panics(); n != 0 {
				t.Errorf("%v panics", n)
			}
		})
	}
}

// prefix addresses acme.
const prefix = "/t/acme"

// own sends a request to acme as its owner.
func (s *Subject) own(r Request) Answer {
	s.T.Helper()
	r.Path = prefix + r.Path
	r.Authorization = s.Own(r.Method, r.Path)
	return s.Send(r)
}

// refused fails the test unless an answer is a 4xx in the system's error form.
func (s *Subject) refused(what string, r Request, a Answer, statuses ...int) {
	s.T.Helper()
	if r.Method == http.MethodHead && a.Status > 399 && a.Status < 500 {
		return // nothing more can be seen of it
	}
	wrong := len(statuses) > 0 && !slices.Contains(statuses, a.Status)
	if a.Status < 400 || a.Status > 499 || wrong || s.Message(a) == "" {
		s.T.Errorf("%s: %s %s %s is answered %d %.300s\nwant %v in the system's error form", what, r.Method, r.Path, excerpt(r.Body), a.Status, a.Body, statuses)
	}
}

// civil fails the test unless an answer is a 2xx, or a 4xx in the system's error form.
func (s *Subject) civil(what string, r Request, a Answer) {
	s.T.Helper()
	if a.Status < 200 || a.Status > 299 {
		s.refused(what, r, a)
	}
}

func excerpt(body string) string { return body[:min(len(body), 200)] }

// routes: every route has a request, and every request is carried out. The ones that delete come last.
func (s *Subject) routes() {
	for _, route := range s.Flavor.Routes() {
		if !slices.ContainsFunc(s.Requests, func(r Request) bool { return matches(route, r) }) {
			s.T.Errorf("the suite has no request for %s %s", route.Method, route.Path)
		}
	}
	requests := slices.Clone(s.Requests)
	slices.SortStableFunc(requests, func(a, b Request) int {
		return strings.Compare(fmt.Sprint(a.Method == http.MethodDelete), fmt.Sprint(b.Method == http.MethodDelete))
	})
	for _, r := range requests {
		if a := s.own(r); a.Status < 200 || a.Status > 299 {
			s.T.Errorf("%s %s is answered %d %s", r.Method, r.Path, a.Status, a.Body)
		}
	}
}

// matches says whether a request is one of a route, whose parameters stand for one part of the path each.
func matches(route flavor.Route, r Request) bool {
	path, _, _ := strings.Cut(r.Path, "?")
	want, got := strings.Split(route.Path, "/"), strings.Split(path, "/")
	return route.Method == r.Method && slices.EqualFunc(want, got, func(w, g string) bool {
		return w == g || strings.HasPrefix(w, "{")
	})
}

// credentials: no route is open to anyone else, and where nobody is known the answer says how to become somebody.
func (s *Subject) credentials() {
	refusals := map[string]func(string, string) string{
		"nobody": func(string, string) string { return "" }, "an empty scheme": func(string, string) string { return "Bearer" },
		"nonsense":   func(string, string) string { return "Bearer nobody has this token" },
		"no token":   func(string, string) string { return "Basic " },
		"no JWT":     func(string, string) string { return "JWT a.b.c" },
		"rival's":    func(string, string) string { return "Bearer " + TokenRival },
		"rival's, 2": func(string, string) string { return "bearer  " + TokenRival },
	}
	for name, of := range s.Refused {
		refusals[name] = of
	}
	before := s.reads()
	for _, r := range s.Requests {
		r.Path = prefix + r.Path
		for name, of := range refusals {
			r.Authorization = of(r.Method, r.Path)
			a := s.Send(r)
			s.refused(name, r, a, 401, 403)
			if a.Status == 401 && a.Header.Get("WWW-Authenticate") == "" {
				s.T.Errorf("%s: %s %s: no WWW-Authenticate", name, r.Method, r.Path)
			}
		}
	}
	s.unchanged(before)
}

// reads are what the requests that only read are answered.
func (s *Subject) reads() []string {
	var all []string
	for _, r := range s.Requests {
		if r.Method == http.MethodGet {
			all = append(all, s.own(r).Body)
		}
	}
	return all
}

func (s *Subject) unchanged(before []string) {
	s.T.Helper()
	if after := s.reads(); !slices.Equal(before, after) {
		s.T.Errorf("requests that were refused have changed something\nfrom %s\nto   %s", before, after)
	}
}

// panics is how many requests have panicked.
func (s *Subject) panics() float64 {
	s.T.Helper()
	families, err := s.Metrics.Gather()
	if err != nil {
		s.T.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "hookline_panics_recovered_total" {
			return f.GetMetric()[0].GetCounter().GetValue()
		}
	}
	s.T.Fatal("panics are not counted")
	return 0
}
