package store

import (
	"database/sql"
	"slices"
	"strings"
	"time"

	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/evidence"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/notice"
)

// A card that a person redeemed stays closed until he has proved what the operator demands. His grant stands there as one that has ended,
// so nobody else can redeem the card; what opens it is a commit, by which his phone is sent all of it.

// Missing lists what the demand lacks in the account.
func (tx *Tx) Missing(of identity.AccountID, d evidence.Demand) ([]evidence.Lack, error) {
	var approved []evidence.Slot
	if len(d.Documents) > 0 {
		if err := tx.each(func(rows *sql.Rows) error {
			var s evidence.Slot
			err := rows.Scan(&s)
			approved = append(approved, s)
			return err
		}, "SELECT slot FROM document WHERE account = ? AND claim = '' AND settled = ?", uuidOrNil(string(of)), true); err != nil {
			return nil, err
		}
	}
	link, found, err := tx.PolicyLink(of)
	return d.Missing(approved, found && link.State == evidence.Linked), err
}

// AwaitedCards lists the cards that the account redeemed and that wait for its proofs.
func (tx *Tx) AwaitedCards(of identity.AccountID) (ids []card.ID, err error) {
	err = tx.each(func(rows *sql.Rows) error {
		var id card.ID
		err := rows.Scan(&id)
		ids = append(ids, id)
		return err
	}, "SELECT card FROM awaited_card WHERE account = ? ORDER BY card", uuidOrNil(string(of)))
	return ids, err
}

// AwaitOwner makes the account the card's owner who does not see it yet, because of what the code says.
func (tx *Tx) AwaitOwner(id card.ID, account identity.AccountID, why fault.Code, now time.Time) error {
	seq, err := tx.commit(id)
	if err != nil {
		return err
	}
	if err := tx.refuseBarred(consent.Grant{Card: id, Role: consent.Owner, Account: account, Starts: now}); err != nil {
		return err
	}
	if _, err := tx.exec(`INSERT INTO access_grant (card, id, role, account, client, scopes, purpose, starts_at, began, ended, awaits) VALUES (?, ?, ?, ?, '', '*', ?, ?, ?, ?, ?)`,
		string(id), NewID(), string(consent.Owner), string(account), string(consent.PatientRequest), micros(now), seq, seq, string(why)); err != nil {
		return err
	}
	_, err = tx.exec("INSERT INTO awaited_card (account, card) VALUES (?, ?) ON CONFLICT DO NOTHING", string(account), string(id))
	return err
}

// LetIn opens the account's awaited cards if the demand lacks nothing any more, or keeps what it lacks now. by is who gave the proof
// that was judged last.
func (tx *Tx) LetIn(of identity.AccountID, d evidence.Demand, by identity.Actor, request string, now time.Time) error {
	waiting, err := tx.AwaitedCards(of)
	if err != nil || len(waiting) == 0 {
		return err
	}
	missing, err := tx.Missing(of, d)
	if err != nil {
		return err
	}
	for _, id := range waiting {
		if err := tx.enter(id); err != nil {
			return err
		}
		if len(missing) > 0 {
			_, err = tx.exec("UPDATE access_grant SET awaits = ? WHERE card = ? AND account = ? AND awaits <> ''", string(missing[0].Code), string(id), string(of))
		} else {
			err = tx.openAwaited(id, of, by, request, now)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (tx *Tx) openAwaited(id card.ID, of identity.AccountID, by identity.Actor, request string, now time.Time) error {
	seq, err := tx.commit(id)
	if err != nil {
		return err
	}
	n, err := tx.exec("UPDATE access_grant SET awaits = '', began = ?, ended = 0, starts_at = ? WHERE card = ? AND account = ? AND awaits <> '' AND revoked_at IS NULL",
		seq, micros(now), string(id), string(of))
	if err != nil {
		return err
	}
	if _, err := tx.exec("DELETE FROM awaited_card WHERE account = ? AND card = ?", string(of), string(id)); err != nil || n == 0 {
		return err
	}
	owner := consent.Grant{Card: id, Role: consent.Owner, Account: of}
	if err := tx.listCard(owner); err != nil {
		return err
	}
	if err := tx.tellOfAccess(id, []consent.Grant{owner}, ""); err != nil {
		return err
	}
	return tx.AppendAudit(audit.Entry{Card: id, At: now, Actor: by, Action: audit.Grant, Purpose: consent.Operations, What: "owner", Request: request})
}

// TellOfVerdict lets the account's phones ring, whether or not there is a card: one of its proofs was judged.
func (tx *Tx) TellOfVerdict(of identity.AccountID) error {
	return tx.enqueueNews(audit.LogCard, of, notice.Verdict, "")
}

// ownCards lists the cards that the account owns, in the order of their ids.
func (tx *Tx) ownCards(of identity.AccountID) (own []card.ID, err error) {
	seen, err := tx.CardsOf(of, "")
	if err != nil {
		return nil, err
	}
	for _, id := range seen {
		grants, err := tx.grants(id)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(grants, func(g consent.Grant) bool { return g.Account == of && g.Role == consent.Owner && g.Ended == 0 }) {
			own = append(own, id)
		}
	}
	slices.Sort(own)
	return own, nil
}

// AuditProof remembers an act on somebody's proofs or account on the cards that he redeemed, where he reads it; without one, on the log's own.
func (tx *Tx) AuditProof(of identity.AccountID, e audit.Entry) error {
	cards, err := tx.ownCards(of)
	if err != nil {
		return err
	}
	waiting, err := tx.AwaitedCards(of)
	if err != nil {
		return err
	}
	cards = append(cards, waiting...)
	slices.Sort(cards) // locks are taken in one order
	if cards, err = tx.whole(slices.Compact(cards)); err != nil {
		return err
	}
	if len(cards) == 0 {
		if err := tx.OpenLogCard(e.At); err != nil {
			return err
		}
		e.What = strings.TrimSpace(e.What + " of " + string(of))
		cards = []card.ID{audit.LogCard}
	}
	for _, id := range cards {
		e.Card = id
		if err := tx.AppendAudit(e); err != nil {
			return err
		}
	}
	return nil
}

// whole are those of the cards that were not destroyed: in the others nothing is written any more.
func (tx *Tx) whole(cards []card.ID) (list []card.ID, err error) {
	for _, id := range cards {
		if err := tx.enter(id); err != nil {
			return nil, err
		}
		var one int
		found, err := tx.one([]any{&one}, "SELECT 1 FROM card WHERE id = ? AND shredded_at IS NULL", string(id))
		if err != nil {
			return nil, err
		}
		if found {
			list = append(list, id)
		}
	}
	return list, nil
}
