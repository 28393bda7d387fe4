package bench

import (
	"encoding/xml"
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"
)

func TestPlotMatch(t *testing.T) {
	var b strings.Builder
	err := PlotMatch(&b, []MatchResult{
		{Filters: 100_000, NS: 30_000, NaiveNS: 5e6, FloorNS: 2000},
		{Filters: 1000, NS: 1200, NaiveNS: 16_000, FloorNS: 500},
	})
	if err != nil {
		t.Fatal(err)
	}
	texts, points := readChart(t, b.String())
	for _, want := range []string{"1,000", "10,000", "100,000", "100 ns", "1 µs", "10 ms", "index", "floor", "loop over all filters"} {
		if !strings.Contains(texts, "|"+want+"|") {
			t.Errorf("%q is missing in %q", want, texts)
		}
	}
	if len(points) != 3 {
		t.Fatalf("%d lines", len(points))
	}
	for _, line := range points {
		if len(line) != 2 || line[0][0] != plotLeft || line[1][0] != plotWidth-plotRight {
			t.Errorf("a line from and to %v", line)
		}
		for _, point := range line {
			if point[1] < plotTop || point[1] > plotHeight-plotBottom {
				t.Errorf("a point at %v", point)
			}
		}
	}
	for i := range points[0] { // above is less in SVG
		if !(points[0][i][1] < points[1][i][1] && points[1][i][1] < points[2][i][1]) {
			t.Errorf("the sides are not in their order: %v", points)
		}
	}
	if err := PlotMatch(io.Discard, nil); !isConfigError(err) {
		t.Errorf("nothing to plot: %v", err)
	}
}

func isConfigError(err error) bool {
	var problem *ConfigError
	return errors.As(err, &problem)
}

// readChart reads the texts of a chart, with bars between, and the points of its lines.
func readChart(t *testing.T, svg string) (texts string, lines [][][2]float64) {
	d := xml.NewDecoder(strings.NewReader(svg))
	texts = "|"
	for {
		token, err := d.Token()
		if err == io.EOF {
			return texts, lines
		}
		if err != nil {
			t.Fatalf("%v in %s", err, svg)
		}
		switch token := token.(type) {
		case xml.CharData:
			texts += strings.TrimSpace(string(token)) + "|"
		case xml.StartElement:
			for _, a := range token.Attr {
				if a.Name.Local == "points" {
					lines = append(lines, readPoints(t, a.Value))
				}
			}
		}
	}
}

func readPoints(t *testing.T, text string) (points [][2]float64) {
	for _, pair := range strings.Fields(text) {
		x, y, _ := strings.Cut(pair, ",")
		var point [2]float64
		for i, part := range []string{x, y} {
			n, err := strconv.ParseFloat(part, 64)
			if err != nil {
				t.Fatal(err)
			}
			point[i] = n
		}
		points = append(points, point)
	}
	return points
}
