package granting

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
)

// Tx is what this act needs of a transaction.
type Tx interface {
	FamilyTx
	ReviewTx
	Decide(identity.Actor, card.ID, consent.Purpose, time.Time) (consent.Permit, error)
	// DecideWatch lets in who speaks for the card's patient: the owner, or where it has none, who represents the patient wholly.
	DecideWatch(identity.Actor, card.ID, time.Time) (consent.Permit, error)
	// Organisation gives the display name of a client that may be let in; found is false for any other.
	Organisation(identity.ClientID) (name string, found bool, err error)
	// HasAccount reports whether there is such an account.
	HasAccount(identity.AccountID) (bool, error)
	Grants(consent.Permit) ([]consent.Grant, error)
	// CountGiven counts what the owner gave and that is not over.
	CountGiven(consent.Permit) (int, error)
	// LastReads tells when each organisation and person last read something of the card, by client and by account.
	LastReads(consent.Permit) (map[string]time.Time, error)
	AddGrant(consent.Permit, consent.Grant) error
	RevokeGrant(consent.Permit, consent.GrantID, time.Time) (found bool, err error)
	// RevokeByOrder is RevokeGrant by a court's decision, GrantsOf is Grants for who carries it out. Bar keeps whom a restriction names from its card.
	RevokeByOrder(card.ID, consent.GrantID, time.Time) (found bool, err error)
	GrantsOf(card.ID) ([]consent.Grant, error)
	Bar(consent.Grant, time.Time) error
	// Disown takes an account off a card that is not its person's, with all whom it let in; found is false if it neither owns the card nor waits for it.
	Disown(card.ID, identity.AccountID, time.Time) (found bool, err error)
	// Shred destroys the key of the entry's card; done is false if it has none. Shreddings lists who did that, the newest first.
	Shred(audit.Entry) (done bool, err error)
	// TellOfDestruction comes before it, and tells who owns the card and who acts for its patient.
	TellOfDestruction(card.Destroyed) error
	Shreddings(limit int) ([]audit.Entry, error)
	// BeginRenewal gives the entry's card another data key beside the one it has; false if it is being renewed already. Renewing lists such cards.
	BeginRenewal(audit.Entry) (begun bool, err error)
	Renewing(limit int) ([]card.ID, error)
	ConfirmGrant(consent.Permit, consent.GrantID, time.Time) (g consent.Grant, found bool, err error)
	// CardsWithEnds lists cards, behind the one named, of which a grant has run out whose end CommitEnds has still to commit.
	CardsWithEnds(after card.ID, now time.Time, limit int) ([]card.ID, error)
	CommitEnds(card.ID, time.Time) error
	// HideRecord hides a record from everybody but the owner, or shows it again; shown is the scope in which others see it.
	HideRecord(p consent.Permit, id card.RecordID, hide bool) (shown card.Scope, changed bool, err error)
	EnqueueNews(p consent.Permit, scopes card.Scopes) error
	AppendAudit(audit.Entry) error

	// DropProposals forgets a client's that nobody needs any more, and counts those that wait.
	DropProposals(identity.ClientID, time.Time) (waiting int, err error)
	PutProposal(consent.Proposal, identity.ProposalCode) error
	ProposalOf(identity.ProposalCode) (p consent.Proposal, found bool, err error)
	Proposal(identity.ClientID, consent.GrantID) (p consent.Proposal, found bool, err error)
	// AgreeProposal writes down into which card it was let; false if it was let in meanwhile.
	AgreeProposal(consent.Permit, consent.GrantID) (bool, error)

	DecideWrite(a identity.Actor, id card.ID, right string, scopes card.Scopes) (consent.Permit, error)
	LockCard(card.ID) error
	// OpenEmergency keeps an emergency, lets its clinic in and tells the owner.
	OpenEmergency(consent.Permit, consent.Opening) error
	Emergencies(consent.Permit) ([]consent.Opening, error)
	// CountEmergencies counts those of an organisation since an instant, CountEmergenciesOn those on one card.
	CountEmergencies(identity.ClientID, time.Time) (int, error)
	CountEmergenciesOn(card.ID, identity.ClientID, time.Time) (int, error)
}

