package store

import (
	"database/sql"
	"slices"
	"strings"
	"time"

	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/notice"
)

// A grant's begin, revoke and end are commits of the card like any change of a record: so it is known of every commit who
// could see what then, and a phone is sent what it gained and told what it lost.

// Grants lists the card's grants to who speaks for its patient, newest first.
func (tx *Tx) Grants(p consent.Permit) ([]consent.Grant, error) {
	if err := tx.mayWatch(p); err != nil {
		return nil, err
	}
	return tx.grants(p.Card())
}

// CountGiven counts the grants and restrictions that the card's owner gave and that are not over: emergencies and what comes of representations
// are none of them.
func (tx *Tx) CountGiven(p consent.Permit) (n int, err error) {
	if err := tx.mayOwn(p); err != nil {
		return 0, err
	}
	_, err = tx.one([]any{&n}, `SELECT count(*) FROM access_grant AS g WHERE card = ? AND (ended = 0 OR held_at IS NOT NULL) AND role <> ? AND representation = ''
		AND NOT ordered AND NOT EXISTS (SELECT 1 FROM emergency AS e WHERE e.card = g.card AND e.id = g.id)`, string(p.Card()), string(consent.Owner))
	return n, err
}

// grantColumns reads an empty id where there is no grant.
const grantColumns = `coalesce(CAST(id AS text), ''), coalesce(role, ''), coalesce(account, ''), coalesce(client, ''), coalesce(scopes, ''), coalesce(purpose, ''),
	starts_at, ends_at, revoked_at, held_at, coalesce(began, 0), coalesce(ended, 0), coalesce(device, ''), coalesce(powers, ''), coalesce(representation, ''), coalesce(awaits, ''), coalesce(ordered, false), met, met_at_end`

func (tx *Tx) grants(id card.ID) ([]consent.Grant, error) { return tx.grantsThat(id, "true") }

// effective holds for the grants that somebody's access or sight depends on: all but those of organisations that are over, of which every visit and
// emergency of a life leaves one. People's count also when they are over, because their phones are told what they saw when; there are no
// more of them than the owner gave. access_grant_effective is an index of just these.
const effective = "ended = 0 OR held_at IS NOT NULL OR client = ''"

func (tx *Tx) grantsThat(id card.ID, condition string) ([]consent.Grant, error) {
	var list []consent.Grant
	err := tx.enterEach(id, func(rows *sql.Rows) error {
		g := consent.Grant{Card: id}
		var scopes, powers string
		var starts, ends, revoked, held sql.NullTime
		var met, metAtEnd sql.NullString
		if err := rows.Scan(&g.ID, &g.Role, &g.Account, &g.Client, &scopes, &g.Purpose, &starts, &ends, &revoked, &held, &g.Began, &g.Ended,
			&g.Device, &powers, &g.Representation, &g.Awaits, &g.Ordered, &met, &metAtEnd); err != nil || g.ID == "" {
			return err
		}
		g.Scopes, g.Powers = card.ScopesOf(strings.Fields(scopes)), consent.PowersOf(strings.Fields(powers))
		g.Met, g.MetAtEnd = fromWords(met), fromWords(metAtEnd)
		g.Starts, g.Ends, g.Revoked, g.Held = fromNull(starts), fromNull(ends), fromNull(revoked), fromNull(held)
		list = append(list, g)
		return nil
	}, grantColumns, "access_grant", condition, "starts_at DESC, id DESC")
	return list, err
}

// fromWords gives scopes that may not be known.
func fromWords(words sql.NullString) card.Scopes {
	if !words.Valid {
		return nil
	}
	return card.ScopesOf(strings.Fields(words.String))
}

// standing are the scopes of the card in which something stands, as a restriction keeps them.
func (tx *Tx) standing(id card.ID) (card.Scopes, error) {
	sections, err := tx.sections(id)
	scopes := card.Scopes{}
	for _, s := range sections {
		if s.Live {
			scopes = append(scopes, s.Scope)
		}
	}
	return scopes, err
}

// AddGrant lets an organisation or another person see the owner's card.
func (tx *Tx) AddGrant(p consent.Permit, g consent.Grant) error {
	if g.Card != p.Card() || g.Role == consent.Owner {
		return ErrForeignPermit
	}
	if err := tx.mayOwn(p); err != nil {
		return err
	}
	g, err := tx.addGrant(g)
	if err != nil {
		return err
	}
	return tx.tellOfAccess(g.Card, []consent.Grant{g}, p.Actor().Device)
}

