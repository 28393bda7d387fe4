package matcher_test

import (
	"fmt"
	"slices"

	"hookline/jql"
	"hookline/matcher"
)

func ExampleIndex() {
	project, status := jql.Field{Name: "project"}, jql.Field{Name: "status"}
	is := func(f jql.Field, term string) jql.Node { return &jql.Test{Field: f, Terms: []string{term}} }

	x := matcher.New()
	x.Update([]matcher.Entry{
		{ID: 1, Filter: jql.NewFilter(is(project, "ex"))},
		{ID: 2, Filter: jql.NewFilter(&jql.AllOf{Nodes: []jql.Node{is(project, "ex"), is(status, "done")}})},
		{ID: 3, Filter: jql.NewFilter(is(project, "other"))},
	}, nil)

	issue := map[jql.Field]string{project: "ex", status: "done"}
	v := x.View()
	var e matcher.Event
	e.Reset(v)
	for slot, field := range v.Fields() {
		if term, ok := issue[field]; ok {
			e.Add(slot, []byte(term))
		}
	}
	ids := v.Match(nil, &e)
	slices.Sort(ids)
	fmt.Println(ids)
	// Output: [1 2]
}
