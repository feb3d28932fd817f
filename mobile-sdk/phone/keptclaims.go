package phone

import (
	"slices"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/evidence"
	"github.com/medcard/medcard/domain/family"
	"github.com/medcard/medcard/domain/identity"
)

// KeptClaim is a claim that waits on this phone to be filed, with its document.
type KeptClaim struct {
	ID string // on this phone
	Claimed
	KeptDocument
}

// KeepClaim takes a claim to act for a patient into the encrypted file, with the files of its document, to be filed by the next Sync that reaches
// the server, once. It needs no network, and takes the place of one that waits for the same patient by the same kind of document. Numbers and
// dates are checked here; whether it fits the patient's card the server says (KeptClaim.Code). ErrDocument, ErrSignedOut as of KeepDocument.
func (c *Client) KeepClaim(in Claimed, files ...[]byte) error {
	slot := evidence.Slot(in.Basis)
	if slot.Code() == 0 {
		return family.ErrKind
	}
	number, err := slot.Number(in.Number)
	if err != nil {
		return err
	}
	if err := in.check(); err != nil {
		return err
	}
	in.Number = number
	return c.keep(keptDocument{Slot: slot, Number: number, Claim: &in}, files, func(other keptDocument) bool {
		return other.Slot == slot && other.Claim != nil && other.Claim.Patient.named().Same(in.Patient.named())
	})
}

// check refuses what no server takes.
func (in Claimed) check() error {
	patient := in.Patient.named()
	if !patient.Whole() || !in.Agent.named().Whole() || len(patient.Numbers()) == 0 {
		return family.ErrClaim
	}
	if in.Patient.SNILS != "" {
		if _, err := identity.ParseSNILS(in.Patient.SNILS); err != nil {
			return err
		}
	}
	if in.Patient.Policy != "" {
		if _, err := identity.ParsePolicy(in.Patient.Policy); err != nil {
			return err
		}
	}
	return nil
}

func (n Named) named() family.Named {
	return family.Named{Name: card.Name{Family: n.Family, Given: n.Given}, Born: n.Born, SNILS: identity.SNILS(n.SNILS), Policy: identity.Policy(n.Policy)}
}

// KeptClaims lists the claims that wait to be filed, in the order in which they were kept. It needs no network.
func (c *Client) KeptClaims() ([]KeptClaim, error) {
	kept, err := c.kept()
	kept = slices.DeleteFunc(kept, func(d keptDocument) bool { return d.Claim == nil })
	list := make([]KeptClaim, len(kept))
	for i, d := range kept {
		list[i] = KeptClaim{ID: d.Name, Claimed: *d.Claim, KeptDocument: d.shown()}
	}
	return list, err
}

// DropKeptClaim takes a claim back that waits. What the server has of its document already stays there as a draft: see WithdrawDocument.
func (c *Client) DropKeptClaim(id string) error {
	return c.dropKept(func(d keptDocument) bool { return d.Name == id && d.Claim != nil })
}
