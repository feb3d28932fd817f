package notifying

import (
	"context"

	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/notice"
	"github.com/medcard/medcard/push"
)

var (
	errNoDevice = fault.New(fault.Denied, "device.missing", "Only an app that signed in as a device can be reached.")
	errToken    = fault.New(fault.Invalid, "invalid_input", "This is not a push token.")
	errLanguage = fault.New(fault.Invalid, "invalid_input", "The language is unknown.").At("body.language", "expected ru, en or nothing")
)

// Register keeps how the actor's device is reached. An app calls it after each sign-in, whenever its carrier gives it another
// token, and once a month, because carriers forget silent phones.
func (s *Service) Register(ctx context.Context, a identity.Actor, carrier, token string, language account.Language) error {
	if a.Kind != identity.Patient || a.Account == "" || a.Device == "" {
		return errNoDevice
	}
	if (push.Address{Carrier: push.Carrier(carrier), Token: token}).Check() != nil {
		return errToken.At("body", "unknown carrier, or a token that is empty, too long or not plain ASCII")
	}
	if language != "" && !language.Known() {
		return errLanguage
	}
	c := notice.Contact{Device: a.Device, Account: a.Account, Carrier: carrier, Token: token, Language: language, Seen: s.clock()}
	return s.store.Update(ctx, func(tx Tx) error { return tx.PutContact(c) })
}
