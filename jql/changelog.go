package jql

import (
	"slices"
	"strings"
	"time"
)

// changelog is what an event says about changes.
type changelog struct {
	present bool
	// byID has the items with a fieldId, byName those without one by their folded field.
	byID, byName map[string][]*changeItem
	read         map[string][]changeReading // by canonical names
}

// changeItem is one item of a changelog.
type changeItem struct {
	order    int
	from, to changeSide
}

// changeSide is the old or the new value of an item; nil pieces are missing.
type changeSide struct{ id, name, account *piece }

// changeReading is an item as a field reads it.
type changeReading struct {
	*changeItem
	old, new []comparand
}

func readChangelog(body map[string]any) *changelog {
	c := &changelog{byID: map[string][]*changeItem{}, byName: map[string][]*changeItem{}, read: map[string][]changeReading{}}
	var root *place
	all := root.member("changelog").member("items")
	log, present := body["changelog"].(map[string]any)
	items, _ := log["items"].([]any)
	c.present = present
	for i, element := range items {
		object, _ := element.(map[string]any)
		at := all.element(i)
		item := &changeItem{
			order: i,
			from:  changeSide{pieceOf(at, object, "from"), pieceOf(at, object, "fromString"), pieceOf(at, object, "tmpFromAccountId")},
			to:    changeSide{pieceOf(at, object, "to"), pieceOf(at, object, "toString"), pieceOf(at, object, "tmpToAccountId")},
		}
		id, _ := object["fieldId"].(string)
		name, _ := object["field"].(string)
		if id != "" {
			c.byID[id] = append(c.byID[id], item)
		} else if name != "" {
			name = foldText(name)
			c.byName[name] = append(c.byName[name], item)
		}
	}
	return c
}

func pieceOf(at *place, object map[string]any, member string) *piece {
	if literalOf(object[member]) == "" {
		return nil
	}
	return &piece{at: at.member(member), member: member, json: scalar(object[member])}
}

// of lists the items of a field, in the order of the changelog.
func (c *changelog) of(info *FieldInfo, zone *time.Location) []changeReading {
	if known, ok := c.read[info.Name]; ok {
		return known
	}
	var items []*changeItem
	seen := map[string]bool{}
	for _, name := range info.History {
		items = append(items, c.byID[name]...)
		if folded := foldText(name); !seen[folded] {
			seen[folded] = true
			items = append(items, c.byName[folded]...)
		}
	}
	slices.SortFunc(items, func(a, b *changeItem) int { return a.order - b.order })
	readings := make([]changeReading, len(items))
	for i, item := range items {
		readings[i] = changeReading{item, item.from.comparands(info.Kind, zone), item.to.comparands(info.Kind, zone)}
	}
	c.read[info.Name] = readings
	return readings
}

// piece is the name of an old or new value, or else its id; nil where it has neither.
func (s changeSide) piece() *piece {
	if s.name != nil {
		return s.name
	}
	return s.id
}

// comparands are what an old or new value is for a field of kind k.
func (s changeSide) comparands(k Kind, zone *time.Location) []comparand {
	id, name := s.id.textOrNone(), s.name.textOrNone()
	var texts []string
	switch k {
	case KindUser:
		texts = []string{id, s.account.textOrNone()}
	case KindText:
		texts = []string{name}
	case KindExact:
		texts = piecesOf(name, " ")
	case KindSprint:
		texts = slices.Concat([]string{name, id}, piecesOf(name, ", "), piecesOf(id, ", "))
	case KindNumber:
		return firstOf(only(numberComparand(name)), only(numberComparand(id)))
	case KindDate:
		return firstOf(dates(parseEventDate([]byte(id), zone)), dates(parseEventDate([]byte(name), zone)))
	default:
		texts = []string{name, id}
	}
	var all []comparand
	for _, text := range texts {
		if text == "" {
			continue
		}
		if k != KindUser && k != KindExact {
			text = foldText(text)
		}
		all = append(all, textComparand(text))
		if k == KindAny {
			all = append(all, only(numberComparand(text))...)
		}
	}
	return all
}

func (p *piece) textOrNone() string {
	if p == nil {
		return ""
	}
	text, _ := p.text()
	return text
}

func firstOf(a, b []comparand) []comparand {
	if len(a) > 0 {
		return a
	}
	return b
}

// piecesOf splits a list of labels or sprints, of which only so many count.
func piecesOf(text, separator string) []string {
	pieces := strings.SplitN(text, separator, maxPieces+1)
	return pieces[:min(len(pieces), maxPieces)]
}
