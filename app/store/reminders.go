package store

import (
	"database/sql"
	"time"

	"github.com/riverqueue/river"

	"github.com/medcard/medcard/app/jobs"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/notice"
)

const reminderColumns = "id, client, idempotency_key, template, starts_at, send_at, created_at, sent_at, sealed"

func reminderPlace(id notice.ID) string { return "reminder|sealed|" + string(id) }

// AddReminder keeps what a clinic asked for and enqueues it for its time.
func (tx *Tx) AddReminder(p consent.Permit, r notice.Reminder) error {
	if p.Card() != r.Card || p.Actor().Client != r.Client {
		return ErrForeignPermit
	}
	if err := tx.may(p); err != nil {
		return err
	}
	sealed, err := tx.seal(r.Card, reminderPlace(r.ID), []byte(r.Subject))
	if err != nil {
		return err
	}
	if _, err := tx.exec(`INSERT INTO reminder (card, id, client, idempotency_key, template, starts_at, send_at, created_at, sealed)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`, string(r.Card), string(r.ID), string(r.Client), r.Key, string(r.Template),
		micros(r.Starts), micros(r.At), micros(r.Created), sealed); err != nil {
		return err
	}
	var when *river.InsertOpts
	if r.At.After(r.Created) {
		when = &river.InsertOpts{ScheduledAt: r.At}
	}
	return tx.enqueue(jobs.Reminder{Card: r.Card, ID: r.ID}, when)
}

// ReminderByKey finds what the permit's client asked for under an idempotency key before.
func (tx *Tx) ReminderByKey(p consent.Permit, key string) (notice.Reminder, bool, error) {
	if err := tx.may(p); err != nil {
		return notice.Reminder{}, false, err
	}
	return tx.reminder(p.Card(), "client = ? AND idempotency_key = ?", string(p.Actor().Client), key)
}

// Reminder finds a reminder for the job that sends it.
func (tx *Tx) Reminder(of card.ID, id notice.ID) (notice.Reminder, bool, error) {
	if err := tx.enter(of); err != nil {
		return notice.Reminder{}, false, err
	}
	return tx.reminder(of, "id = ?", string(id))
}

// RemindersSince counts what the permit's client asked for since the instant.
func (tx *Tx) RemindersSince(p consent.Permit, since time.Time) (n int, err error) {
	if err := tx.may(p); err != nil {
		return 0, err
	}
	_, err = tx.one([]any{&n}, "SELECT count(*) FROM reminder WHERE card = ? AND client = ? AND created_at >= ?",
		string(p.Card()), string(p.Actor().Client), micros(since))
	return n, err
}

// SetReminderSent notes that the devices were told. first is false when another run of the job was faster.
func (tx *Tx) SetReminderSent(of card.ID, id notice.ID, now time.Time) (first bool, err error) {
	if err := tx.enter(of); err != nil {
		return false, err
	}
	n, err := tx.exec("UPDATE reminder SET sent_at = ? WHERE card = ? AND id = ? AND sent_at IS NULL", micros(now), string(of), string(id))
	return n > 0, err
}

// Treats reports whether the permit's client has to do with the card at the instant: it posted about the patient, or the owner
// let it in.
func (tx *Tx) Treats(p consent.Permit, now time.Time) (bool, error) {
	if p.Actor().Client == "" {
		return false, ErrForeignPermit
	}
	if err := tx.may(p); err != nil {
		return false, err
	}
	var one int
	posted, err := tx.one([]any{&one}, "SELECT 1 FROM posting WHERE card = ? AND client = ? LIMIT 1", string(p.Card()), string(p.Actor().Client))
	if err != nil || posted {
		return posted, err
	}
	grants, err := tx.grants(p.Card())
	if err != nil {
		return false, err
	}
	for _, g := range grants {
		if g.Client == p.Actor().Client && g.InForce(now) {
			return true, nil
		}
	}
	return false, nil
}

func (tx *Tx) reminder(of card.ID, where string, args ...any) (notice.Reminder, bool, error) {
	r := notice.Reminder{Card: of}
	var sent sql.NullTime
	var sealed []byte
	found, err := tx.one([]any{&r.ID, &r.Client, &r.Key, &r.Template, &r.Starts, &r.At, &r.Created, &sent, &sealed},
		"SELECT "+reminderColumns+" FROM reminder WHERE card = ? AND "+where, append([]any{string(of)}, args...)...)
	if err != nil || !found {
		return notice.Reminder{}, false, err
	}
	subject, err := tx.open(of, reminderPlace(r.ID), sealed)
	if err != nil {
		return notice.Reminder{}, false, err
	}
	r.Subject, r.Sent = string(subject), fromNull(sent)
	r.Starts, r.At, r.Created = r.Starts.UTC(), r.At.UTC(), r.Created.UTC()
	return r, true, nil
}
