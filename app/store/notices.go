package store

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/medcard/medcard/app/jobs"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/notice"
)

// Queue is where the jobs stand that transactions enqueue.
func (db *DB) Queue() jobs.Queue {
	if db.pool != nil {
		return jobs.Queue{Postgres: db.pool}
	}
	return jobs.Queue{SQLite: db.write}
}

// EnqueueNews tells the devices of those accounts that may see one of the scopes that the card changed. What a patient's own
// device wrote wakes the other devices silently; what anybody else wrote shows a line. Scopes are judged here and do not get
// into the job: whom a change concerns would tell what it is.
func (tx *Tx) EnqueueNews(p consent.Permit, scopes card.Scopes) error {
	about := notice.News
	if p.Actor().Kind == identity.Patient {
		about = notice.Wake
	}
	return tx.enqueueOf(p, scopes, about)
}

// EnqueueWake is EnqueueNews of what nobody did: phones sync, and show nothing.
func (tx *Tx) EnqueueWake(p consent.Permit, scopes card.Scopes) error {
	return tx.enqueueOf(p, scopes, notice.Wake)
}

// enqueueOf tells of changes in the scopes, and in those that records left in this transaction.
func (tx *Tx) enqueueOf(p consent.Permit, scopes card.Scopes, about notice.Kind) error {
	if err := tx.may(p); err != nil {
		return err
	}
	scopes = append(slices.Clone(scopes), tx.left...)
	grants, err := tx.grantsThat(p.Card(), effective)
	if err != nil {
		return err
	}
	told := map[identity.AccountID]bool{}
	for _, g := range grants {
		seen := func(s card.Scope) bool {
			if tx.veiled[s] {
				s = s.Hide()
			}
			return consent.Shown(grants, g.Account, s)
		}
		if g.Account == "" || told[g.Account] || !slices.ContainsFunc(scopes, seen) {
			continue
		}
		told[g.Account] = true
		if err := tx.enqueueNews(p.Card(), g.Account, about, p.Actor().Device); err != nil {
			return err
		}
	}
	return nil
}

// enqueueNews lets the news join what waits already, or starts to wait.
func (tx *Tx) enqueueNews(id card.ID, account identity.AccountID, about notice.Kind, sender identity.DeviceID) error {
	if err := tx.enter(id); err != nil {
		return err
	}
	// Changes from two devices concern both: no device is left out then.
	joined, err := tx.exec(`UPDATE push_news SET sender = CASE WHEN sender = ? THEN sender ELSE '' END
		WHERE card = ? AND account = ? AND about = ? AND waiting = ?`, string(sender), string(id), string(account), string(about), true)
	if err != nil || joined > 0 {
		return err
	}
	_, err = tx.exec(`INSERT INTO push_news (card, account, about, notice, sender, waiting) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (card, account, about) DO UPDATE SET notice = excluded.notice, sender = excluded.sender, waiting = excluded.waiting`,
		string(id), string(account), string(about), uuid.NewString(), string(sender), true)
	if err != nil {
		return err
	}
	return tx.enqueue(jobs.News{Card: id, Account: account, About: about}, nil)
}

// TakeNews takes what waits to be announced; what changes from now on waits anew. found is false when it was taken already.
func (tx *Tx) TakeNews(id card.ID, account identity.AccountID, about notice.Kind) (d notice.Due, found bool, err error) {
	if err := tx.enter(id); err != nil {
		return d, false, err
	}
	found, err = tx.one([]any{&d.ID, &d.Except}, `UPDATE push_news SET waiting = ? WHERE card = ? AND account = ? AND about = ? AND waiting = ?
		RETURNING notice, sender`, false, string(id), string(account), string(about), true)
	return d, found, err
}

// EnqueuePush hands one notice for one device to the queue.
func (tx *Tx) EnqueuePush(p notice.Push) error {
	return tx.enqueue(jobs.Push{ID: p.ID, Device: p.Device, About: p.Kind, Ends: p.Ends}, nil)
}

// StillSees reports whether the account sees anything of the card at the instant on the device, as its owner or because it was let in.
// It is how a job without an actor learns whether to tell that there is news.
func (tx *Tx) StillSees(id card.ID, account identity.AccountID, device identity.DeviceID, now time.Time) (bool, error) {
	grants, err := tx.grants(id)
	for _, g := range grants {
		if g.Reaches(identity.Actor{Account: account, Device: device}) && g.Role != consent.Restriction && g.InForce(now) {
			return true, err
		}
	}
	return false, err
}

// OwnersOf lists the accounts that own the card at the instant: who is reminded of what the owner has to do.
func (tx *Tx) OwnersOf(id card.ID, now time.Time) ([]identity.AccountID, error) {
	grants, err := tx.grants(id)
	if err != nil {
		return nil, err
	}
	var owners []identity.AccountID
	for _, g := range grants {
		if g.Role == consent.Owner && g.InForce(now) {
			owners = append(owners, g.Account)
		}
	}
	return owners, nil
}
