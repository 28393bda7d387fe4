package server

import (
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"sort"

	"github.com/valyala/fasthttp"
)

// Sizes of a page of a list.
const (
	usualLimit = 100
	maxLimit   = 1000
)

// page is the part of a list that a request asks for: what comes after a mark, which is "" for the list's beginning.
type page struct {
	list  string
	limit int
	after string
}

// page reads the parameters limit and cursor of a list.
func (q *query) page(list string) page {
	p := page{list: list, limit: q.limit()}
	if text := q.text("cursor"); text != "" {
		var ok bool
		if p.after, ok = openCursor(list, text); !ok {
			q.badCursor()
		}
	}
	return p
}

// limit reads the parameter limit of a list.
func (q *query) limit() int {
	switch n := q.number("limit"); {
	case n > maxLimit:
		q.wrong("The parameter limit is %d; at most %d are listed at once", n, maxLimit)
	case n > 0:
		return int(n)
	}
	return usualLimit
}

// badCursor is also for marks that turn out to mean nothing where they are used.
func (q *query) badCursor() {
	q.wrong("The parameter cursor is none of this list's; use next of an answer as it is, or leave it out to begin anew")
}

// cursor returns what leads on from a mark, and "" for the mark "" of a list that is at its end.
func (p page) cursor(mark string) string {
	if mark == "" {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint32([]byte(mark), checksum(p.list, mark)))
}

// openCursor returns the mark in a cursor. Cursors hold no secret and open nothing; the checksum tells those that were
// cut, made up, or taken from another list.
func openCursor(list, text string) (mark string, ok bool) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	n := len(raw) - 4
	if err != nil || n < 1 {
		return "", false
	}
	mark = string(raw[:n])
	return mark, binary.BigEndian.Uint32(raw[n:]) == checksum(list, mark)
}

func checksum(list, mark string) uint32 { return crc32.ChecksumIEEE([]byte(list + "\n" + mark)) }

// listing is the answer with a page of a list. Next is the cursor of the next page, "" where there is none.
type listing[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty"`
}

func answerList[T any](ctx *fasthttp.RequestCtx, items []T, next string) {
	if items == nil {
		items = []T{}
	}
	answer(ctx, 200, listing[T]{Items: items, Next: next})
}

// answerPage answers the page of a list that is in memory, in order of the names of its entries.
func answerPage[E, V any](ctx *fasthttp.RequestCtx, p page, list []E, name func(E) string, view func(E) V) {
	from := 0
	if p.after != "" {
		from = sort.Search(len(list), func(i int) bool { return name(list[i]) > p.after })
	}
	to := min(from+p.limit, len(list))
	views := make([]V, 0, to-from)
	for _, entry := range list[from:to] {
		views = append(views, view(entry))
	}
	next := ""
	if to < len(list) {
		next = p.cursor(name(list[to-1]))
	}
	answerList(ctx, views, next)
}