func (tx *Tx) addGrant(g consent.Grant) (consent.Grant, error) {
	var err error
	if g.Began, err = tx.commit(g.Card); err != nil {
		return g, err
	}
	if err := tx.refuseBarred(g); err != nil {
		return g, err
	}
	met := sql.NullString{Valid: g.Role == consent.Restriction}
	if met.Valid {
		if g.Met, err = tx.standing(g.Card); err != nil {
			return g, err
		}
		met.String = strings.Join(g.Met.Words(), " ")
	}
	_, err = tx.exec(`INSERT INTO access_grant (card, id, role, account, client, scopes, purpose, starts_at, ends_at, began, device, powers, representation, ordered, met)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, string(g.Card), string(g.ID), string(g.Role), string(g.Account), string(g.Client),
		strings.Join(g.Scopes.Words(), " "), string(g.Purpose), micros(g.Starts), nullTime(g.Ends), g.Began,
		string(g.Device), strings.Join(g.Powers.Words(), " "), string(g.Representation), g.Ordered, met)
	if err != nil {
		return g, err
	}
	return g, tx.listCard(g)
}

// end commits that the grants for which the condition holds are over, and tells those whom it concerns, but for the device that did it.
func (tx *Tx) end(id card.ID, except identity.DeviceID, condition string, args ...any) error {
	seq, err := tx.commit(id)
	if err != nil {
		return err
	}
	stood, err := tx.standing(id)
	if err != nil {
		return err
	}
	var over []consent.Grant
	if err := tx.each(func(rows *sql.Rows) error {
		g := consent.Grant{Ended: seq, MetAtEnd: stood}
		err := rows.Scan(&g.Role, &g.Account, &g.Client)
		over = append(over, g)
		return err
	}, "UPDATE access_grant SET ended = ?, met_at_end = ? WHERE "+condition+" RETURNING role, account, client", append([]any{seq, strings.Join(stood.Words(), " ")}, args...)...); err != nil {
		return err
	}
	if err := tx.unlistCard(id); err != nil {
		return err
	}
	return tx.tellOfAccess(id, over, except)
}

// listCard puts the card into the directory of the person whom the grant lets see it.
func (tx *Tx) listCard(g consent.Grant) error {
	if g.Account == "" || g.Role == consent.Restriction {
		return nil
	}
	_, err := tx.exec("INSERT INTO account_card (account, card, device) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", string(g.Account), string(g.Card), string(g.Device))
	return err
}

// unlistCard takes the card out of the directory of everybody who has no grant of it that runs.
func (tx *Tx) unlistCard(id card.ID) error {
	_, err := tx.exec(`DELETE FROM account_card WHERE card = ? AND NOT EXISTS
		(SELECT 1 FROM access_grant AS g WHERE g.card = account_card.card AND g.account = account_card.account AND g.device = account_card.device
			AND g.role <> ? AND g.ended = 0)`,
		string(id), string(consent.Restriction))
	return err
}

// tellOfAccess wakes the phones of the people whom grants that began or ended concern, and those of the card's owner: they sync, and so
// gain or lose what changed. Whom a restriction takes nothing, and gives nothing back, is left in peace.
func (tx *Tx) tellOfAccess(id card.ID, changed []consent.Grant, except identity.DeviceID) error {
	all, err := tx.grantsThat(id, effective)
	if err != nil {
		return err
	}
	var people []identity.AccountID
	for _, g := range changed {
		if g.Role != consent.Restriction {
			people = append(people, g.Account)
		}
	}
	for _, g := range all {
		if g.Ended == 0 && (g.Role == consent.Owner || g.Role == consent.Proxy && felt(changed, all, g.Account)) {
			people = append(people, g.Account)
		}
	}
	slices.Sort(people)
	for _, account := range slices.Compact(people) {
		if account == "" {
			continue
		}
		if err := tx.enqueueNews(id, account, notice.Access, except); err != nil {
			return err
		}
	}
	return nil
}

// felt reports whether a restriction among those that began or ended changed what the person sees, by all grants of the card.
func felt(changed, all []consent.Grant, person identity.AccountID) bool {
	his := slices.DeleteFunc(slices.Clone(all), func(g consent.Grant) bool {
		return g.Account != person && !g.Restricts(identity.Actor{Account: person})
	})
	return slices.ContainsFunc(changed, func(g consent.Grant) bool {
		if g.Ended != 0 {
			return g.Role == consent.Restriction && consent.Felt(his, g.Ended, g.MetAtEnd)
		}
		return g.Role == consent.Restriction && consent.Felt(his, g.Began, g.Met)
	})
}

// commit takes the card's next number for a change that is no record's.
func (tx *Tx) commit(id card.ID) (seq uint64, err error) {
	if err := tx.enter(id); err != nil {
		return 0, err
	}
	tx.grantedOf = ""
	found, err := tx.one([]any{&seq}, "UPDATE card SET seq = seq + 1 WHERE id = ? AND shredded_at IS NULL RETURNING seq", string(id))
	return seq, tx.met(id, found, err)
}

// RevokeGrant ends a grant at the instant, any but the owner's own. found is false when the card has no such grant that is
// still open. One that is held has ended already, at the commit that held it, and only does not come back.
func (tx *Tx) RevokeGrant(p consent.Permit, id consent.GrantID, now time.Time) (found bool, err error) {
	if err := tx.mayOwn(p); err != nil {
		return false, err
	}
	var ordered bool
	if _, err := tx.one([]any{&ordered}, "SELECT ordered FROM access_grant WHERE card = ? AND id = ?", string(p.Card()), string(id)); err != nil || ordered {
		return false, orElse(err, consent.ErrOrdered)
	}
	return tx.takeBack(p.Card(), id, now, p.Actor().Device)
}

// RevokeByOrder is RevokeGrant for an operator who carries out a decision of a court, or lifts a restriction that one ordered. The owners are told.
func (tx *Tx) RevokeByOrder(of card.ID, id consent.GrantID, now time.Time) (found bool, err error) {
	if found, err = tx.takeBack(of, id, now, ""); err != nil || !found {
		return found, err
	}
	return true, tx.alarm(of, now)
}

func (tx *Tx) takeBack(of card.ID, id consent.GrantID, now time.Time, except identity.DeviceID) (found bool, err error) {
	if err := tx.LockCard(of); err != nil {
		return false, err
	}
	tx.grantedOf = ""
	held, err := tx.exec("UPDATE access_grant SET revoked_at = ?, held_at = NULL WHERE card = ? AND id = ? AND revoked_at IS NULL AND held_at IS NOT NULL",
		micros(now), string(of), string(id))
	if err != nil || held > 0 {
		return held > 0, err
	}
	n, err := tx.exec("UPDATE access_grant SET revoked_at = ? WHERE card = ? AND id = ? AND role <> ? AND revoked_at IS NULL AND ended = 0",
		micros(now), string(of), string(id), string(consent.Owner))
	if err != nil || n == 0 {
		return false, err
	}
	return true, tx.end(of, except, "card = ? AND id = ?", string(of), string(id))
}

// GrantsOf lists a card's grants to an operator.
func (tx *Tx) GrantsOf(of card.ID) ([]consent.Grant, error) { return tx.grants(of) }

// ConfirmGrant lets a grant go on that a restored server held: it begins anew, with a commit, so that a phone is sent all that it
// shows. found is false when the card has no such grant that is held and has not run out.
func (tx *Tx) ConfirmGrant(p consent.Permit, id consent.GrantID, now time.Time) (g consent.Grant, found bool, err error) {
	if err := tx.mayOwn(p); err != nil {
		return g, false, err
	}
	seq, err := tx.commit(p.Card()) // before anything else is read: it takes the card's lock
	if err != nil {
		return g, false, err
	}
	n, err := tx.exec(`UPDATE access_grant SET held_at = NULL, began = ?, ended = 0
		WHERE card = ? AND id = ? AND held_at IS NOT NULL AND revoked_at IS NULL AND (ends_at IS NULL OR ends_at > ?)`,
		seq, string(p.Card()), string(id), micros(now))
	if err != nil || n == 0 {
		return g, false, err
	}
	all, err := tx.grants(p.Card())
	if err != nil {
		return g, false, err
	}
	g = all[slices.IndexFunc(all, func(g consent.Grant) bool { return g.ID == id })]
	if _, err := tx.exec("UPDATE representation SET held_at = NULL WHERE card = ? AND id = ?", string(p.Card()), uuidOrNil(string(g.Representation))); err != nil {
		return g, false, err
	}
	if err := tx.listCard(g); err != nil {
		return g, false, err
	}
	return g, true, tx.tellOfAccess(g.Card, []consent.Grant{g}, p.Actor().Device)
}

// lettingIn are the roles of everybody but the owner who is let in by one.
var lettingIn = []string{string(consent.Reader), string(consent.Proxy)}

// holdGrants is for a card of a database that was restored. What its owner revoked after the backup would be good again, and nobody
// here knows what that was. So everybody else's access ends, as one commit, and waits for the owner's word.
func (tx *Tx) holdGrants(id card.ID, now time.Time) error {
	if err := tx.CommitEnds(id, now); err != nil {
		return err
	}
	if _, err := tx.exec("UPDATE representation SET held_at = ? WHERE card = ? AND ended_at IS NULL", micros(now), string(id)); err != nil {
		return err
	}
	var waiting int
	if _, err := tx.one([]any{&waiting}, "SELECT count(*) FROM access_grant WHERE card = ? AND role IN ? AND ended = 0", string(id), lettingIn); err != nil || waiting == 0 {
		return err
	}
	seq, err := tx.commit(id)
	if err != nil {
		return err
	}
	if _, err := tx.exec("UPDATE access_grant SET held_at = ?, ended = ? WHERE card = ? AND role IN ? AND ended = 0",
		micros(now), seq, string(id), lettingIn); err != nil {
		return err
	}
	if err := tx.unlistCard(id); err != nil {
		return err
	}
	if err := tx.alarm(id, now); err != nil {
		return err
	}
	return tx.AppendAudit(audit.Entry{
		Card: id, At: now, Actor: identity.Actor{Kind: identity.System}, Action: audit.Hold, Purpose: consent.Operations, What: "all grants but the owner's", Request: "restore",
	})
}

// CommitEnds commits the end of every grant of the card that has run out, all as one commit, and tells everybody whom that concerns
// once. Access itself ended at the instant: Decide looks at the clock.
func (tx *Tx) CommitEnds(id card.ID, now time.Time) error {
	if err := tx.LockCard(id); err != nil {
		return err
	}
	var due int
	const over = "card = ? AND ended = 0 AND ends_at <= ?"
	if _, err := tx.one([]any{&due}, "SELECT count(*) FROM access_grant WHERE "+over, string(id), micros(now)); err != nil || due == 0 {
		return err
	}
	return tx.end(id, "", over, string(id), micros(now))
}

// CardsWithEnds lists cards behind the one named, at most limit, of which a grant has run out whose end is no commit yet.
func (tx *Tx) CardsWithEnds(after card.ID, now time.Time, limit int) (cards []card.ID, err error) {
	if after == "" {
		after = noCard
	}
	err = tx.each(func(rows *sql.Rows) error {
		var id card.ID
		err := rows.Scan(&id)
		cards = append(cards, id)
		return err
	}, "SELECT DISTINCT card FROM access_grant WHERE ended = 0 AND ends_at <= ? AND card > ? ORDER BY card LIMIT ?", micros(now), string(after), limit)
	return cards, err
}

// HasAccount reports whether there is such an account.
func (tx *Tx) HasAccount(id identity.AccountID) (bool, error) {
	var n int
	_, err := tx.one([]any{&n}, "SELECT count(*) FROM account WHERE id = ?", string(id))
	return n > 0, err
}

// OwnGrants lists the grants by which the permit's account sees or ever saw the card from a phone, and the restrictions that bind it.
func (tx *Tx) OwnGrants(p consent.Permit) ([]consent.Grant, error) {
	if err := tx.may(p); err != nil {
		return nil, err
	}
	all := tx.granted // Decide has just read them
	if tx.grantedOf != p.Card() {
		var err error
		if all, err = tx.grantsThat(p.Card(), effective); err != nil {
			return nil, err
		}
	}
	var own []consent.Grant
	for _, g := range all {
		if g.Role != consent.Restriction && g.Reaches(p.Actor()) || !p.Owner() && g.Restricts(p.Actor()) {
			own = append(own, g)
		}
	}
	return own, nil
}

// Sections lists every scope in which the card ever had a record.
func (tx *Tx) Sections(p consent.Permit) ([]card.Section, error) {
	if err := tx.may(p); err != nil {
		return nil, err
	}
	return tx.sections(p.Card())
}

func (tx *Tx) sections(id card.ID) (list []card.Section, err error) {
	if err := tx.enter(id); err != nil {
		return nil, err
	}
	err = tx.each(func(rows *sql.Rows) error {
		var s card.Section
		err := rows.Scan(&s.Scope, &s.Head, &s.Live)
		list = append(list, s)
		return err
	}, `SELECT scope, head, coalesce(live > 0, EXISTS (SELECT 1 FROM record AS r WHERE r.card = card_scope.card AND r.scope = card_scope.scope AND NOT r.deleted))
		FROM card_scope WHERE card = ? ORDER BY scope`, string(id)) // a card from before there were sums is not counted yet
	return list, err
}
