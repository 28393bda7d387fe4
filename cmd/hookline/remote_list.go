package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"hookline/jql"
)

// maxPage is the most that the server lists at once.
const maxPage = 1000

// listing is a command that prints a list of the server, page by page.
type listing[T any] struct {
	columns string // separated by tabs
	row     func(T) []any
	limit   int // 0 for all
	query   url.Values
}

// addListFlags adds what all lists understand, and the filters that are handed on under their own names.
func (l *listing[T]) addListFlags(c *cobra.Command, filters ...filterFlag) {
	c.Flags().IntVar(&l.limit, "limit", 100, "print that many at most (0: all)")
	addFilterFlags(c, &l.query, filters...)
}

// filterFlag is a flag whose value becomes a query parameter.
type filterFlag struct {
	name, usage string
	time        bool // RFC 3339, or a duration that counts back from now
}

// The filters that several lists know.
var (
	webhookFilter = filterFlag{name: "webhook", usage: "only of the webhook with this number"}
	sinceFilter   = filterFlag{name: "since", usage: "only from this time on: RFC 3339, or a duration ago such as 90m", time: true}
	untilFilter   = filterFlag{name: "until", usage: "only before this time: RFC 3339, or a duration ago", time: true}
)

// addFilterFlags adds filters to a command. Their values are in the query when the command runs.
func addFilterFlags(c *cobra.Command, query *url.Values, filters ...filterFlag) {
	*query = url.Values{}
	for _, f := range filters {
		c.Flags().Var(&filterValue{name: f.name, time: f.time, query: *query}, f.name, f.usage)
	}
}

// filterValue is the value of a filter's flag.
type filterValue struct {
	name  string
	time  bool
	query url.Values
}

func (v *filterValue) String() string { return "" }

func (v *filterValue) Type() string {
	if v.time {
		return "time"
	}
	return "string"
}

func (v *filterValue) Set(text string) error {
	if v.time {
		at, err := parseTime(text, time.Now())
		if err != nil {
			return err
		}
		text = at.UTC().Format(time.RFC3339Nano)
	}
	v.query.Set(v.name, text)
	return nil
}

// parseTime reads a time, or a duration that counts back from now.
func parseTime(text string, now time.Time) (time.Time, error) {
	if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
		return now.Add(-ago), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return at, fmt.Errorf("%q is no time; use RFC 3339, as in 2026-03-01T09:00:00Z, or a duration ago, as in 90m", text)
	}
	return at, nil
}

// print prints the list at a path: a table, or a JSON object a line.
func (l *listing[T]) print(ctx context.Context, r *remote, path string) error {
	if l.limit < 0 {
		return fmt.Errorf("--limit is %d; use the number of lines, or 0 for all", l.limit)
	}
	table := tabwriter.NewWriter(r.io.out, 0, 0, 2, ' ', 0)
	if !r.json {
		fmt.Fprintln(table, l.columns)
	}
	left := l.limit
	for {
		page, next, err := l.page(ctx, r, path, left)
		if err != nil {
			return err
		}
		for _, item := range page {
			if err := l.printItem(r, table, item); err != nil {
				return failed(err)
			}
		}
		left -= len(page)
		if next == "" || l.limit > 0 && left <= 0 {
			if next != "" && !r.json {
				defer fmt.Fprintf(r.io.err, "there are more; use --limit\n")
			}
			return failed(table.Flush())
		}
		l.query.Set("cursor", next)
	}
}

func (l *listing[T]) page(ctx context.Context, r *remote, path string, left int) (items []json.RawMessage, next string, err error) {
	size := maxPage
	if l.limit > 0 {
		size = min(size, left)
	}
	l.query.Set("limit", strconv.Itoa(size))
	answer, err := r.call(ctx, request{method: http.MethodGet, path: path, query: l.query})
	if err != nil {
		return nil, "", err
	}
	var page struct {
		Items []json.RawMessage
		Next  string
	}
	if err := json.Unmarshal(answer, &page); err != nil {
		return nil, "", failed(fmt.Errorf("GET %s: the answer cannot be read (%w); is this a Hookline server?", path, err))
	}
	return page.Items, page.Next, nil
}

func (l *listing[T]) printItem(r *remote, table *tabwriter.Writer, item json.RawMessage) error {
	if r.json {
		return r.printAnswer(item)
	}
	var v T
	if err := json.Unmarshal(item, &v); err != nil {
		return fmt.Errorf("an item of the list cannot be read: %w", err)
	}
	writeRow(table, l.row(v))
	return nil
}

func writeRow(table *tabwriter.Writer, cells []any) {
	texts := make([]string, len(cells))
	for i, cell := range cells {
		texts[i] = cellText(cell)
	}
	fmt.Fprintln(table, strings.Join(texts, "\t"))
}

// cellText is a value as it stands in a table: "-" where there is none, and on one line.
func cellText(cell any) string {
	var text string
	switch v := cell.(type) {
	case time.Time:
		if !v.IsZero() {
			text = v.UTC().Format("2006-01-02T15:04:05Z")
		}
	case []string:
		text = strings.Join(v, ",")
	case []int64:
		for i, n := range v {
			if i > 0 {
				text += ","
			}
			text += strconv.FormatInt(n, 10)
		}
	default:
		text = fmt.Sprint(v)
	}
	if text == "" {
		return "-"
	}
	return jql.Printable(text)
}

// facts prints names and values, one pair a line.
func facts(io streams, pairs ...any) error {
	table := tabwriter.NewWriter(io.out, 0, 0, 2, ' ', 0)
	for i := 0; i+1 < len(pairs); i += 2 {
		writeRow(table, pairs[i:i+2])
	}
	return table.Flush()
}
