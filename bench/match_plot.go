package bench

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
)

// PlotMatch writes a chart of results as an SVG document: the time of an event against the number of filters, both on logarithmic
// axes, for the index, the loop and the floor. Results without a time are left out.
func PlotMatch(w io.Writer, results []MatchResult) error {
	results = slices.DeleteFunc(slices.Clone(results), func(r MatchResult) bool { return r.NS <= 0 || r.NaiveNS <= 0 || r.FloorNS <= 0 })
	slices.SortStableFunc(results, func(a, b MatchResult) int { return cmp.Compare(a.Filters, b.Filters) })
	if len(results) == 0 {
		return &ConfigError{"there is nothing to plot"}
	}
	p := newPlot(results)
	p.begin()
	p.axes()
	p.series("loop over all filters", "#b3261e", func(r *MatchResult) float64 { return r.NaiveNS })
	p.series("index", "#1a56a8", func(r *MatchResult) float64 { return r.NS })
	p.series("floor", "#5f6b6d", func(r *MatchResult) float64 { return r.FloorNS })
	p.out("</svg>\n")
	_, err := io.WriteString(w, p.b.String())
	return err
}

// The chart in SVG's units.
const (
	plotWidth, plotHeight = 800, 520
	plotLeft, plotRight   = 80, 170 // the right side has room for names
	plotTop, plotBottom   = 50, 60
)

// plot writes one chart.
type plot struct {
	b       strings.Builder
	results []MatchResult
	x, y    decades
}

// decades is the range of a logarithmic axis, in powers of ten.
type decades struct{ from, to int }

// decadesOf is the smallest range with all values in it, one at least.
func decadesOf(values []float64) decades {
	from := int(math.Floor(math.Log10(slices.Min(values))))
	return decades{from, max(from+1, int(math.Ceil(math.Log10(slices.Max(values)))))}
}

// at is where a value stands, 0 to 1.
func (d decades) at(value float64) float64 {
	return (math.Log10(value) - float64(d.from)) / float64(d.to-d.from)
}

func newPlot(results []MatchResult) *plot {
	var filters, times []float64
	for _, r := range results {
		filters = append(filters, float64(r.Filters))
		times = append(times, r.NS, r.NaiveNS, r.FloorNS)
	}
	return &plot{results: results, x: decadesOf(filters), y: decadesOf(times)}
}

func (p *plot) out(format string, args ...any) { fmt.Fprintf(&p.b, format, args...) }

func (p *plot) left(filters float64) float64 {
	return plotLeft + p.x.at(filters)*(plotWidth-plotLeft-plotRight)
}

func (p *plot) top(ns float64) float64 {
	return plotHeight - plotBottom - p.y.at(ns)*(plotHeight-plotTop-plotBottom)
}

func (p *plot) begin() {
	p.out(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="13">`+"\n", plotWidth, plotHeight)
	p.out(`<rect width="100%%" height="100%%" fill="white"/>` + "\n")
	p.text(plotLeft, 28, "start", "#202020", "Time to match one event")
}

// text puts a text beside, before or around a place.
func (p *plot) text(x, y float64, anchor, color, text string) {
	p.out(`<text x="%.1f" y="%.1f" text-anchor="%s" fill="%s">%s</text>`+"\n", x, y, anchor, color, text)
}

func (p *plot) line(x1, y1, x2, y2 float64) {
	p.out(`<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="#d8d8d8"/>`+"\n", x1, y1, x2, y2)
}

func (p *plot) axes() {
	const right, bottom = plotWidth - plotRight, plotHeight - plotBottom
	for e := p.x.from; e <= p.x.to; e++ {
		x := p.left(math.Pow10(e))
		p.line(x, plotTop, x, bottom)
		p.text(x, bottom+20, "middle", "#202020", countText(e))
	}
	for e := p.y.from; e <= p.y.to; e++ {
		y := p.top(math.Pow10(e))
		p.line(plotLeft, y, right, y)
		p.text(plotLeft-8, y+4, "end", "#202020", timeText(e))
	}
	p.text((plotLeft+right)/2, plotHeight-14, "middle", "#202020", "filters")
}

// countText writes a power of ten as a number of things.
func countText(e int) string {
	unit := []string{"", ",000", ",000,000", ",000,000,000"}
	if e < 0 || e/3 >= len(unit) {
		return fmt.Sprintf("1e%d", e)
	}
	return []string{"1", "10", "100"}[e%3] + unit[e/3]
}

// timeText writes a power of ten in nanoseconds as a time.
func timeText(e int) string {
	unit := []string{"ns", "µs", "ms", "s"}
	if e < 0 || e/3 >= len(unit) {
		return fmt.Sprintf("1e%d ns", e)
	}
	return []string{"1 ", "10 ", "100 "}[e%3] + unit[e/3]
}

// series draws one side, with its name at the last point.
func (p *plot) series(name, color string, of func(*MatchResult) float64) {
	var points []string
	for i := range p.results {
		r := &p.results[i]
		x, y := p.left(float64(r.Filters)), p.top(of(r))
		points = append(points, fmt.Sprintf("%.1f,%.1f", x, y))
		p.out(`<circle cx="%.1f" cy="%.1f" r="3.5" fill="%s"><title>%s: %d filters, %.0f ns</title></circle>`+"\n",
			x, y, color, name, r.Filters, of(r))
	}
	p.out(`<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/>`+"\n", strings.Join(points, " "), color)
	last := &p.results[len(p.results)-1]
	p.text(p.left(float64(last.Filters))+10, p.top(of(last))+4, "start", color, name)
}
