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

// check checks items by themselves. A filter that is in the list of those that are registered already is not held to the
// registry's limits, which may have been others then.
func (r *Registry) check(rules *Rules, info *webhook.Tenant, env jql.Env, items []Item, registered ...string) []checkedItem {
	checked := make([]checkedItem, len(items))
	if !rules.filtered() {
		for i, item := range items {
			checked[i].Item = item
		}
		return checked
	}
	free := rules.Dialect(info, env)
	limited := *free
	limited.Limits = r.limits.Filter
	for i, item := range items {
		c := &checked[i]
		c.Item = item
		dialect := &limited
		if slices.Contains(registered, item.Filter) {
			dialect = free
		}
		if _, f, err := Compile(item.Filter, dialect); err != nil {
			c.problems = append(c.problems, err)
		} else {
			c.filter = f
		}
		c.Events = c.list("events", item.Events)
		c.FieldIDs = c.list("fieldIDs", item.FieldIDs)
		c.PropertyKeys = c.list("propertyKeys", item.PropertyKeys)
		if len(item.Events) == 0 && !rules.NoEvents {
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

// Compile reads a filter that a dialect accepts. Errors: *jql.SyntaxError or *jql.CheckError.
func Compile(src string, d *jql.Dialect) (*jql.Query, *jql.Filter, error) {
	q, err := jql.Parse(src)
	if err != nil {
		return nil, nil, err
	}
	if err := d.Check(q); err != nil {
		return nil, nil, err
	}
	f, err := jql.Compile(q, d.Env)
	if err != nil {
		return nil, nil, err
	}
	return q, f, nil
}