// Store runs transactions.
type Store interface {
	View(context.Context, func(Tx) error) error
	Update(context.Context, func(Tx) error) error
}

// Service gives and takes access.
type Service struct {
	Store Store
	Clock func() time.Time
	NewID func() string
}

// mostGrants bounds what the owner gave and that is not over: every request on the card has to read it. What others did to the card does not
// count, or they could keep the owner from restricting them.
const mostGrants = 1000

// listedOver is how many of those that are over a list shows, the newest first.
const listedOver = 1000

// longest is how long a single grant may run: consent is asked again after it.
const longest = 5 * 365 * 24 * time.Hour

// Faults of this act.
var (
	ErrNoOrganisation = fault.New(fault.NotFound, "organisation.not_found", "There is no such organisation here.")
	ErrNoPerson       = fault.New(fault.NotFound, "account.not_found", "There is no such account here.")
	ErrWhom           = fault.New(fault.Invalid, "grantee.invalid", "Name either an organisation (client) or a person (account).")
	ErrNoGrant        = fault.New(fault.NotFound, "grant.not_found", "The card has no such grant, or it is revoked already.")
	ErrNotHeld        = fault.New(fault.NotFound, "grant.not_held", "The card has no such grant that waits to be confirmed.")
	ErrPurpose        = fault.New(fault.Invalid, "purpose.not_grantable", "An organisation may be let in for TREAT or ETREAT, a person for PATRQT.")
	ErrScopes         = fault.New(fault.Invalid, "scopes.invalid", "Name 1 to 32 scopes such as lab.general or rx.*.")
	ErrUnknownScopes  = fault.New(fault.Invalid, "scopes.unknown", "A scope is a class, a dot and a label, one of the two may be *; fields tells which of yours there is not. "+
		"The classes are "+strings.Join(card.Classes(), ", ")+"; the labels are "+strings.Join(card.Labels(), ", ")+".")
	ErrTooMany = fault.New(fault.Conflict, "grants.too_many", "This card has as many grants and restrictions as can run at a time. End one that nobody needs any more.")
	ErrPeriod  = fault.New(fault.Invalid, "period.invalid", "The end must lie after now and within five years.")
)

// Wish is a grant as the owner asks for it.
type Wish struct {
	Card    card.ID
	Client  identity.ClientID  // an organisation, or
	Account identity.AccountID // a person
	Scopes  card.Scopes
	Purpose consent.Purpose
	Ends    time.Time
	Request string // id of the HTTP request, for the audit
}

// Named is a grant with the organisation's name, and how it stands.
type Named struct {
	consent.Grant
	Organisation string
	State        consent.State
	Used         time.Time // when the grantee last read something, where a list tells it; zero = never since it was given
}

// Give lets somebody in. Another person is let in only by who has just shown a second factor: whoever holds an unlocked phone for a
// minute must not be able to read the card on his own from then on.
func (s *Service) Give(ctx context.Context, a identity.Actor, w Wish) (Named, error) {
	now := s.Clock()
	if err := w.check(now); err != nil {
		return Named{}, err
	}
	if w.Account != "" {
		if err := a.Fresh(now); err != nil {
			return Named{}, err
		}
	}
	g := consent.Grant{
		ID: consent.GrantID(s.NewID()), Card: w.Card, Role: consent.Reader, Client: w.Client, Scopes: w.Scopes,
		Purpose: w.Purpose, Starts: now, Ends: w.Ends,
	}
	if w.Account != "" {
		g.Role, g.Account = consent.Proxy, w.Account
	}
	return s.add(ctx, a, g, audit.Grant, w.Request)
}

// add puts a grant or a restriction on the card of its owner.
func (s *Service) add(ctx context.Context, a identity.Actor, g consent.Grant, action audit.Action, request string) (added Named, err error) {
	err = s.Store.Update(ctx, func(tx Tx) error {
		permit, err := s.owner(tx, a, g.Card)
		if err == nil {
			added, err = s.put(tx, permit, a, g, action, request)
		}
		return err
	})
	return added, err
}

