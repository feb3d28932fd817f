package store

import (
	"database/sql"
	"errors"
	"time"

	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
)

// What `medcard audit verify` and auditors read of the log. It believes nothing: what is missing or broken is told, not refused.

// LoggedEntries gives the places of the log in [from, to) that are there, each with its entry.
func (tx *Tx) LoggedEntries(from, to int64) (list []audit.Logged, err error) {
	err = tx.each(func(rows *sql.Rows) error {
		l := audit.Logged{State: audit.Gone}
		var hash []byte
		if err := rows.Scan(&l.Place, &l.Card, &l.Number, &hash); err != nil {
			return err
		}
		_ = intoHash(&l.Hash, hash) // one of another length is no entry's
		list = append(list, l)
		return nil
	}, "SELECT position, card, number, hash FROM audit_leaf WHERE position >= ? AND position < ? ORDER BY position", from, to)
	if err != nil {
		return nil, err
	}
	return list, tx.openLogged(list)
}

// WaitingEntries gives entries that wait for the log, the oldest first, as if they stood at the places 0, 1, ...
func (tx *Tx) WaitingEntries(limit int) (list []audit.Logged, err error) {
	err = tx.each(func(rows *sql.Rows) error {
		l := audit.Logged{Place: int64(len(list)), State: audit.Gone}
		var hash []byte
		if err := rows.Scan(&l.Card, &l.Number, &hash); err != nil {
			return err
		}
		_ = intoHash(&l.Hash, hash)
		list = append(list, l)
		return nil
	}, "SELECT card, number, hash FROM audit_pending ORDER BY id LIMIT ?", limit)
	if err != nil {
		return nil, err
	}
	return list, tx.openLogged(list)
}

// openLogged puts the entries where their places are, opened as far as they open.
func (tx *Tx) openLogged(list []audit.Logged) error {
	places := map[card.ID][]int{} // in the list
	for i, l := range list {
		places[l.Card] = append(places[l.Card], i)
	}
	for id, of := range places {
		if err := tx.enter(id); err != nil {
			return err
		}
		at := make(map[uint64][]int, len(of)) // by number; one that stands there twice is told twice
		numbers := make([]uint64, len(of))
		for i, place := range of {
			numbers[i] = list[place].Number
			at[numbers[i]] = append(at[numbers[i]], place)
		}
		for some := range chunks(numbers, rowsAtOnce) {
			rows, err := tx.auditRows("WHERE e.card = ? AND e.number IN ?", string(id), some)
			if err != nil {
				return err
			}
			for _, r := range rows {
				entry, err := tx.openAudit(r)
				if err != nil && (tx.ctx.Err() != nil || errors.Is(err, errKeysTurned)) {
					return err
				}
				state := audit.Readable
				switch {
				case errors.Is(err, consent.ErrShredded):
					entry, state = audit.Salted{Entry: r.entry}, audit.Shredded
				case err != nil: // its card is gone, or it is not what was sealed
					state = audit.Broken
				}
				for _, place := range at[r.entry.Number] {
					list[place].Entry, list[place].State = entry, state
				}
			}
		}
	}
	return nil
}

// LogNodes gives the inner hashes of the tree in [from, to), by place.
func (tx *Tx) LogNodes(from, to int64) (map[int64]audit.Hash, error) {
	nodes := map[int64]audit.Hash{}
	err := tx.each(func(rows *sql.Rows) error {
		var place int64
		var hash []byte
		if err := rows.Scan(&place, &hash); err != nil {
			return err
		}
		var h audit.Hash
		_ = intoHash(&h, hash)
		nodes[place] = h
		return nil
	}, "SELECT position, hash FROM audit_node WHERE position >= ? AND position < ?", from, to)
	return nodes, err
}

// CardTrails tells of the cards behind one how their entries hang together; after "" begins with the first.
func (tx *Tx) CardTrails(after card.ID, limit int) (list []audit.CardTrail, err error) {
	ids, err := tx.cardsAfter(string(after), limit, "")
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	for _, id := range ids {
		c, err := tx.cardTrail(card.ID(id))
		if err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, tx.ctx.Err()
}

func (tx *Tx) cardTrail(id card.ID) (audit.CardTrail, error) {
	c := audit.CardTrail{Card: id}
	if err := tx.enter(id); err != nil {
		return c, err
	}
	if _, err := tx.one([]any{&c.Count, &c.Entries, &c.Highest, &c.First, &c.Shredded, &c.Order}, `SELECT audit_count,
			(SELECT count(*) FROM audit_entry AS e WHERE e.card = card.id), (SELECT coalesce(max(number), 0) FROM audit_entry AS e WHERE e.card = card.id),
			(SELECT coalesce(min(number), 0) FROM audit_leaf AS l WHERE l.card = card.id), shredded_at IS NOT NULL,
			EXISTS (SELECT 1 FROM shredding AS s JOIN audit_entry AS e ON e.card = s.card AND e.number = s.number WHERE s.card = card.id AND e.action = 'shred')
		FROM card WHERE id = ?`, string(id)); err != nil {
		return c, err
	}
	strays, err := tx.auditRows(`WHERE e.card = ? AND NOT EXISTS (SELECT 1 FROM audit_leaf AS l WHERE l.card = e.card AND l.number = e.number)
			AND NOT EXISTS (SELECT 1 FROM audit_pending AS p WHERE p.card = e.card AND p.number = e.number) ORDER BY e.number`, string(id))
	for _, r := range strays {
		switch entry, err := tx.openAudit(r); {
		case err == nil && len(entry.Salt) == 0:
			c.Older, c.Last = c.Older+1, r.entry.Number
		case errors.Is(err, consent.ErrShredded):
			c.Older++ // whether it is older than the log its salt would tell
		case errors.Is(err, errKeysTurned):
			return c, err
		default:
			c.Stray = append(c.Stray, r.entry.Number)
		}
	}
	return c, err
}

// OpenLogCard makes the card under which readings of the log are remembered, if it is not there yet. It has no owner and never gets one.
func (tx *Tx) OpenLogCard(now time.Time) error {
	var one int
	if found, err := tx.one([]any{&one}, "SELECT 1 FROM card WHERE id = ?", string(audit.LogCard)); err != nil || found {
		return err
	}
	wrapped, err := tx.firstKeys(audit.LogCard)
	if err != nil {
		return err
	}
	_, err = tx.exec(`INSERT INTO card (id, epoch, wrapped_key, created_at, collect_at, forget_seq) VALUES (?, ?, ?, ?, NULL, 0) ON CONFLICT (id) DO NOTHING`,
		string(audit.LogCard), NewID(), wrapped, micros(now))
	return err
}
