package jql

import (
	"strconv"
	"strings"
)

const customPrefix = "customfield_"

func customName(id int64) string { return customPrefix + strconv.FormatInt(id, 10) }

func (env *Env) epicLinkID() int64 {
	if env.EpicLink == 0 {
		return DefaultEpicLink
	}
	return env.EpicLink
}

// Resolve finds the field that ref stands for: by a name of the catalogue, or a custom field by its number
// (10014, cf[10014], customfield_10014) or its declared name. It reports false for any other name, for an
// entity property without a key or with a second pair of brackets (an array index), and for brackets after any
// other field.
func (env Env) Resolve(ref FieldRef) (Field, FieldInfo, bool) {
	r := resolver{env: &env}
	found, ok := r.resolve(&ref)
	if !ok {
		return Field{}, FieldInfo{}, false
	}
	return found.field, found.info(&env), true
}

// Lookup finds the row for a field of a filter.
func (env Env) Lookup(f Field) (FieldInfo, bool) {
	if id, ok := parseCustomName(f.Name); ok {
		return env.customInfo(id, findID(env.Custom, id)), true
	}
	row := catalogueRow(f.Name)
	if row == nil || row.Name != f.Name {
		return FieldInfo{}, false
	}
	return *row, true
}

// resolved is a field with what compiling needs to know of it.
type resolved struct {
	field    Field
	kind     Kind
	history  bool       // the changelog may have it
	row      *FieldInfo // nil for custom fields
	custom   int64
	declared *CustomField
}

func (r *resolved) info(env *Env) FieldInfo {
	if r.row != nil {
		return *r.row
	}
	return env.customInfo(r.custom, r.declared)
}

// resolver finds fields for one query.
type resolver struct {
	env   *Env
	asked int
	// Tables of the declared fields, for queries that name more than a few.
	byID   map[int64]*CustomField
	byName map[string]int64
}

func (r *resolver) resolve(ref *FieldRef) (resolved, bool) {
	if id, ok := ref.customID(); ok {
		return r.custom(id), len(ref.Properties) == 0
	}
	if ref.Form != Named {
		return resolved{}, false
	}
	row := catalogueRow(ref.Name)
	if row == nil {
		id, ok := r.declaredName(ref.Name)
		return r.custom(id), ok && len(ref.Properties) == 0
	}
	if row.Name == "" {
		return r.custom(r.env.epicLinkID()), len(ref.Properties) == 0
	}
	found := resolved{field: Field{Name: row.Name}, kind: row.Kind, history: len(row.History) > 0, row: row}
	if row.Kind != KindProperty {
		return found, len(ref.Properties) == 0
	}
	if len(ref.Properties) != 1 {
		return resolved{}, false
	}
	found.field.Key, found.field.Path = ref.Properties[0].Key, ref.Properties[0].Path
	return found, true
}

func (r *resolver) custom(id int64) resolved {
	declared := r.declaredID(id)
	return resolved{
		field: Field{Name: customName(id)}, kind: r.env.customKind(id, declared), history: true,
		custom: id, declared: declared,
	}
}

// tabulateAfter is how many times a resolver looks through the declared fields one by one. Most queries
// name fewer, and a table of a thousand names costs more than that.
const tabulateAfter = 16

func (r *resolver) declaredID(id int64) *CustomField {
	if r.tabulated() {
		return r.byID[id]
	}
	return findID(r.env.Custom, id)
}

func (r *resolver) declaredName(name string) (id int64, ok bool) {
	if r.tabulated() {
		id, ok = r.byName[string(FoldTerm(nil, []byte(name)))]
		return id, ok
	}
	for i := range r.env.Custom {
		if c := &r.env.Custom[i]; c.Name != "" && strings.EqualFold(c.Name, name) {
			return c.ID, true
		}
	}
	return 0, false
}

func (r *resolver) tabulated() bool {
	r.asked++
	if r.asked <= tabulateAfter {
		return false
	}
	if r.byID == nil {
		r.byID = make(map[int64]*CustomField, len(r.env.Custom))
		r.byName = make(map[string]int64, len(r.env.Custom))
		for i := len(r.env.Custom) - 1; i >= 0; i-- { // so that of two the first stays
			c := &r.env.Custom[i]
			r.byID[c.ID] = c
			if c.Name != "" {
				r.byName[string(FoldTerm(nil, []byte(c.Name)))] = c.ID
			}
		}
	}
	return true
}

func findID(fields []CustomField, id int64) *CustomField {
	for i := range fields {
		if fields[i].ID == id {
			return &fields[i]
		}
	}
	return nil
}

// rows finds the rows of the catalogue by their names, folded.
var rows = func() map[string]*FieldInfo {
	byName := map[string]*FieldInfo{}
	for i := range catalogue {
		row := &catalogue[i]
		if row.Name == "" {
			byName[string(FoldTerm(nil, []byte(epicLinkName)))] = row
			continue
		}
		for _, name := range append([]string{row.Name}, row.Aliases...) {
			byName[string(FoldTerm(nil, []byte(name)))] = row
		}
	}
	return byName
}()

func catalogueRow(name string) *FieldInfo {
	var buf [32]byte // longer than any name, so that this costs no memory
	if len(name) > len(buf) {
		return nil
	}
	return rows[string(FoldTerm(buf[:0], []byte(name)))]
}

// customID is the number of the custom field that f names: 10014, cf[10014] or the same in quotes, or
// customfield_10014.
func (f *FieldRef) customID() (int64, bool) {
	if f.Form == Numbered {
		return parseID(f.Name)
	}
	n := len(f.Name)
	if n > 4 && strings.EqualFold(f.Name[:3], "cf[") && f.Name[n-1] == ']' {
		return parseID(f.Name[3 : n-1])
	}
	if f.Form == Named && n > len(customPrefix) && strings.EqualFold(f.Name[:len(customPrefix)], customPrefix) {
		return parseID(f.Name[len(customPrefix):])
	}
	return 0, false
}

// parseCustomName reads the canonical name of a custom field.
func parseCustomName(name string) (int64, bool) {
	digits, ok := strings.CutPrefix(name, customPrefix)
	if !ok {
		return 0, false
	}
	id, ok := parseID(digits)
	return id, ok && customName(id) == name
}

func parseID(digits string) (int64, bool) {
	const longest = 19 // digits of a 64-bit number; zeros in front could be any number
	if len(digits) > longest || !isInteger(digits) {
		return 0, false
	}
	id, err := strconv.ParseInt(digits, 10, 64)
	return id, err == nil && id > 0
}
