package store

import (
	"database/sql"
	"encoding/json"
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/evidence"
	"github.com/medcard/medcard/domain/family"
	"github.com/medcard/medcard/domain/identity"
)

// holderDetail is the sealed part of a question.
type holderDetail struct {
	Family string    `json:"family"`
	Given  []string  `json:"given"`
	Born   card.Date `json:"born"`
}

func questionPlace(id string) []byte { return []byte("policy_question|sealed|" + id) }

// question finds what an insurer is asked of a link; zero = nothing.
func (tx *Tx) question(id string) (q evidence.Question, err error) {
	var sealed []byte
	var answered sql.NullTime
	found, err := tx.one([]any{&q.Insurer, &q.Name, &answered, &q.Refusal, &sealed},
		"SELECT q.insurer, c.name, q.answered_at, q.refusal, q.sealed FROM policy_question AS q JOIN oauth_client AS c ON c.id = q.insurer WHERE q.id = ?", uuidOrNil(id))
	if err != nil || !found {
		return evidence.Question{}, err
	}
	text, err := tx.unwrap(sealed, questionPlace(id), errSealedPolicy)
	if err != nil {
		return evidence.Question{}, err
	}
	var d holderDetail
	if err := json.Unmarshal(text, &d); err != nil {
		return evidence.Question{}, err
	}
	q.Answered, q.Holder = fromNull(answered), family.Named{Name: card.Name{Family: d.Family, Given: d.Given}, Born: d.Born}
	return q, nil
}

// putQuestion keeps what the insurer of a link is asked, in place of what any was asked before.
func (tx *Tx) putQuestion(l evidence.Link) error {
	if _, err := tx.exec("DELETE FROM policy_question WHERE account = ?", string(l.Account)); err != nil || l.Insurer == "" {
		return err
	}
	text, err := json.Marshal(holderDetail{Family: l.Holder.Name.Family, Given: l.Holder.Name.Given, Born: l.Holder.Born})
	if err != nil {
		return err
	}
	sealed, err := tx.wrap(text, questionPlace(l.Challenge))
	if err != nil {
		return err
	}
	_, err = tx.exec("INSERT INTO policy_question (id, account, insurer, asked_at, answered_at, refusal, sealed) VALUES (?, ?, ?, ?, ?, ?, ?)",
		l.Challenge, string(l.Account), string(l.Insurer), micros(l.Asked), nullTime(l.Answered), string(l.Refusal), sealed)
	return err
}

// LockAsked finds the link about which the insurer is asked by that name, and locks it.
func (tx *Tx) LockAsked(by identity.ClientID, id string) (l evidence.Link, found bool, err error) {
	var of identity.AccountID
	found, err = tx.one([]any{&of}, "SELECT account FROM policy_question WHERE id = ? AND insurer = ?", uuidOrNil(id), string(by))
	if err != nil || !found {
		return l, false, err
	}
	l, found, err = tx.LockPolicyLink(of)
	return l, found && l.Challenge == id && l.Insurer == by, err
}

// Asked lists what waits for the insurer's answer since the instant, the oldest first, behind the one that after names by Asked and Challenge.
// Of each it tells no more than those two.
func (tx *Tx) Asked(by identity.ClientID, since time.Time, after evidence.Link, limit int) (list []evidence.Link, err error) {
	which, args := "insurer = ? AND answered_at IS NULL AND asked_at > ?", []any{string(by), micros(since)}
	if !after.Asked.IsZero() {
		which, args = which+" AND (asked_at, id) > (?, ?)", append(args, micros(after.Asked), after.Challenge)
	}
	err = tx.each(func(rows *sql.Rows) error {
		var l evidence.Link
		err := rows.Scan(&l.Challenge, &l.Asked)
		l.Asked = l.Asked.UTC()
		list = append(list, l)
		return err
	}, "SELECT id, asked_at FROM policy_question WHERE "+which+" ORDER BY asked_at, id LIMIT ?", append(args, limit)...)
	return list, err
}

// Unanswered lists accounts about whose policies insurers were asked before the instant, and have not answered.
func (tx *Tx) Unanswered(before time.Time, limit int) (list []identity.AccountID, err error) {
	err = tx.each(func(rows *sql.Rows) error {
		var of identity.AccountID
		err := rows.Scan(&of)
		list = append(list, of)
		return err
	}, "SELECT account FROM policy_question WHERE answered_at IS NULL AND asked_at <= ? ORDER BY asked_at LIMIT ?", micros(before), limit)
	return list, err
}
