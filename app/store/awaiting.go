package store

import (
	"bytes"
	"database/sql"
	"slices"
	"strings"
	"time"

	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/evidence"
	"github.com/medcard/medcard/domain/family"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/notice"
	"github.com/medcard/medcard/domain/posting"
)

// A card that a person redeemed stays closed until he has proved what the operator demands, and that he is its patient. His grant stands there
// as one that has ended, and holds no place: others may redeem a code of the card, and whoever proves it first owns it. What opens it is a
// commit, by which his phone is sent all of it.

// Missing lists what the demand lacks in the account, whatever card it is for.
func (tx *Tx) Missing(of identity.AccountID, d evidence.Demand) ([]evidence.Lack, error) {
	proofs, err := tx.proofs(of)
	return lacking(d, proofs), err
}

func lacking(d evidence.Demand, proofs []evidence.Proof) []evidence.Lack {
	slots := make([]evidence.Slot, len(proofs))
	for i, p := range proofs {
		slots[i] = p.Slot
	}
	return d.Missing(slots, slices.Contains(slots, evidence.ByInsurer))
}

// proofs are the account's approved documents, and its policy if the insurer confirmed that.
func (tx *Tx) proofs(of identity.AccountID) (list []evidence.Proof, err error) {
	approved, err := tx.documents("account = ? AND claim = '' AND settled = ? ORDER BY slot", uuidOrNil(string(of)), true)
	if err != nil {
		return nil, err
	}
	for _, d := range approved {
		list = append(list, evidence.Proof{Slot: d.Slot, Number: d.Number, Holder: d.Holder})
	}
	link, found, err := tx.PolicyLink(of)
	if found && link.State == evidence.Linked {
		list = append(list, evidence.Proof{Slot: evidence.ByInsurer, Number: string(link.Number)})
	}
	return list, err
}

// Lacks lists what keeps the card from the account that redeemed it: what the demand lacks, and what says that somebody else is its patient. That
// nothing says who is comes last, when there is nothing else to do. A confirmed policy counts where that is demanded, or its insurer is
// connected: else its code went to the person's own phone.
func (tx *Tx) Lacks(of identity.AccountID, id card.ID, d evidence.Demand) ([]evidence.Lack, error) {
	proofs, err := tx.proofs(of)
	if err != nil {
		return nil, err
	}
	missing := lacking(d, proofs)
	link, _, err := tx.PolicyLink(of)
	if err != nil {
		return nil, err
	}
	if !d.Policy && link.Insurer == "" {
		proofs = slices.DeleteFunc(proofs, func(p evidence.Proof) bool { return p.Slot == evidence.ByInsurer })
	}
	fits, err := tx.fits(id, proofs)
	if err != nil {
		return nil, err
	}
	unfit := evidence.Unfit(fits)
	if len(missing) > 0 && len(unfit) > 0 && unfit[0].Code == evidence.NotShown {
		return missing, nil
	}
	return append(unfit, missing...), nil
}

// fits compares proofs with what the card knows of its patient. Nothing of that leaves but whether it fits.
func (tx *Tx) fits(id card.ID, proofs []evidence.Proof) ([]evidence.Fit, error) {
	if err := tx.enter(id); err != nil {
		return nil, err
	}
	known := map[string][][]byte{} // register -> hashes
	if err := tx.each(func(rows *sql.Rows) error {
		var system string
		var hash []byte
		err := rows.Scan(&system, &hash)
		known[system] = append(known[system], hash)
		return err
	}, "SELECT system, hash FROM patient_key WHERE card = ? AND system <> ''", string(id)); err != nil {
		return nil, err
	}
	born, err := tx.born(id)
	if err != nil {
		return nil, err
	}
	person, found, err := tx.person(id)
	if err != nil {
		return nil, err
	}
	fits := make([]evidence.Fit, len(proofs))
	for i, p := range proofs {
		f := evidence.Fit{Slot: p.Slot, Number: family.Unknown, Holder: family.Unknown}
		if number, ok := p.Lasting(); ok && len(known[number.System]) > 0 {
			key := tx.patientKeys(posting.Introduction{Numbers: []card.Number{number}})[0]
			f.Number = finding(slices.ContainsFunc(known[number.System], func(hash []byte) bool { return bytes.Equal(hash, key.hash) }))
		}
		if p.Holder.Whole() && found && born != "" {
			f.Holder = finding(p.Holder.Is(person, born))
		}
		fits[i] = f
	}
	return fits, nil
}

