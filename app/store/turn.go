package store

import (
	"database/sql"
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/sync/replica"
)

// A card has its turn to be collected when a collection would find something, and not before: most cards of a country never do. When
// that is stands in card.collect_at, and it is never too late, because there are four ways only in which a collection comes to have work:
//
//   - A record is deleted or moves (leaves). The card is due, and its commit is kept in forget_seq: what lies behind gc_seq waits for
//     the phones that do not know of it yet.
//   - A phone tells that it has left commits behind (seen). Where something waits, and no live phone stands any more where the
//     last collection ended, the card is due: that one will get farther. Otherwise it would end at the same commit and find nothing.
//   - A phone is retired by another one's coming (seen). The card is due: its entries are to go from the clocks.
//   - Time passes. Nothing but a long silence ends by the clock alone, so a card with live phones is due when the one that is
//     silent the longest would be retired. That is noted when a phone comes and after each collection; each word of a phone moves it
//     farther off, which is found out when it is reached. So a card with phones is looked at four times a year.
//
// What a collection has to leave waits for one of these again (settle). gc_seq may stay behind on a card that has no turn: it only says
// where the next collection begins, and there is nothing in between.

const (
	collectPause = 24 * 60 * 60 // seconds: how long a card has peace after it was collected, whatever its phones say

	soon    = "CASE WHEN collect_at < collected + ? THEN collect_at ELSE collected + ? END" // a NULL is not below anything
	waiting = "coalesce(forget_seq, seq) > gc_seq"
	farther = "NOT EXISTS (SELECT 1 FROM card_actor AS a WHERE a.card = card.id AND a.state IN ('live', 'writing') AND a.low <= card.gc_seq)"
	later   = "(collect_at IS NULL OR collect_at > collected + ?)"
)

// leaves notes that a commit left something to forget.
func (l *ledger) leaves(seq uint64) error {
	_, err := l.tx.exec("UPDATE card SET forget_seq = ?, collect_at = "+soon+" WHERE id = ?", seq, collectPause, collectPause, string(l.card))
	return err
}

// seen looks at what the actor, which was just saved, means for the card's turn.
func (l *ledger) seen(a replica.Actor) error {
	card := string(l.card)
	switch a.State {
	case replica.Forgotten:
		return nil
	case replica.Retired:
		_, err := l.tx.exec("UPDATE card SET forget_seq = seq, collect_at = "+soon+" WHERE id = ?", collectPause, collectPause, card)
		return err
	}
	silent := silentFrom(a)
	if _, err := l.tx.exec("UPDATE card SET collect_at = ? WHERE id = ? AND (collect_at IS NULL OR collect_at > ?)", silent, card, silent); err != nil {
		return err
	}
	_, err := l.tx.exec("UPDATE card SET collect_at = collected + ? WHERE id = ? AND "+later+" AND "+waiting+" AND "+farther,
		collectPause, card, collectPause)
	return err
}

// silentFrom is the first full second at which a collection retires the actor, should it say nothing more.
func silentFrom(a replica.Actor) int64 { return engine.SilentAt(a).Unix() + 1 }

// settle reckons the turn of a card that was just collected, from what the collection left.
func (l *ledger) settle(now time.Time, more bool) error {
	actors, err := l.Actors()
	if err != nil {
		return err
	}
	var next sql.NullInt64 // no turn
	retired := false
	for _, a := range actors {
		switch a.State {
		case replica.Retired:
			retired = true
		case replica.Live, replica.Writing:
			if at := silentFrom(a); !next.Valid || at < next.Int64 {
				next = sql.NullInt64{Int64: at, Valid: true}
			}
		}
	}
	if more {
		next = sql.NullInt64{Int64: now.Unix(), Valid: true}
	}
	_, err = l.tx.exec("UPDATE card SET collected = ?, collect_at = ?, forget_seq = CASE WHEN ? THEN seq ELSE coalesce(forget_seq, seq) END WHERE id = ?",
		now.Unix(), next, retired || more, string(l.card))
	return err
}

// noCard is the id that stands before all cards.
const noCard = "00000000-0000-0000-0000-000000000000"

// CardsToCollect lists cards whose turn it is, in its order, behind one of them.
func (tx *Tx) CardsToCollect(now time.Time, behind card.Turn, limit int) (list []card.Turn, err error) {
	if behind.Card == "" {
		behind.Card = noCard
	}
	at := behind.At.Unix()
	err = tx.each(func(rows *sql.Rows) error {
		var t card.Turn
		var at int64
		err := rows.Scan(&t.Card, &at)
		t.At = time.Unix(at, 0).UTC()
		list = append(list, t)
		return err
	}, "SELECT id, collect_at FROM card WHERE collect_at <= ? AND collect_at >= ? AND (collect_at, id) > (?, ?) ORDER BY collect_at, id LIMIT ?",
		now.Unix(), at, at, string(behind.Card), limit)
	return list, err
}
