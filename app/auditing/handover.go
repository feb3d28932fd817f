package auditing

import (
	"context"
	"errors"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/medcard/medcard/app/wording"
	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
)

// HandOver lets another key sign the log from now on. write keeps the statement, signed by both keys, where Keys finds it: from then on the other key
// signs, whatever becomes of the transaction. It fails with ErrTampered on a log that is not what its last checkpoint says.
func (s *Service) HandOver(ctx context.Context, next note.Signer, key string, write func(statement string) error) error {
	return s.Store.Update(ctx, func(tx Tx) error {
		size, signed, err := tx.LockLog() // so that no server signs with the old key behind the statement
		if err != nil {
			return err
		}
		keys, err := s.Keys()
		if err != nil {
			return err
		}
		root, err := tlog.TreeHash(size, treeOf(tx))
		if err != nil {
			return err
		}
		if err := keys.match(signed, size, root); err != nil {
			return err
		}
		last := audit.Checkpoint{Origin: next.Name(), Size: size, Root: audit.Hash(root)}
		if keys.Key != key { // else it took over already, and this is another try
			statement, err := note.Sign(&note.Note{Text: audit.Handover{Key: key, At: last}.Text()}, keys.Signer, next)
			if err != nil {
				return err
			}
			if err := write(string(statement)); err != nil {
				return err
			}
		}
		checkpoint, err := Keys{Signer: next}.sign(last)
		if err != nil {
			return err
		}
		return tx.ExtendLog(size, nil, nil, checkpoint)
	})
}

// ErrHandover is the answer to an order to change the key that does not say why.
var ErrHandover = fault.New(fault.Invalid, "handover.invalid", "Say why another key signs the log (10 to 200 characters) and who does it.")

// NoteHandover remembers, under the card of no patient, who lets another key sign the log and why.
func (s *Service) NoteHandover(ctx context.Context, reason, by string) error {
	if !wording.Long(reason, 10, 200) || !wording.Long(by, 3, 100) {
		return ErrHandover
	}
	now := s.Clock()
	by = strings.TrimSpace(by)
	return s.Store.Update(ctx, func(tx Tx) error {
		if err := tx.OpenLogCard(now); err != nil {
			return err
		}
		return tx.AppendAudit(audit.Entry{
			Card: audit.LogCard, At: now, Actor: identity.AtDesk(by), Action: audit.HandOver,
			Purpose: consent.Operations, What: strings.TrimSpace(reason), Request: "handover",
		})
	})
}

// handedOver gives the last checkpoint of the key that signed a statement of the log's own key folder.
func handedOver(statement string) (audit.Checkpoint, bool) {
	_, err := note.Open([]byte(statement), note.VerifierList()) // what stands in the key folder needs no proof
	var unverified *note.UnverifiedNoteError
	if !errors.As(err, &unverified) {
		return audit.Checkpoint{}, false
	}
	h, err := audit.ParseHandover(unverified.Note.Text)
	return h.At, err == nil
}

// Adopt puts the signature of the key that signs now under the checkpoint of a database that was restored from before a handover: an older key of this
// log signed that, which the sequencer believes no more. It is for the operator who restores.
func (s *Service) Adopt(ctx context.Context) error {
	return s.Store.Update(ctx, func(tx Tx) error {
		size, signed, err := tx.LockLog()
		if err != nil {
			return err
		}
		keys, err := s.Keys()
		if err != nil || len(keys.Former) == 0 || signed == "" || keys.signed(signed) {
			return err
		}
		root, err := tlog.TreeHash(size, treeOf(tx))
		if err != nil {
			return err
		}
		for _, key := range keys.Former {
			if (Keys{Signer: keys.Signer, Key: key}).match(signed, size, root) != nil {
				continue
			}
			if signed, err = keys.sign(audit.Checkpoint{Origin: keys.Signer.Name(), Size: size, Root: audit.Hash(root)}); err != nil {
				return err
			}
			return tx.ExtendLog(size, nil, nil, signed)
		}
		return ErrTampered
	})
}
