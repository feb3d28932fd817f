package oauth

import (
	"context"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
)

// Scopes of organisations. Each names one act; a token carries those that the act at hand needs.
const (
	ScopePublish   = "system/*.c"                 // post what was found and done
	ScopeRead      = "system/*.rs"                // read a card to which its owner has given access
	ScopePrescribe = "system/prescription.c"      // sign prescriptions
	ScopeRefer     = "system/referral.c"          // sign referrals
	ScopeCertify   = "system/certificate.c"       // sign certificates
	ScopeRemind    = "system/Communication.c"     // trigger a reminder
	ScopeStaff     = "system/PractitionerRole.cu" // name its practitioners
	ScopeDispense  = "system/dispensing.c"        // hand out what was prescribed
	ScopeAudit     = "system/AuditEvent.rs"       // read the log of who did what
	ScopeReview    = identity.RightReview         // look at what waits for a reviewer, and judge it
	ScopeInsure    = "system/Coverage.u"          // confirm whose a policy is
)

// scopesOf says what each kind of organisation may do unless the operator says less.
var scopesOf = map[identity.ActorKind][]string{
	identity.Clinic:   {ScopePublish, ScopeRead, ScopePrescribe, ScopeRefer, ScopeCertify, ScopeRemind, ScopeStaff},
	identity.Pharmacy: {ScopeDispense},
	identity.Auditor:  {ScopeAudit},
	identity.Reviewer: {ScopeReview},
	identity.Insurer:  {ScopeInsure},
}

// NewClient is what an operator says of an organisation.
type NewClient struct {
	Kind   identity.ActorKind
	Name   string
	OGRN   string   // number in the state register; empty = not told
	Scopes []string // empty = all that its kind may have
	Keys   []byte   // public keys, a JWK set
	// Policies are what the numbers of an insurer's policies begin with, 2 to 16 digits each.
	Policies []string
}

// Why a client is refused.
var (
	errClientKind   = fault.New(fault.Invalid, "client.kind", "The kind is clinic, pharmacy, auditor, reviewer or insurer.")
	errClientName   = fault.New(fault.Invalid, "client.name", "The name has 1 to 200 characters; patients read it in \"who saw my card\".")
	errClientOGRN   = fault.New(fault.Invalid, "client.ogrn", "The OGRN has 13 or 15 digits and a check digit; one of them is wrong.")
	errClientScope  = fault.New(fault.Invalid, "client.scope", "That kind of organisation may not have one of the scopes.")
	errClientPolicy = fault.New(fault.Invalid, "client.policies", "An insurer names with what the numbers of its policies begin: 1 to 100 beginnings of 2 to 16 digits. Nobody else has any.")
	errClientAbsent = fault.New(fault.NotFound, "client.not_found", "There is no such client, or it is revoked already.")
)

// AddClient registers an organisation. It is for operators: there is no route to it.
func (s *Service) AddClient(ctx context.Context, n NewClient) (identity.Client, error) {
	most, ok := scopesOf[n.Kind]
	if !ok {
		return identity.Client{}, errClientKind
	}
	name := strings.Join(strings.Fields(n.Name), " ")
	if name == "" || utf8.RuneCountInString(name) > maxPerson || !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl) {
		return identity.Client{}, errClientName
	}
	var ogrn identity.OGRN
	if n.OGRN != "" {
		var err error
		if ogrn, err = identity.ParseOGRN(n.OGRN); err != nil {
			return identity.Client{}, errClientOGRN.Because(err)
		}
	}
	scopes := n.Scopes
	if len(scopes) == 0 {
		scopes = most
	}
	for _, scope := range scopes {
		if !slices.Contains(most, scope) {
			return identity.Client{}, errClientScope
		}
	}
	if !beginnings(n.Kind, n.Policies) {
		return identity.Client{}, errClientPolicy
	}
	if _, err := ParseKeySet(n.Keys); err != nil {
		return identity.Client{}, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return identity.Client{}, err
	}
	client := identity.Client{ID: identity.ClientID(id.String()), Kind: n.Kind, Name: name, OGRN: ogrn, Scopes: scopes, Keys: n.Keys, Policies: n.Policies, Added: s.clock()}
	return client, s.store.Update(ctx, func(tx Tx) error { return tx.AddClient(client) })
}

// beginnings reports whether a client of the kind may have policies that begin so.
func beginnings(kind identity.ActorKind, policies []string) bool {
	if kind != identity.Insurer {
		return len(policies) == 0
	}
	return len(policies) > 0 && len(policies) <= 100 && !slices.ContainsFunc(policies, func(p string) bool {
		return len(p) < 2 || len(p) > 16 || strings.Trim(p, "0123456789") != ""
	})
}

// Clients lists the organisations, revoked ones too.
func (s *Service) Clients(ctx context.Context) (all []identity.Client, err error) {
	err = s.store.View(ctx, func(tx Tx) (err error) {
		all, err = tx.Clients()
		return err
	})
	return all, err
}

// RevokeClient ends an organisation's access at once, for the tokens it holds as well.
func (s *Service) RevokeClient(ctx context.Context, id identity.ClientID) error {
	canonical, err := uuid.Parse(string(id))
	if err != nil {
		return errClientAbsent
	}
	now := s.clock()
	return s.store.Update(ctx, func(tx Tx) error {
		found, err := tx.RevokeClient(identity.ClientID(canonical.String()), now)
		if err == nil && !found {
			return errClientAbsent
		}
		return err
	})
}
