package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"
)

// demoSite is a small Jira site in which people work: it keeps the issues, and every step changes one and
// returns the body of the event that tells of it. The same steps are taken in every demo.
type demoSite struct {
	random *rand.Rand
	issues []*demoIssue // the latest ones; older issues are no longer worked on
	newest map[*demoProject]int
	number int // of the latest thing that has one
}

// The site's JSON, in the order in which Jira writes it.
type (
	demoEventBody struct {
		Timestamp int64          `json:"timestamp"`
		Event     string         `json:"webhookEvent"`
		TypeName  string         `json:"issue_event_type_name,omitempty"`
		User      *demoUser      `json:"user,omitempty"`
		Issue     *demoIssue     `json:"issue"`
		Comment   *demoComment   `json:"comment,omitempty"`
		Changelog *demoChangelog `json:"changelog,omitempty"`
	}
	demoIssue struct {
		ID         string         `json:"id"`
		Self       string         `json:"self"`
		Key        string         `json:"key"`
		Fields     demoFields     `json:"fields"`
		Properties map[string]any `json:"properties"`
	}
	demoFields struct {
		Summary     string       `json:"summary"`
		IssueType   *demoNamed   `json:"issuetype"`
		Project     *demoProject `json:"project"`
		Status      *demoNamed   `json:"status"`
		Priority    *demoNamed   `json:"priority"`
		Assignee    *demoUser    `json:"assignee"`
		Reporter    *demoUser    `json:"reporter"`
		Labels      []string     `json:"labels"`
		Epic        *string      `json:"customfield_10014"`
		Created     string       `json:"created"`
		Updated     string       `json:"updated"`
		Description string       `json:"description"`
	}
	demoNamed struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	}
	demoProject struct {
		ID   string `json:"id"`
		Key  string `json:"key"`
		Name string `json:"name"`
	}
	demoUser struct {
		AccountID string `json:"accountId"`
		Type      string `json:"accountType"`
		Name      string `json:"displayName"`
		Active    bool   `json:"active"`
		TimeZone  string `json:"timeZone"`
	}
	demoComment struct {
		ID      string    `json:"id"`
		Author  *demoUser `json:"author"`
		Body    string    `json:"body"`
		Created string    `json:"created"`
	}
	demoChangelog struct {
		ID    string       `json:"id"`
		Items []demoChange `json:"items"`
	}
	demoChange struct {
		Field    string  `json:"field"`
		Type     string  `json:"fieldtype"`
		FieldID  string  `json:"fieldId"`
		From     *string `json:"from"`
		FromText *string `json:"fromString"`
		To       *string `json:"to"`
		ToText   *string `json:"toString"`
	}
)

var (
	demoProjects = []*demoProject{{"10000", "DEMO", "Demonstration"}, {"10001", "SHOP", "Web shop"}, {"10002", "OPS", "Operations"}}
	demoTypes    = []*demoNamed{{"10001", "Story"}, {"10002", "Task"}, {"10004", "Bug"}}
	demoStatuses = []*demoNamed{{"10000", "To Do"}, {"3", "In Progress"}, {"10010", "In Review"}, {"10011", "Done"}}
	demoRanks    = []*demoNamed{{"1", "Highest"}, {"2", "High"}, {"3", "Medium"}, {"4", "Low"}}
	demoTeams    = []string{"north", "east", "south", "west"}
	demoPeople   = []*demoUser{
		newDemoUser("70121:d1", "Noor Haddad", "Europe/Vienna"), newDemoUser("70121:d2", "Tomás Ferreira", "Europe/Lisbon"),
		newDemoUser("70121:d3", "Wei Zhang", "Asia/Singapore"), newDemoUser("70121:d4", "Ida Lindqvist", "Europe/Stockholm"),
		newDemoUser("70121:d5", "Kofi Mensah", "Africa/Accra"),
	}
	demoTopics = []string{
		"Search forgets the second page", "Invoices show yesterday's prices", "The nightly copy takes nine hours",
		"Sign-in asks twice on old phones", "Basket loses items after midnight", "Alerts come in the wrong order",
	}
	demoRemarks = []string{
		"I can see it here as well.", "Fixed on my side; could somebody look at it?", "Let us talk about this on Thursday.",
		"The cause is a clock that is two minutes late.", "Moved to the next release, nobody is waiting for it.",
	}
)

func newDemoUser(id, name, zone string) *demoUser {
	return &demoUser{AccountID: id, Type: "atlassian", Name: name, Active: true, TimeZone: zone}
}

