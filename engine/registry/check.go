package registry

import (
	"slices"

	"hookline/engine/webhook"
	"hookline/jql"
)

// Bounds of the lists of one Item: how many different entries a list may have, and the bytes of an entry.
const (
	maxList  = 100
	maxEntry = 255
)

// checkedItem is an Item with its lists free of repeats, its filter compiled, and all that is wrong with it
// whoever registers it.
type checkedItem struct {
	Item
	filter   *jql.Filter
	problems []error
}

func check(rules *Rules, info *webhook.Tenant, items []Item) []checkedItem {
	checked := make([]checkedItem, len(items))
	for i, item := range items {
		c := &checked[i]
		c.Item = item
		c.filter, c.problems = compile(item.Filter, rules.Dialect(info), info)
		c.Events = c.list("events", item.Events)
		c.FieldIDs = c.list("fieldIDs", item.FieldIDs)
		c.PropertyKeys = c.list("propertyKeys", item.PropertyKeys)
		if len(item.Events) == 0 {
			c.problems = append(c.problems, &NoEventsError{})
		}
		for _, name := range c.Events {
			if !rules.Event(name) {
				c.problems = append(c.problems, &EventError{Event: name})
			}
		}
	}
	return checked
}

// list returns a copy of a list without repeats, or notes that it is over the bounds.
func (c *checkedItem) list(name string, list []string) []string {
	seen := make(map[string]bool, min(len(list), maxList))
	var unique []string
	for _, entry := range list {
		if seen[entry] {
			continue
		}
		if len(unique) == maxList || len(entry) > maxEntry {
			c.problems = append(c.problems, &ListError{List: name, Entries: maxList, Bytes: maxEntry})
			return nil
		}
		seen[entry] = true
		unique = append(unique, entry)
	}
	return slices.Clip(unique)
}

// compile compiles a filter that a dialect accepts.
func compile(src string, d *jql.Dialect, info *webhook.Tenant) (*jql.Filter, []error) {
	q, err := jql.Parse(src)
	if err == nil {
		err = d.Check(q)
	}
	var f *jql.Filter
	if err == nil {
		f, err = jql.Compile(q, environment(info))
	}
	if err != nil {
		return nil, []error{err}
	}
	return f, nil
}

func environment(info *webhook.Tenant) jql.Env { return jql.Env{EpicLink: info.EpicLink} }
