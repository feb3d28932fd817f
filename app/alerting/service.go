package alerting

import (
	"context"
	"embed"
	"errors"
	"strings"
	"time"

	"github.com/medcard/medcard/app/wording"
	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/incident"
)

//go:embed messages/*.json
var messages embed.FS

// Tx is what this act needs of a transaction.
type Tx interface {
	AddIncident(i incident.Incident) error
	// LockIncident makes other transactions wait that lock the same one.
	LockIncident(id incident.ID) (incident.Incident, bool, error)
	SetIncident(i incident.Incident) error
	Incidents(limit int) ([]incident.Listed, error)
	OverdueIncidents(now time.Time) (duties int, err error)

	// Concern remembers whom the incident concerns, lets their phones ring and has a mail sent. Who is remembered already is left out.
	Concern(id incident.ID, all []identity.AccountID, now time.Time) (added int, err error)
	AccountsAfter(last identity.AccountID, limit int) ([]identity.AccountID, error)
	// PeopleOf lists who owns the card at the instant or acts for its patient.
	PeopleOf(id card.ID, now time.Time) ([]identity.AccountID, error)
	IncidentsOf(of identity.AccountID) ([]incident.Notice, error)
	// ReadIncident gives false where the incident does not concern the account.
	ReadIncident(of identity.AccountID, id incident.ID, now time.Time) (bool, error)
	IncidentToMail(of identity.AccountID, id incident.ID) (incident.Incident, bool, error)
	NoteIncidentMailed(of identity.AccountID, id incident.ID, now time.Time) error
	Account(id identity.AccountID) (account.Account, bool, error)

	// DestroyedCards lists what the account was told of by TellOfDestruction, which comes with the deed: see granting.Shred.
	DestroyedCards(of identity.AccountID) ([]card.Destroyed, error)
	DestructionToMail(of identity.AccountID, id card.ID) (card.Destroyed, bool, error)
	NoteDestructionMailed(of identity.AccountID, id card.ID, now time.Time) error

	OpenLogCard(now time.Time) error
	AppendAudit(e audit.Entry) error
}

// Store runs transactions. A closure may run again, so it holds nothing but Tx calls.
type Store interface {
	View(context.Context, func(Tx) error) error
	Update(context.Context, func(Tx) error) error
}

// Service does the work of this package.
type Service struct {
	Store Store
	Mail  func(ctx context.Context, to identity.Email, text string) error // the first line is the subject
	Clock func() time.Time
	NewID func() string
}

// What is refused.
var (
	errIncident = fault.New(fault.Invalid, "incident.invalid", "An incident was found within the last year, not later than now; it is told in 20 to 4,000 characters in Russian and as many in English, with your name.")
	errUnknown  = fault.New(fault.NotFound, "incident.not_found", "There is no such incident, or it does not concern you.")
	errDuty     = fault.New(fault.Invalid, "duty.invalid", "A duty is report or conclude; it was done after the incident was found and not later than now, by somebody with a name.")
	errDone     = fault.New(fault.Conflict, "duty.done", "This duty was done already.")
)

const (
	oldest = 365 * 24 * time.Hour
	listed = 500
	batch  = 200 // accounts that a transaction tells
)

// words are those of a mail; what fills them is the incident's.
var words = wording.Load(messages)

// now is the time as precisely as a database keeps it.
func (s *Service) now() time.Time { return s.Clock().UTC().Truncate(time.Microsecond) }

// Open writes an incident down. Nobody is told yet.
func (s *Service) Open(ctx context.Context, found time.Time, by string, text map[account.Language]string) (incident.Incident, error) {
	now := s.now()
	i := incident.Incident{ID: incident.ID(s.NewID()), Found: found.UTC().Truncate(time.Microsecond), Opened: now, By: strings.TrimSpace(by), Words: map[account.Language]string{}, Done: map[incident.Duty]time.Time{}}
	for _, l := range []account.Language{account.Russian, account.English} {
		if i.Words[l] = strings.TrimSpace(text[l]); !wording.Long(i.Words[l], 20, 4000) {
			return i, errIncident
		}
	}
	if !wording.Long(i.By, 3, 100) || i.Found.After(now) || now.Sub(i.Found) > oldest {
		return i, errIncident
	}
	return i, s.Store.Update(ctx, func(tx Tx) error {
		if err := tx.AddIncident(i); err != nil {
			return err
		}
		return s.remember(tx, i, i.By, "opened", now)
	})
}

func (s *Service) remember(tx Tx, i incident.Incident, by, what string, now time.Time) error {
	if err := tx.OpenLogCard(now); err != nil {
		return err
	}
	return tx.AppendAudit(audit.Entry{
		Card: audit.LogCard, At: now, Actor: identity.AtDesk(by), Action: audit.Alert,
		Purpose: consent.Operations, What: "incident " + string(i.ID) + " " + what, Request: string(audit.Alert),
	})
}