// demoKept is the number of issues that are worked on.
const demoKept = 300

func newDemoSite() *demoSite {
	s := &demoSite{random: rand.New(rand.NewPCG(2026, 11)), newest: map[*demoProject]int{}, number: 10_000}
	for range demoKept {
		s.create(time.Now())
	}
	return s
}

// step lets something happen and returns the body of the event.
func (s *demoSite) step(now time.Time) []byte {
	body := demoEventBody{Timestamp: now.UnixMilli()}
	switch n := s.random.IntN(100); {
	case n < 15:
		body.Event, body.TypeName = "jira:issue_created", "issue_created"
		body.Issue = s.create(now)
		body.User = body.Issue.Fields.Reporter
	case n < 75:
		body.Event, body.TypeName = "jira:issue_updated", "issue_generic"
		body.User = choose(s.random, demoPeople)
		body.Issue = choose(s.random, s.issues)
		body.Issue.Fields.Updated = demoDate(now)
		body.Changelog = &demoChangelog{ID: s.next(), Items: []demoChange{s.change(&body.Issue.Fields)}}
	default:
		body.Event = "comment_created"
		body.Issue = choose(s.random, s.issues)
		body.Comment = &demoComment{
			ID: s.next(), Author: choose(s.random, demoPeople), Body: choose(s.random, demoRemarks), Created: demoDate(now),
		}
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(body); err != nil {
		panic(err) // nothing in it can fail
	}
	return bytes.TrimSpace(out.Bytes())
}

func (s *demoSite) next() string {
	s.number++
	return strconv.Itoa(s.number)
}

// create opens an issue, and lets go of the oldest when there are enough.
func (s *demoSite) create(now time.Time) *demoIssue {
	project := choose(s.random, demoProjects)
	s.newest[project]++
	id := s.next()
	i := &demoIssue{
		ID: id, Self: "https://demo.example/rest/api/2/issue/" + id, Key: fmt.Sprintf("%s-%d", project.Key, s.newest[project]),
		Fields: demoFields{
			Summary: choose(s.random, demoTopics), IssueType: choose(s.random, demoTypes), Project: project,
			Status: demoStatuses[0], Priority: choose(s.random, demoRanks), Assignee: s.assignee(),
			Reporter: choose(s.random, demoPeople), Labels: []string{"seen-by-customer"}, Epic: s.epic(),
			Created: demoDate(now), Updated: demoDate(now),
			Description: "It was fine last week. Steps: open the page, wait for a minute, and compare.",
		},
		Properties: map[string]any{"release": map[string]any{"team": choose(s.random, demoTeams), "train": s.random.IntN(20)}},
	}
	if len(s.issues) == demoKept {
		s.issues = append(s.issues[:0], s.issues[1:]...)
	}
	s.issues = append(s.issues, i)
	return i
}

// assignee is nobody for one issue in four.
func (s *demoSite) assignee() *demoUser {
	if s.random.IntN(4) == 0 {
		return nil
	}
	return choose(s.random, demoPeople)
}

func (s *demoSite) epic() *string {
	if s.random.IntN(3) > 0 {
		return nil
	}
	key := fmt.Sprintf("DEMO-%d", 1+s.random.IntN(4))
	return &key
}

// change changes a field and returns the entry for the change log.
func (s *demoSite) change(f *demoFields) demoChange {
	switch s.random.IntN(4) {
	case 0:
		before := f.Assignee
		f.Assignee = s.assignee()
		c := demoChange{Field: "assignee", Type: "jira", FieldID: "assignee"}
		if before != nil {
			c.From, c.FromText = &before.AccountID, &before.Name
		}
		if f.Assignee != nil {
			c.To, c.ToText = &f.Assignee.AccountID, &f.Assignee.Name
		}
		return c
	case 1:
		return s.rename("priority", &f.Priority, demoRanks)
	default:
		return s.rename("status", &f.Status, demoStatuses)
	}
}

func (s *demoSite) rename(field string, value **demoNamed, values []*demoNamed) demoChange {
	before := *value
	*value = choose(s.random, values)
	return demoChange{
		Field: field, Type: "jira", FieldID: field,
		From: &before.ID, FromText: &before.Name, To: &(*value).ID, ToText: &(*value).Name,
	}
}

func demoDate(t time.Time) string { return t.Format("2006-01-02T15:04:05.000-0700") }

func choose[T any](random *rand.Rand, from []T) T { return from[random.IntN(len(from))] }
