package store

import (
	"database/sql"
	"slices"
	"time"

	"github.com/medcard/medcard/app/jobs"
	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/family"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/incident"
	"github.com/medcard/medcard/domain/notice"
)

// incidentColumns in the order in which an incidentRow takes them.
const incidentColumns = "i.id, i.found_at, i.opened_at, i.opened_by, i.words_ru, i.words_en, i.reported_at, i.concluded_at"

type incidentRow struct {
	incident.Incident
	russian, english    string
	reported, concluded sql.NullTime
}

func (r *incidentRow) into() []any {
	return []any{&r.ID, &r.Found, &r.Opened, &r.By, &r.russian, &r.english, &r.reported, &r.concluded}
}

func (r *incidentRow) incident() incident.Incident {
	i := r.Incident
	i.Found, i.Opened = i.Found.UTC(), i.Opened.UTC()
	i.Words = map[account.Language]string{account.Russian: r.russian, account.English: r.english}
	i.Done = map[incident.Duty]time.Time{}
	for d, at := range map[incident.Duty]sql.NullTime{incident.Report: r.reported, incident.Conclude: r.concluded} {
		if at.Valid {
			i.Done[d] = at.Time.UTC()
		}
	}
	return i
}

// AddIncident keeps a new one.
func (tx *Tx) AddIncident(i incident.Incident) error {
	_, err := tx.exec("INSERT INTO incident (id, found_at, opened_at, opened_by, words_ru, words_en) VALUES (?, ?, ?, ?, ?, ?)",
		string(i.ID), micros(i.Found), micros(i.Opened), i.By, i.Words[account.Russian], i.Words[account.English])
	return err
}

// LockIncident finds one and locks it.
func (tx *Tx) LockIncident(id incident.ID) (incident.Incident, bool, error) {
	if n, err := tx.exec("UPDATE incident SET id = id WHERE id = ?", uuidOrNil(string(id))); err != nil || n == 0 {
		return incident.Incident{}, false, err
	}
	var r incidentRow
	found, err := tx.one(r.into(), "SELECT "+incidentColumns+" FROM incident AS i WHERE i.id = ?", string(id))
	return r.incident(), found, err
}

// SetIncident keeps which duties are done.
func (tx *Tx) SetIncident(i incident.Incident) error {
	_, err := tx.exec("UPDATE incident SET reported_at = ?, concluded_at = ? WHERE id = ?",
		nullTime(i.Done[incident.Report]), nullTime(i.Done[incident.Conclude]), string(i.ID))
	return err
}

// Incidents lists those with a duty that is owed first, then the newest.
func (tx *Tx) Incidents(limit int) (list []incident.Listed, err error) {
	err = tx.each(func(rows *sql.Rows) error {
		var r incidentRow
		var l incident.Listed
		err := rows.Scan(append(r.into(), &l.Concerned, &l.Mailed, &l.Read)...)
		l.Incident = r.incident()
		list = append(list, l)
		return err
	}, "SELECT "+incidentColumns+`, (SELECT count(*) FROM incident_concern AS c WHERE c.incident = i.id),
		(SELECT count(c.mailed_at) FROM incident_concern AS c WHERE c.incident = i.id), (SELECT count(c.read_at) FROM incident_concern AS c WHERE c.incident = i.id)
		FROM incident AS i ORDER BY CASE WHEN i.reported_at IS NULL OR i.concluded_at IS NULL THEN 0 ELSE 1 END, i.found_at DESC LIMIT ?`, limit)
	return list, err
}

// OverdueIncidents counts the duties that are late. There are few incidents in all.
func (tx *Tx) OverdueIncidents(now time.Time) (duties int, err error) {
	err = tx.each(func(rows *sql.Rows) error {
		var r incidentRow
		err := rows.Scan(r.into()...)
		duties += r.incident().Overdue(now)
		return err
	}, "SELECT "+incidentColumns+" FROM incident AS i WHERE i.reported_at IS NULL OR i.concluded_at IS NULL")
	return duties, err
}

