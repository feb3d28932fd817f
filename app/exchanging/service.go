package exchanging

import (
	"context"
	"errors"
	"io"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/medcard/medcard/app/fhir"
	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/posting"
)

// Right is the OAuth scope that posting asks for.
const Right = "system/*.c"

// Importer is the client under which an operator's import is filed: it stands for whoever has a shell on the server.
const Importer identity.ClientID = "00000000-0000-0000-0000-000000000000"

// claimTTL is how long a claim code may be redeemed.
const claimTTL = 14 * 24 * time.Hour

// Why a bundle that can be read is not taken.
var (
	ErrAmbiguous    = fault.New(fault.Conflict, "patient.ambiguous", "The patient's numbers lead to different cards. Check them against the documents; if they are right, our operators have to look.")
	ErrMismatch     = fault.New(fault.Conflict, "patient.mismatch", "The patient's number or identifier leads to the card of somebody who was born on another day or has another number of the same kind. Check them against the documents.")
	ErrStale        = fault.New(fault.Stale, "resource.stale", "A resource was changed since you read it. Look at the newest version first.")
	errBusy         = fault.New(fault.Unavailable, "bundle.busy", "Many bundles are being taken in right now. Try again in a minute.").After(time.Minute)
	ErrUnidentified = fault.New(fault.Invalid, "patient.unidentified", "The Patient needs something to be known by: a policy number, a SNILS, an identifier with a system, or an id.")
)

// Parts are what a Service is made of.
type Parts struct {
	Store  Store
	Clock  func() time.Time
	Random io.Reader
	NewID  func() string
}

// Service takes bundles in. It is safe for concurrent use.
type Service struct {
	Parts
	room *semaphore.Weighted
}

// roomBytes is how many bytes of bundles are in work at once. Reading one takes up to forty times its size in memory, so that
// a few large ones at once would otherwise be the end of a small server.
const roomBytes = 2 * fhir.MaxSize

// New makes a Service.
func New(p Parts) *Service { return &Service{Parts: p, room: semaphore.NewWeighted(roomBytes)} }

// rounds bounds how often a bundle is tried when another one introduces the same patient at the same time.
const rounds = 4

// Receive takes a transaction bundle in, wholly or not at all. request is the id of the request, for the audit.
func (s *Service) Receive(ctx context.Context, a identity.Actor, body []byte, request string) (Received, error) {
	weight := min(int64(len(body)), roomBytes)
	if err := s.room.Acquire(ctx, weight); err != nil {
		return Received{}, errBusy.Because(err)
	}
	defer s.room.Release(weight)
	bundle, err := fhir.ReadBundle(body)
	if err != nil {
		return Received{}, err
	}
	in := intake{bundle: bundle, who: bundle.Introduction(), actor: a, now: s.Clock(), request: request}
	in.who.Client = a.Client
	if a.Kind == identity.Operator {
		in.who.Client = Importer
	}
	if len(in.who.Names)+len(in.who.Numbers) == 0 {
		return Received{}, ErrUnidentified
	}
	// What is random is drawn before the transaction, which may run again.
	if in.claim, err = identity.NewClaimCode(s.Random); err != nil {
		return Received{}, err
	}
	in.fresh = make([]card.RecordID, len(bundle.Entries))
	for i := range in.fresh {
		in.fresh[i] = card.RecordID(s.NewID())
	}
	var received Received
	for range rounds {
		err = s.Store.Update(ctx, func(tx Tx) (err error) {
			received, err = in.run(tx)
			return err
		})
		if !errors.Is(err, posting.ErrTaken) {
			break
		}
	}
	if errors.Is(err, posting.ErrTaken) {
		err = fault.New(fault.Unavailable, "patient.busy", "The same patient is being posted by several requests at once. Try again.").After(time.Second).Because(err)
	}
	if err != nil {
		return Received{}, err
	}
	return received, nil
}

// intake is one bundle on its way into a card.
type intake struct {
	bundle  *fhir.Bundle
	who     posting.Introduction
	actor   identity.Actor
	now     time.Time
	request string
	claim   identity.ClaimCode
	fresh   []card.RecordID // an id for each entry, should it be new
}

func (in intake) run(tx Tx) (Received, error) {
	id, opened, err := in.findCard(tx)
	if err != nil {
		return Received{}, err
	}
	permit, err := tx.DecideWrite(in.actor, id, Right, card.Everything())
	if err != nil {
		return Received{}, err
	}
	if err := tx.LockCard(id); err != nil {
		return Received{}, err
	}
	if opened {
		if err := tx.NoteOpener(permit, in.who.Client); err != nil {
			return Received{}, err
		}
	}
	if err := tx.Introduce(permit, in.who); err != nil {
		if errors.Is(err, posting.ErrOther) {
			err = ErrMismatch
		}
		return Received{}, err
	}
	work, err := in.compare(tx, permit)
	if err != nil {
		return Received{}, err
	}
	received := Received{Card: id, Opened: opened, Entries: work.entries}
	if len(work.postings) > 0 {
		if err := tx.Keep(permit, in.who.Client, work.postings); err != nil {
			return Received{}, err
		}
	}
	for _, f := range work.files {
		if err := tx.KeepAttachment(permit, f.Hash, f.Bytes); err != nil {
			return Received{}, err
		}
	}
	if len(work.records) > 0 {
		if err := tx.Publish(permit, work.records, in.now); err != nil {
			return Received{}, err
		}
		if err := tx.EnqueueNews(permit, work.scopes()); err != nil {
			return Received{}, err
		}
	}
	if received.Claim, err = in.giveClaim(tx, permit); err != nil {
		return Received{}, err
	}
	if len(work.postings) == 0 && received.Claim == "" {
		return received, nil
	}
	return received, tx.AppendAudit(audit.Entry{
		Card: id, At: in.now, Actor: in.actor, Action: audit.Publish, Purpose: consent.Treatment, What: work.what(), Request: in.request,
	})
}

// findCard finds the one card of the patient, or opens one.
func (in intake) findCard(tx Tx) (id card.ID, opened bool, err error) {
	matches, err := tx.CardsOfPatient(in.who)
	if err != nil {
		return "", false, err
	}
	for _, m := range matches {
		if id != "" && m.Card != id {
			return "", false, ErrAmbiguous
		}
		id = m.Card
	}
	for _, m := range matches {
		if m.Born != "" && in.who.Born != "" && !m.Born.Agrees(in.who.Born) {
			return "", false, ErrMismatch
		}
	}
	if id != "" {
		return id, false, nil
	}
	id, err = tx.CreateCard(in.now)
	return id, true, err
}

// giveClaim gives the desk a code for a card that nobody owns; what that alone opens says the package comment. Asking again gives another code and kills the older one, so a lost slip of
// paper is no danger for long.
func (in intake) giveClaim(tx Tx, p consent.Permit) (identity.ClaimCode, error) {
	owned, err := tx.HasOwner(p.Card())
	if err != nil || owned {
		return "", err
	}
	return in.claim, tx.PutClaim(p, in.who.Client, in.claim, in.now.Add(claimTTL))
}
