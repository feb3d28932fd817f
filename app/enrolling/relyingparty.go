package enrolling

import (
	"encoding/json"
	"fmt"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/fault"
)

// RelyingParty is what authenticators know Medcard by. A passkey is bound to Domain for ever: with another one all are lost.
type RelyingParty struct {
	Domain  string
	Origins []string // of pages, https://host
	Apps    []string // of apps, android:apk-key-hash:...
}

// Passkeys checks what authenticators sign.
type Passkeys struct{ web *webauthn.WebAuthn }

// NewPasskeys makes one. Each use of a passkey must have been allowed by finger, face or PIN: so it is two factors at once.
func NewPasskeys(rp RelyingParty) (*Passkeys, error) {
	web, err := webauthn.New(&webauthn.Config{
		RPID: rp.Domain, RPDisplayName: issuer, RPOrigins: rp.Origins, RPOpaqueOrigins: rp.Apps,
		AttestationPreference: protocol.PreferNoAttestation, // which make a patient's phone is of is not ours to know
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementRequired, UserVerification: protocol.VerificationRequired,
		},
	})
	if err != nil {
		return nil, fmt.Errorf("configuration: passkeys: %w", err)
	}
	return &Passkeys{web}, nil
}

// Faults of passkeys. What exactly was wrong with a response helps nobody but who forges one.
var (
	errNoPasskeys    = fault.New(fault.NotFound, "passkey.not_set_up", "Passkeys are not set up on this server.")
	errPasskey       = fault.New(fault.Unauthenticated, "passkey.refused", "The passkey was not accepted.")
	errPasskeyNew    = fault.New(fault.Invalid, "passkey.invalid", "This is not an authenticator's answer to the challenge.")
	errPasskeyTaken  = fault.New(fault.Conflict, "passkey.exists", "This passkey is registered already.")
	errPasskeysMany  = fault.New(fault.Conflict, "passkey.too_many", "There are as many passkeys as an account can have. Remove one first.")
	errPasskeyAbsent = fault.New(fault.NotFound, "passkey.not_found", "The account has no such passkey.")
	errPasskeyName   = fault.New(fault.Invalid, "passkey.name", "The passkey's name has at most 100 characters.")
)

// holder shows an account and its passkeys to the library.
type holder struct {
	who  account.Account
	keys []account.Passkey
}

var _ webauthn.User = holder{}

func (h holder) WebAuthnID() []byte          { return []byte(h.who.ID) }
func (h holder) WebAuthnName() string        { return string(h.who.Email) }
func (h holder) WebAuthnDisplayName() string { return string(h.who.Email) }

func (h holder) WebAuthnCredentials() []webauthn.Credential {
	list := make([]webauthn.Credential, 0, len(h.keys))
	for _, k := range h.keys {
		var c webauthn.Credential
		if json.Unmarshal(k.Record, &c) == nil {
			list = append(list, c)
		}
	}
	return list
}

// register makes the options for a new passkey and what the answer is checked against.
func (p *Passkeys) register(h holder, challenge []byte) (options, data []byte, err error) {
	creation, session, err := p.web.BeginRegistration(h, webauthn.WithExclusions(webauthn.Credentials(h.WebAuthnCredentials()).CredentialDescriptors()),
		func(o *protocol.PublicKeyCredentialCreationOptions) error { o.Challenge = challenge; return nil })
	if err != nil {
		return nil, nil, err
	}
	if options, err = json.Marshal(creation.Response); err != nil {
		return nil, nil, err
	}
	data, err = json.Marshal(session)
	return options, data, err
}

// registered checks the answer of an authenticator that made a passkey.
func (p *Passkeys) registered(h holder, data []byte, response string) (*webauthn.Credential, error) {
	var session webauthn.SessionData
	if err := json.Unmarshal(data, &session); err != nil {
		return nil, err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes([]byte(response))
	if err != nil {
		return nil, errPasskeyNew
	}
	credential, err := p.web.CreateCredential(h, session, parsed)
	if err != nil {
		return nil, errPasskeyNew
	}
	return credential, nil
}

// challenge makes the options for a use of a passkey: of a person who is known, or of whoever comes.
func (p *Passkeys) challenge(h *holder, challenge []byte) (options, data []byte, err error) {
	var assertion *protocol.CredentialAssertion
	var session *webauthn.SessionData
	if h != nil {
		assertion, session, err = p.web.BeginLogin(*h, webauthn.WithChallenge(challenge))
	} else {
		assertion, session, err = p.web.BeginDiscoverableLogin(webauthn.WithChallenge(challenge))
	}
	if err != nil {
		return nil, nil, err
	}
	if options, err = json.Marshal(assertion.Response); err != nil {
		return nil, nil, err
	}
	data, err = json.Marshal(session)
	return options, data, err
}

// used checks what an authenticator signed. find gives the holder by the handle that the authenticator keeps, which is an account's id;
// known is the one who is expected, nil = whoever comes.
func (p *Passkeys) used(known *holder, find func(handle string) (holder, error), data []byte, response string) (holder, *webauthn.Credential, error) {
	var session webauthn.SessionData
	if err := json.Unmarshal(data, &session); err != nil {
		return holder{}, nil, err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes([]byte(response))
	if err != nil {
		return holder{}, nil, errPasskey
	}
	if known != nil {
		credential, err := p.web.ValidateLogin(*known, session, parsed)
		return accepted(*known, credential, err)
	}
	var ours error // of the database: no verdict on the passkey
	var found holder
	_, credential, err := p.web.ValidatePasskeyLogin(func(_, handle []byte) (webauthn.User, error) {
		found, ours = find(string(handle))
		return found, ours
	}, session, parsed)
	if ours != nil {
		return holder{}, nil, ours
	}
	return accepted(found, credential, err)
}

// accepted refuses also a key whose counter went back: somebody has a copy of it.
func accepted(h holder, c *webauthn.Credential, err error) (holder, *webauthn.Credential, error) {
	if err != nil || c.Authenticator.CloneWarning {
		return holder{}, nil, errPasskey
	}
	return h, c, nil
}