// Concern remembers whom an incident concerns, and tells those who were not told before.
func (tx *Tx) Concern(id incident.ID, all []identity.AccountID, now time.Time) (added int, err error) {
	for _, of := range all {
		n, err := tx.exec("INSERT INTO incident_concern (account, incident, told_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", string(of), string(id), micros(now))
		if err != nil {
			return added, err
		}
		if n == 0 {
			continue
		}
		added++
		if err := tx.enqueueNews(audit.LogCard, of, notice.Incident, ""); err != nil {
			return added, err
		}
		if err := tx.enqueue(jobs.Alert{Incident: id, Account: of}, nil); err != nil {
			return added, err
		}
	}
	return added, nil
}

// AccountsAfter lists accounts in the order of their ids; last "" = from the first.
func (tx *Tx) AccountsAfter(last identity.AccountID, limit int) ([]identity.AccountID, error) {
	if last == "" {
		return tx.accounts("SELECT id FROM account ORDER BY id LIMIT ?", limit)
	}
	return tx.accounts("SELECT id FROM account WHERE id > ? ORDER BY id LIMIT ?", string(last), limit)
}

func (tx *Tx) accounts(query string, args ...any) (list []identity.AccountID, err error) {
	err = tx.each(func(rows *sql.Rows) error {
		var id identity.AccountID
		err := rows.Scan(&id)
		list = append(list, id)
		return err
	}, query, args...)
	return list, err
}

// PeopleOf lists who owns the card at the instant or acts for its patient.
func (tx *Tx) PeopleOf(id card.ID, now time.Time) ([]identity.AccountID, error) {
	people, err := tx.OwnersOf(id, now)
	if err != nil {
		return nil, err
	}
	acting, err := tx.Representations(id)
	for _, r := range acting {
		if r.State(now) == family.Running && !slices.Contains(people, r.Agent) {
			people = append(people, r.Agent)
		}
	}
	return people, err
}

// IncidentsOf lists what concerns the account, the newest first.
func (tx *Tx) IncidentsOf(of identity.AccountID) (list []incident.Notice, err error) {
	err = tx.each(func(rows *sql.Rows) error {
		var r incidentRow
		var n incident.Notice
		var read sql.NullTime
		err := rows.Scan(append(r.into(), &n.Told, &read)...)
		n.Incident, n.Told, n.Read = r.incident(), n.Told.UTC(), fromNull(read)
		list = append(list, n)
		return err
	}, "SELECT "+incidentColumns+`, c.told_at, c.read_at FROM incident_concern AS c JOIN incident AS i ON i.id = c.incident
		WHERE c.account = ? ORDER BY c.told_at DESC, i.id LIMIT 200`, string(of))
	return list, err
}

// ReadIncident notes that the account's person read it; when he did so first stays.
func (tx *Tx) ReadIncident(of identity.AccountID, id incident.ID, now time.Time) (bool, error) {
	n, err := tx.exec("UPDATE incident_concern SET read_at = coalesce(read_at, ?) WHERE account = ? AND incident = ?", micros(now), string(of), uuidOrNil(string(id)))
	return n > 0, err
}

// IncidentToMail finds an incident of which the account's person was sent no mail yet.
func (tx *Tx) IncidentToMail(of identity.AccountID, id incident.ID) (incident.Incident, bool, error) {
	var r incidentRow
	found, err := tx.one(r.into(), "SELECT "+incidentColumns+` FROM incident_concern AS c JOIN incident AS i ON i.id = c.incident
		WHERE c.account = ? AND c.incident = ? AND c.mailed_at IS NULL`, string(of), string(id))
	return r.incident(), found, err
}

// NoteIncidentMailed notes that the mail was handed over.
func (tx *Tx) NoteIncidentMailed(of identity.AccountID, id incident.ID, now time.Time) error {
	_, err := tx.exec("UPDATE incident_concern SET mailed_at = ? WHERE account = ? AND incident = ?", micros(now), string(of), string(id))
	return err
}