func (s *Service) put(tx Tx, permit consent.Permit, a identity.Actor, g consent.Grant, action audit.Action, request string) (added Named, err error) {
	given, err := tx.CountGiven(permit)
	if err != nil {
		return added, err
	}
	if given >= mostGrants {
		return added, ErrTooMany
	}
	if added, err = s.grantee(tx, g); err != nil {
		return added, err
	}
	if err := tx.AddGrant(permit, g); err != nil {
		return added, err
	}
	return added, tx.AppendAudit(audit.Entry{Card: g.Card, At: g.Starts, Actor: a, Action: action, Purpose: consent.PatientRequest, What: added.whom(), Request: request})
}

// whom says in the audit whom a grant or a restriction is about.
func (n Named) whom() string {
	switch {
	case n.Account != "":
		return "a person"
	case n.Client != "":
		return n.Organisation
	}
	return "everybody"
}

// owner makes the permit of the card's owner. To somebody whom the owner let in, giving and taking is not open.
func (s *Service) owner(tx Tx, a identity.Actor, id card.ID) (consent.Permit, error) {
	permit, err := tx.Decide(a, id, consent.PatientRequest, s.Clock())
	if err == nil && !permit.Owner() {
		err = consent.ErrNotOwner
	}
	return permit, err
}

// grantee makes sure that there is whom it is for, and names an organisation.
func (s *Service) grantee(tx Tx, g consent.Grant) (n Named, err error) {
	if n, err = s.named(tx, g); err != nil {
		return n, err
	}
	if g.Client != "" && n.Organisation == "" {
		return n, ErrNoOrganisation
	}
	if g.Account == "" {
		return n, nil
	}
	found, err := tx.HasAccount(g.Account)
	if err == nil && !found {
		err = ErrNoPerson
	}
	return n, err
}

func (w Wish) check(now time.Time) error {
	if (w.Account == "") == (w.Client == "") {
		return ErrWhom
	}
	person := w.Account != "" && w.Purpose == consent.PatientRequest
	if !person && (w.Account != "" || w.Purpose != consent.Treatment && w.Purpose != consent.Emergency) {
		return ErrPurpose
	}
	if err := checkScopes(w.Scopes); err != nil {
		return err
	}
	if !w.Ends.After(now) || w.Ends.Sub(now) > longest {
		return ErrPeriod
	}
	return nil
}

func checkScopes(scopes card.Scopes) error {
	if len(scopes) == 0 || len(scopes) > 32 {
		return ErrScopes
	}
	for _, scope := range scopes {
		if !scope.Plausible() || scope.Hidden() { // what is hidden is the owner's alone
			return ErrScopes
		}
	}
	unknown := ErrUnknownScopes
	for i, scope := range scopes {
		if !scope.Known() {
			unknown = unknown.At("body.scopes["+strconv.Itoa(i)+"]", "no such class, or no such label")
		}
	}
	if len(unknown.Fields) > 0 {
		return unknown
	}
	return nil
}

// Revoke takes a grant back.
func (s *Service) Revoke(ctx context.Context, a identity.Actor, id card.ID, grant consent.GrantID, request string) error {
	return s.revoke(ctx, a, id, grant, audit.Revoke, ErrNoGrant, request)
}

// revoke ends a grant, or a restriction where the action is audit.Lift.
func (s *Service) revoke(ctx context.Context, a identity.Actor, id card.ID, grant consent.GrantID, action audit.Action, none error, request string) error {
	now := s.Clock()
	return s.Store.Update(ctx, func(tx Tx) error {
		permit, err := s.owner(tx, a, id)
		if err != nil {
			return err
		}
		all, err := tx.Grants(permit)
		if err != nil {
			return err
		}
		meant := func(g consent.Grant) bool {
			return g.ID == grant && (g.Role == consent.Restriction) == (action == audit.Lift)
		}
		if !slices.ContainsFunc(all, meant) {
			return none
		}
		found, err := tx.RevokeGrant(permit, grant, now)
		if err != nil {
			return err
		}
		if !found {
			return none
		}
		return tx.AppendAudit(audit.Entry{Card: id, At: now, Actor: a, Action: action, Purpose: consent.PatientRequest, What: string(grant), Request: request})
	})
}

