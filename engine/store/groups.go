package store

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"hookline/engine/webhook"
)

const prefixGroups = 'z'

// Group is webhooks of one endpoint that are alike in what has to be known of them while they are not in memory.
type Group struct {
	Alike
	Count int `json:"count"` // at least 1
}

// Alike is what the webhooks of a group have in common. It is comparable.
type Alike struct {
	Expires int64 `json:"expires,omitempty"` // nanoseconds since 1970; 0 is never

	// AutoExtend is that of their settings: 1 for yes, -1 for no, 0 where they leave it to the rules.
	AutoExtend int8 `json:"autoExtend,omitempty"`

	// Secret says that they have one of their own.
	Secret bool `json:"secret,omitempty"`
}

// AlikeOf returns what a webhook is counted by.
func AlikeOf(w *webhook.Webhook) (a Alike) {
	if !w.Expires.IsZero() {
		a.Expires = w.Expires.UnixNano()
	}
	if s := w.Settings; s != nil {
		a.Secret = s.Secret != ""
		switch {
		case s.AutoExtend == nil:
		case *s.AutoExtend:
			a.AutoExtend = 1
		default:
			a.AutoExtend = -1
		}
	}
	return a
}

// Expired says whether the webhooks have stopped to match at a time.
func (a Alike) Expired(now time.Time) bool { return a.Expires != 0 && now.UnixNano() >= a.Expires }

// Groups are the webhooks that lead to an endpoint, each kind once and in no order.
type Groups []Group

// Add counts a webhook n times more, which may be negative. The groups are changed in place where there is room.
func (g Groups) Add(w *webhook.Webhook, n int) Groups {
	a := AlikeOf(w)
	at := slices.IndexFunc(g, func(one Group) bool { return one.Alike == a })
	if at < 0 && n > 0 {
		return append(g, Group{a, n})
	}
	if at < 0 { // the row was lost with what was corrupt
		return g
	}
	if g[at].Count += n; g[at].Count == 0 {
		return slices.Delete(g, at, at+1)
	}
	return g
}

// Webhooks is how many there are in all groups.
func (g Groups) Webhooks() (n int) {
	for _, one := range g {
		n += one.Count
	}
	return n
}

// groupsAtOnce bounds what is written in one batch when groups are made of the webhooks of a whole store.
const groupsAtOnce = 10_000

// upgrade brings the rows of an older layout to the present one. It is done by Load, so that what only copies or reads a store leaves
// it as it is; where it ends half-way, it is begun anew.
//
// Version 1 has no groups, and neither it nor version 2 has subscribers.
func (s *Store) upgrade() error {
	if s.format == Format {
		return nil
	}
	s.events.log.Info("store: upgrading the layout, which older programs will refuse from now on", "from", s.format, "to", Format)
	var err error
	if s.format < 2 {
		err = s.regroup()
	}
	if err == nil {
		err = s.resubscribe()
	}
	if err == nil {
		err = s.commit("the format version", func(w *writer) { w.fail(w.b.Set(keyFormat, formatValue(Format), nil)) })
	}
	if err != nil {
		return fmt.Errorf("store: upgrading the layout: %w", err)
	}
	s.format = Format
	return nil
}

// regroup makes the groups of all endpoints of the webhooks.
func (s *Store) regroup() error {
	all := map[uint64]Groups{}
	err := s.scan([]byte{prefixWebhook}, s.eachReadable(func(w *webhook.Webhook) { all[w.Endpoint] = all[w.Endpoint].Add(w, 1) }))
	if err != nil {
		return err
	}
	err = s.commit("groups of webhooks", func(w *writer) { w.fail(w.b.DeleteRange([]byte{prefixGroups}, []byte{prefixGroups + 1}, nil)) })
	for len(all) > 0 && err == nil {
		err = s.commit("groups of webhooks", func(w *writer) {
			for id, groups := range all {
				w.put(numberKey(prefixGroups, id), groups)
				if delete(all, id); w.b.Count() == groupsAtOnce {
					return
				}
			}
		})
	}
	return err
}

// loadGroups reads the groups of endpoints. Where a row is none, which would have an endpoint seem to be without webhooks, all
// are made anew: what they tell is in the webhooks.
func (s *Store) loadGroups(rows Rows) error {
	all, err := s.readGroups()
	if err != nil {
		s.events.log.Error("store: what is known of webhooks is corrupt, and made anew of these", "err", err)
		if err := s.regroup(); err != nil {
			return err
		}
		if all, err = s.readGroups(); err != nil {
			return err
		}
	}
	for endpoint, groups := range all {
		rows.Groups(endpoint, groups)
	}
	return nil
}

func (s *Store) readGroups() (map[uint64]Groups, error) {
	all := map[uint64]Groups{}
	err := s.scan([]byte{prefixGroups}, func(key, value []byte) error {
		endpoint, groups, err := decodeGroups(key, value)
		all[endpoint] = groups
		return err
	})
	return all, err
}

func decodeGroups(key, value []byte) (endpoint uint64, g Groups, err error) {
	if len(key) != 9 {
		return 0, nil, fmt.Errorf("a number of %d bytes", len(key)-1)
	}
	if err := json.Unmarshal(value, &g); err != nil {
		return 0, nil, err
	}
	if len(g) == 0 {
		return 0, nil, errors.New("groups of no webhooks")
	}
	for _, one := range g {
		if one.Count < 1 {
			return 0, nil, fmt.Errorf("a group of %d webhooks", one.Count)
		}
	}
	return binary.BigEndian.Uint64(key[1:]), g, nil
}
