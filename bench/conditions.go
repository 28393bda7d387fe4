package bench

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// parseFilters returns n filters for [Parse], all of which the textbook grammar reads as well. Most are a
// chain of ANDs, as filters in the field are; the rest brings in OR, NOT and parentheses.
func parseFilters(seed uint64, n int) []string {
	c := conditions{rand.New(rand.NewPCG(seed, 1<<48))}
	filters := make([]string, n)
	for i := range filters {
		filters[i] = c.filter()
	}
	return filters
}

// conditions makes up conditions. A tenth of the keywords is written small.
type conditions struct{ random *rand.Rand }

// filter chains conditions up to a length of 56 to 134 bytes; with the last of them the mean is 120.
func (c conditions) filter() string {
	length := 56 + c.random.IntN(79)
	filter := "project = " + ProjectKey(c.random.IntN(20))
	if c.percent(10) {
		filter = "project " + c.keyword("IN") + " (" + ProjectKey(c.random.IntN(20)) + ", " + ProjectKey(c.random.IntN(20)) + ")"
	}
	for len(filter) < length {
		join := "AND"
		if c.percent(10) {
			join = "OR"
		}
		filter += " " + c.keyword(join) + " " + c.condition(2)
	}
	return filter
}

// condition is a clause or, at most depth levels deep, something made of clauses.
func (c conditions) condition(depth int) string {
	switch n := c.random.IntN(100); {
	case depth == 0 || n < 75:
		return c.clause()
	case n < 83:
		return c.keyword("NOT") + " " + c.condition(depth-1)
	case n < 96:
		return "(" + c.condition(depth-1) + " " + c.keyword("OR") + " " + c.condition(depth-1) + ")"
	}
	return "(" + c.condition(depth-1) + " " + c.keyword("AND") + " " + c.condition(depth-1) + ")"
}

func (c conditions) clause() string {
	random := c.random
	kinds := []func() string{
		func() string { return "status" + c.equals() + quoted(pick(random, statuses)) },
		func() string { return "status " + c.in(statuses) },
		func() string { return "issuetype" + c.equals() + pick(random, issueTypes) },
		func() string { return "issuetype " + c.in(issueTypes) },
		func() string { return "priority" + c.equals() + pick(random, priorities) },
		func() string { return "priority " + c.in(priorities) },
		func() string { return "assignee" + c.equals() + quoted(pick(random, people).account) },
		func() string {
			return "reporter" + c.equals() + fmt.Sprintf("5b10ac8d82e05b22cc7d%04x", random.IntN(1<<16))
		},
		func() string { return pick(random, []string{"assignee", "duedate"}) + c.equals() + c.keyword("EMPTY") },
		func() string { return `"Epic Link"` + c.equals() + c.issue() },
		func() string { return "issueKey " + c.in([]string{c.issue(), c.issue(), c.issue()}) },
		func() string { return "labels" + c.equals() + pick(random, teams) },
		func() string { return "'Story Points'" + c.equals() + fmt.Sprint(random.IntN(21)) },
	}
	return pick(random, kinds)()
}

func (c conditions) equals() string {
	if c.percent(25) {
		return " != "
	}
	return " = "
}

// in is IN or NOT IN and a list of one to all of the values.
func (c conditions) in(values []string) string {
	word := c.keyword("IN")
	if c.percent(25) {
		word = c.keyword("NOT") + " " + word
	}
	var items []string
	for _, i := range c.random.Perm(len(values))[:1+c.random.IntN(len(values))] {
		item := values[i]
		if strings.Contains(item, " ") || c.percent(30) {
			item = quoted(item)
		}
		items = append(items, item)
	}
	return word + " (" + strings.Join(items, ", ") + ")"
}

func (c conditions) issue() string {
	return fmt.Sprintf("%s-%d", ProjectKey(c.random.IntN(20)), 1+c.random.IntN(issues))
}

func (c conditions) keyword(word string) string {
	if c.percent(10) {
		return strings.ToLower(word)
	}
	return word
}

func (c conditions) percent(n int) bool { return c.random.IntN(100) < n }