func finding(same bool) family.Finding {
	if same {
		return family.Matched
	}
	return family.Mismatched
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

// awaits reports whether the account waits for the card.
func (tx *Tx) awaits(id card.ID, of identity.AccountID) (bool, error) {
	if err := tx.enter(id); err != nil {
		return false, err
	}
	var n int
	_, err := tx.one([]any{&n}, "SELECT count(*) FROM access_grant WHERE card = ? AND account = ? AND awaits <> '' AND revoked_at IS NULL", string(id), string(of))
	return n > 0, err
}

// AwaitOwner makes the person the card's owner who does not see it yet, because of what lacks. It is asked under the card's lock.
func (tx *Tx) AwaitOwner(id card.ID, by identity.Actor, lacks []evidence.Lack, request string, now time.Time) error {
	of := by.Account
	waits, err := tx.awaits(id, of)
	if err != nil {
		return err
	}
	if !waits {
		seq, err := tx.commit(id)
		if err != nil {
			return err
		}
		if err := tx.refuseBarred(consent.Grant{Card: id, Role: consent.Owner, Account: of, Starts: now}); err != nil {
			return err
		}
		if _, err := tx.exec(`INSERT INTO access_grant (card, id, role, account, client, scopes, purpose, starts_at, began, ended, awaits) VALUES (?, ?, ?, ?, '', '*', ?, ?, ?, ?, ?)`,
			string(id), NewID(), string(consent.Owner), string(of), string(consent.PatientRequest), micros(now), seq, seq, string(lacks[0].Code)); err != nil {
			return err
		}
		if _, err := tx.exec("INSERT INTO awaited_card (account, card, since_at) VALUES (?, ?, ?)", string(of), string(id), micros(now)); err != nil {
			return err
		}
	}
	return tx.stillAwaits(id, of, lacks, by, request, now)
}

// stillAwaits keeps what lacks now. That it is another person's proofs is counted, remembered and told to who speaks for the patient; with
// the last of evidence.MaxMismatches the person waits no longer.
func (tx *Tx) stillAwaits(id card.ID, of identity.AccountID, lacks []evidence.Lack, by identity.Actor, request string, now time.Time) error {
	if _, err := tx.exec("UPDATE access_grant SET awaits = ? WHERE card = ? AND account = ? AND awaits <> ''", string(lacks[0].Code), string(id), string(of)); err != nil {
		return err
	}
	if lacks[0].Code != evidence.OtherPatient {
		return nil
	}
	var times int
	if _, err := tx.one([]any{&times}, "UPDATE awaited_card SET mismatches = mismatches + 1 WHERE account = ? AND card = ? RETURNING mismatches", string(of), string(id)); err != nil {
		return err
	}
	if err := tx.AppendAudit(audit.Entry{
		Card: id, At: now, Actor: by, Action: audit.Refuse, Purpose: consent.Operations, What: "owner: what he proved is another person's", Request: request,
	}); err != nil {
		return err
	}
	if err := tx.TellOfAttempt(id, now); err != nil || times < evidence.MaxMismatches {
		return err
	}
	return tx.LetGo(of, id, "a claim, of who proved to be another person", now)
}

// LetGo ends that an account waits for a card, and tells its person: he needs another code. what is for the card's log.
func (tx *Tx) LetGo(of identity.AccountID, id card.ID, what string, now time.Time) error {
	if err := tx.LockCard(id); err != nil {
		return err
	}
	n, err := tx.exec("UPDATE access_grant SET revoked_at = ?, awaits = '' WHERE card = ? AND account = ? AND awaits <> '' AND revoked_at IS NULL", micros(now), string(id), string(of))
	if err != nil {
		return err
	}
	if _, err := tx.exec("DELETE FROM awaited_card WHERE account = ? AND card = ?", string(of), string(id)); err != nil || n == 0 {
		return err
	}
	if err := tx.AppendAudit(audit.Entry{Card: id, At: now, Actor: identity.Actor{Kind: identity.System}, Action: audit.Revoke, Purpose: consent.Operations, What: what, Request: "proofs"}); err != nil {
		return err
	}
	return tx.TellOfVerdict(of)
}

// Overdue lists up to so many accounts that have waited for a card since before an instant, and none of whose documents a reviewer has still to
// see: that he takes his time is not theirs.
func (tx *Tx) Overdue(before, now time.Time, limit int) (list []account.Waiting, err error) {
	if _, err := tx.exec("UPDATE awaited_card SET since_at = ? WHERE since_at IS NULL", micros(now)); err != nil { // who waited before that was kept begins to
		return nil, err
	}
	err = tx.each(func(rows *sql.Rows) error {
		var w account.Waiting
		err := rows.Scan(&w.Account, &w.Card)
		list = append(list, w)
		return err
	}, `SELECT account, card FROM awaited_card AS w WHERE since_at < ?
		AND NOT EXISTS (SELECT 1 FROM document AS d WHERE d.account = w.account AND d.status = 'checking') ORDER BY card, account LIMIT ?`, micros(before), limit)
	return list, err
}

// LetIn opens those of the account's awaited cards of which nothing lacks any more, or keeps what does now. by is who gave the proof
// that was judged last.
func (tx *Tx) LetIn(of identity.AccountID, d evidence.Demand, by identity.Actor, request string, now time.Time) error {
	waiting, err := tx.AwaitedCards(of)
	if err != nil {
		return err
	}
	for _, id := range waiting {
		if err := tx.LockCard(id); err != nil {
			return err
		}
		lacks, err := tx.Lacks(of, id, d)
		if err != nil {
			return err
		}
		if len(lacks) > 0 {
			err = tx.stillAwaits(id, of, lacks, by, request, now)
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
	opened, err := tx.beginAwaited(id, of, now)
	if err != nil || !opened {
		return err
	}
	if err := tx.refuseOthers(id, of, now); err != nil {
		return err
	}
	if err := tx.tellOfAccess(id, []consent.Grant{{Card: id, Role: consent.Owner, Account: of}}, ""); err != nil {
		return err
	}
	return tx.AppendAudit(audit.Entry{Card: id, At: now, Actor: by, Action: audit.Grant, Purpose: consent.Operations, What: "owner", Request: request})
}

// beginAwaited lets the account's grant begin; opened is false if it waits no longer.
func (tx *Tx) beginAwaited(id card.ID, of identity.AccountID, now time.Time) (opened bool, err error) {
	seq, err := tx.commit(id)
	if err != nil {
		return false, err
	}
	n, err := tx.exec("UPDATE access_grant SET awaits = '', began = ?, ended = 0, starts_at = ? WHERE card = ? AND account = ? AND awaits <> '' AND revoked_at IS NULL",
		seq, micros(now), string(id), string(of))
	if err != nil {
		return false, err
	}
	if _, err := tx.exec("DELETE FROM awaited_card WHERE account = ? AND card = ?", string(of), string(id)); err != nil || n == 0 {
		return false, err
	}
	return true, tx.listCard(consent.Grant{Card: id, Role: consent.Owner, Account: of})
}

// refuseOthers lets go who else waits for a card that is the owner's now.
func (tx *Tx) refuseOthers(id card.ID, owner identity.AccountID, now time.Time) error {
	var others []identity.AccountID
	if err := tx.each(func(rows *sql.Rows) error {
		var other identity.AccountID
		err := rows.Scan(&other)
		others = append(others, other)
		return err
	}, "SELECT account FROM access_grant WHERE card = ? AND awaits <> '' AND revoked_at IS NULL AND account <> ? ORDER BY account", string(id), string(owner)); err != nil {
		return err
	}
	for _, other := range others {
		if err := tx.LetGo(other, id, "a claim: the card is somebody else's", now); err != nil {
			return err
		}
	}
	return nil
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

// redeemed lists the cards that the account's person redeemed, those too that wait for his proofs.
func (tx *Tx) redeemed(of identity.AccountID) ([]card.ID, error) {
	own, err := tx.ownCards(of)
	if err != nil {
		return nil, err
	}
	waiting, err := tx.AwaitedCards(of)
	all := append(own, waiting...)
	slices.Sort(all) // locks are taken in one order
	return slices.Compact(all), err
}

// NamesOf gives the names that the account's person has on those cards, former ones too.
func (tx *Tx) NamesOf(of identity.AccountID) (names []card.Name, err error) {
	cards, err := tx.redeemed(of)
	if err != nil {
		return nil, err
	}
	for _, id := range cards {
		person, found, err := tx.person(id)
		if err != nil {
			return nil, err
		}
		if found {
			names = append(append(names, person.Name), person.Former...)
		}
	}
	return names, nil
}

// AuditProof remembers an act on somebody's proofs or account on the cards that he redeemed, where he reads it; without one, on the log's own.
func (tx *Tx) AuditProof(of identity.AccountID, e audit.Entry) error {
	cards, err := tx.redeemed(of)
	if err != nil {
		return err
	}
	if cards, err = tx.whole(cards); err != nil {
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