// Concern tells those who own one of the cards or act for its patient. step hears of each batch: how many cards are done, and how many people
// were told who were not before.
func (s *Service) Concern(ctx context.Context, id incident.ID, cards []card.ID, step func(done, told int)) (told int, err error) {
	for n, of := range cards { // one transaction touches one card
		var added int
		err := s.tell(ctx, id, &added, func(tx Tx, now time.Time) ([]identity.AccountID, error) { return tx.PeopleOf(of, now) })
		if err != nil {
			return told, err
		}
		told += added
		step(n+1, told)
	}
	return told, nil
}

// ConcernAll tells everybody who has an account.
func (s *Service) ConcernAll(ctx context.Context, id incident.ID, step func(done, told int)) (told int, err error) {
	for last, done := identity.AccountID(""), 0; ; step(done, told) {
		var added int
		var some []identity.AccountID
		err := s.tell(ctx, id, &added, func(tx Tx, _ time.Time) ([]identity.AccountID, error) {
			some, err = tx.AccountsAfter(last, batch)
			return some, err
		})
		if err != nil || len(some) == 0 {
			return told, err
		}
		last, done, told = some[len(some)-1], done+len(some), told+added
	}
}

func (s *Service) tell(ctx context.Context, id incident.ID, added *int, find func(Tx, time.Time) ([]identity.AccountID, error)) error {
	now := s.now()
	return s.Store.Update(ctx, func(tx Tx) error {
		if _, found, err := tx.LockIncident(id); err != nil || !found {
			return errors.Join(err, missing(found))
		}
		people, err := find(tx, now)
		if err != nil {
			return err
		}
		*added, err = tx.Concern(id, people, now)
		return err
	})
}

func missing(found bool) error {
	if found {
		return nil
	}
	return errUnknown
}

// Do notes that a duty towards the authority was done.
func (s *Service) Do(ctx context.Context, id incident.ID, d incident.Duty, at time.Time, by string) (i incident.Incident, err error) {
	now := s.now()
	at, by = at.UTC().Truncate(time.Microsecond), strings.TrimSpace(by)
	err = s.Store.Update(ctx, func(tx Tx) error {
		var found bool
		if i, found, err = tx.LockIncident(id); err != nil || !found {
			return errors.Join(err, missing(found))
		}
		if !d.Known() || !wording.Long(by, 3, 100) || at.After(now) || at.Before(i.Found) {
			return errDuty
		}
		if _, done := i.Done[d]; done {
			return errDone
		}
		i.Done[d] = at
		if err := tx.SetIncident(i); err != nil {
			return err
		}
		return s.remember(tx, i, by, string(d), now)
	})
	return i, err
}

// List lists incidents, those with a duty that is owed first, then the newest.
func (s *Service) List(ctx context.Context) (list []incident.Listed, err error) {
	err = s.Store.View(ctx, func(tx Tx) error {
		list, err = tx.Incidents(listed)
		return err
	})
	return list, err
}

// Overdue counts the duties that are late.
func (s *Service) Overdue(ctx context.Context) (n int, err error) {
	now := s.now()
	err = s.Store.View(ctx, func(tx Tx) error {
		n, err = tx.OverdueIncidents(now)
		return err
	})
	return n, err
}

// Mine lists the incidents that concern the actor, the newest first.
func (s *Service) Mine(ctx context.Context, a identity.Actor) (list []incident.Notice, err error) {
	err = s.Store.View(ctx, func(tx Tx) error {
		list, err = tx.IncidentsOf(a.Account)
		return err
	})
	return list, err
}

// Read notes that the actor read what happened.
func (s *Service) Read(ctx context.Context, a identity.Actor, id incident.ID) error {
	now := s.now()
	return s.Store.Update(ctx, func(tx Tx) error {
		found, err := tx.ReadIncident(a.Account, id, now)
		return errors.Join(err, missing(found || err != nil))
	})
}

// Send mails one person what happened. Done again it sends nothing, but for a mail that was handed over when a crash came.
func (s *Service) Send(ctx context.Context, id incident.ID, to identity.AccountID) error {
	var i incident.Incident
	var who account.Account
	waits := false
	if err := s.Store.View(ctx, func(tx Tx) (err error) {
		if i, waits, err = tx.IncidentToMail(to, id); err != nil || !waits {
			return err
		}
		who, waits, err = tx.Account(to)
		return err
	}); err != nil || !waits {
		return err
	}
	if err := s.Mail(ctx, who.Email, words.Say(who.Language, "emailIncident", map[string]any{"Words": i.In(who.Language)})); err != nil {
		return err
	}
	now := s.now()
	return s.Store.Update(ctx, func(tx Tx) error { return tx.NoteIncidentMailed(to, id, now) })
}