// Confirm lets a grant go on that was held when the server was restored from a backup.
func (s *Service) Confirm(ctx context.Context, a identity.Actor, id card.ID, grant consent.GrantID, request string) (confirmed Named, err error) {
	now := s.Clock()
	err = s.Store.Update(ctx, func(tx Tx) error {
		permit, err := s.owner(tx, a, id)
		if err != nil {
			return err
		}
		g, found, err := tx.ConfirmGrant(permit, grant, now)
		if err != nil {
			return err
		}
		if !found {
			return ErrNotHeld
		}
		if g.Account != "" { // as when it was given
			if err := a.Fresh(now); err != nil {
				return err
			}
		}
		if confirmed, err = s.named(tx, g); err != nil {
			return err
		}
		return tx.AppendAudit(audit.Entry{Card: id, At: now, Actor: a, Action: audit.Confirm, Purpose: consent.PatientRequest, What: string(grant), Request: request})
	})
	return confirmed, err
}

// named gives a grant as its owner sees it.
func (s *Service) named(tx Tx, g consent.Grant) (n Named, err error) {
	n = Named{Grant: g, State: g.State(s.Clock())}
	if g.Client != "" {
		n.Organisation, _, err = tx.Organisation(g.Client)
	}
	return n, err
}

// sweepCards bounds one look for ends that are due.
const sweepCards = 500

// Sweep tells people ahead of what will change by itself, and commits the ends of grants that ran out.
func (s *Service) Sweep(ctx context.Context) error {
	return errors.Join(s.announce(ctx), s.commitEnds(ctx))
}

// commitEnds commits ends: the phones that lose something are woken and delete it. Access itself ended at the instant. One card's trouble
// keeps no other from its turn.
func (s *Service) commitEnds(ctx context.Context) error {
	now := s.Clock()
	var after card.ID
	var errs []error
	for {
		var cards []card.ID
		if err := s.Store.View(ctx, func(tx Tx) (err error) {
			cards, err = tx.CardsWithEnds(after, now, sweepCards)
			return err
		}); err != nil || len(cards) == 0 {
			return errors.Join(append(errs, err)...)
		}
		for _, id := range cards {
			after = id
			if err := s.Store.Update(ctx, func(tx Tx) error { return tx.CommitEnds(id, now) }); err != nil {
				errs = append(errs, err)
			}
		}
		if err := ctx.Err(); err != nil {
			return errors.Join(append(errs, err)...)
		}
	}
}

// List shows the owner the grants of the card, ended ones included.
func (s *Service) List(ctx context.Context, a identity.Actor, id card.ID) ([]Named, error) {
	return s.list(ctx, a, id, func(g consent.Grant) bool { return g.Role != consent.Restriction })
}

func (s *Service) list(ctx context.Context, a identity.Actor, id card.ID, wanted func(consent.Grant) bool) (list []Named, err error) {
	err = s.Store.View(ctx, func(tx Tx) error {
		list = nil
		permit, err := s.owner(tx, a, id)
		if err != nil {
			return err
		}
		grants, err := tx.Grants(permit)
		if err != nil {
			return err
		}
		reads, err := tx.LastReads(permit)
		if err != nil {
			return err
		}
		over := 0
		for _, g := range grants {
			if !wanted(g) {
				continue
			}
			n, err := s.named(tx, g)
			if err != nil {
				return err
			}
			if n.State == consent.Over || n.State == consent.Revoked {
				if over++; over > listedOver {
					continue
				}
			}
			if used := reads[string(g.Client)+string(g.Account)]; !used.Before(g.Starts) { // of the two a grant names one
				n.Used = used
			}
			list = append(list, n)
		}
		return nil
	})
	return list, err
}
