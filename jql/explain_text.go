package jql

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Text is the explanation for people: a line with the verdict, then one for every clause, with ✓ or ✗ for
// whether it holds, and with what was found and where. A NOT directly before a clause counts as part of it. A ">"
// in front marks the lines on which the verdict rests. Colour says the same again with ANSI escapes.
//
// Long texts are cut, and characters that a terminal would not print are escaped. Every line ends in a line feed.
func (e *Explanation) Text(colour bool) string {
	p := printer{colour: colour}
	verdict, style := "does not match", red
	if e.Holds {
		verdict, style = "matches", green
	}
	p.style(verdict, bold, style)
	if e.Reason != "" && (e.JQL == "" || e.Reason == reasonNoIssue) {
		p.b.WriteString(": " + e.Reason)
	}
	p.b.WriteByte('\n')
	if e.JQL != "" {
		p.add(e, "", 0, nil)
	}
	p.print(e.Reason == reasonNoIssue)
	return p.b.String()
}

// The widths to which the parts of a line are cut, in characters.
const (
	leadWidth   = 32
	clauseWidth = 44
	closeWidth  = 8
	reasonWidth = 120
	pathWidth   = 60
)

const (
	bold  = "1"
	dim   = "2"
	red   = "31"
	green = "32"
)

type printer struct {
	b      strings.Builder
	colour bool
	lines  []printedLine
}

// printedLine is one clause. The lead has what joins it to the line before and the groups that begin with it, and
// closed is how many end with it.
type printedLine struct {
	lead, clause    string
	closed          int
	holds, decisive bool
	reason, path    string
}

// add makes the lines of a condition: lead comes before the first, depth is how far the others are indented. A
// NOT around a clause gives it its verdict.
func (p *printer) add(e *Explanation, lead string, depth int, not *Explanation) {
	if e.Join == "" {
		line := printedLine{lead: lead, clause: e.JQL, holds: e.Holds, decisive: e.Decisive, reason: e.Reason}
		if not != nil {
			line.holds = not.Holds
		}
		if len(e.Found) > 0 {
			line.path = e.Found[0].Path
		}
		p.lines = append(p.lines, line)
		return
	}
	indent := strings.Repeat("  ", depth)
	for i, part := range e.Parts {
		word := ""
		switch {
		case e.Join == "NOT":
			word = lead + "NOT "
			if not == nil {
				not = e
			}
		case i == 0:
			word = lead
		default:
			word = indent + e.Join + " "
		}
		if part.Join == "AND" || part.Join == "OR" {
			p.add(part, word+"(", depth+1, nil)
			p.lines[len(p.lines)-1].closed++
		} else {
			p.add(part, word, depth, not)
		}
	}
}

// print writes the lines in columns.
func (p *printer) print(bare bool) {
	width := 0
	for i := range p.lines {
		l := &p.lines[i]
		l.clause = cut(l.lead, leadWidth) + fitted(l.clause, clauseWidth) + cut(strings.Repeat(")", l.closed), closeWidth)
		width = max(width, utf8.RuneCountInString(l.clause))
	}
	for _, l := range p.lines {
		margin, mark, markStyle, style := "  ", "✗ ", red, dim
		if l.decisive {
			margin, style = "> ", bold
		}
		if l.holds {
			mark, markStyle = "✓ ", green
		}
		p.b.WriteString(margin)
		p.style(mark, markStyle)
		p.style(l.clause, style)
		if !bare {
			p.b.WriteString(strings.Repeat(" ", width-utf8.RuneCountInString(l.clause)))
			p.detail("  "+fitted(l.reason, reasonWidth), l.decisive)
			if l.path != "" {
				p.style("  "+fitted(l.path, pathWidth), dim)
			}
		}
		p.b.WriteByte('\n')
	}
}

func (p *printer) detail(text string, decisive bool) {
	if decisive {
		p.b.WriteString(text)
	} else {
		p.style(text, dim)
	}
}

// style writes text, with escapes around it if there is to be colour.
func (p *printer) style(text string, codes ...string) {
	if !p.colour {
		p.b.WriteString(text)
		return
	}
	p.b.WriteString("\x1b[" + strings.Join(codes, ";") + "m" + text + "\x1b[0m")
}

// fitted is a text as it can be printed in so many characters.
func fitted(text string, width int) string { return cut(Printable(cut(text, width)), width) }

// Printable escapes what is not a letter, mark, number, sign or blank, as it may drive a terminal or turn the
// order of the text around. Names and values in errors and canonical texts are as they were written and need it
// before a person's terminal shows them.
func Printable(text string) string {
	if strings.IndexFunc(text, func(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError }) < 0 {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if unicode.IsPrint(r) {
			b.WriteRune(r)
			continue
		}
		quoted := strconv.QuoteRune(r)
		b.WriteString(quoted[1 : len(quoted)-1])
	}
	return b.String()
}
