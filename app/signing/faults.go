package signing

import (
	"context"
	"errors"
	"time"

	"github.com/medcard/medcard/app/cms"
	"github.com/medcard/medcard/domain/fault"
)

// What a signature is refused with. Each code is another thing to do; the phone's SDK has the hints in Russian too.
var (
	errNotOffered  = fault.New(fault.NotFound, "signature.not_offered", "This server takes no electronic signatures: its operator has named no certification authorities.")
	errChallenge   = fault.New(fault.Gone, "signature.challenge_expired", "The challenge is expired, or not one of this server for this purpose. Ask for a new one and sign that.")
	errUsed        = fault.New(fault.Conflict, "signature.challenge_used", "The challenge was answered already. Ask for a new one.")
	errPrivateKey  = fault.New(fault.Invalid, "signature.private_key", "This is a private key, or a file that holds one. It was not kept. Never send it anywhere: ask your certification centre to revoke the certificate, and get a new one.")
	errMalformed   = fault.New(fault.Invalid, "signature.malformed", "This is no detached CMS signature in DER with its certificate inside. Update the program that signs.")
	errUnsupported = fault.New(fault.Invalid, "signature.unsupported", "The signature or a certificate uses an algorithm that this server does not know or does not trust any more. Update the program that signs, or get a certificate with a newer key.")
	errSignature   = fault.New(fault.Invalid, "signature.wrong", "The signature is not one over the challenge by this certificate. Sign the content exactly as it came; if that does not help, reinstall the certificate with its key.")
	errExpired     = fault.New(fault.Invalid, "signature.expired", "The certificate has expired. Get a new one from your certification centre and install it.")
	errNotYet      = fault.New(fault.Invalid, "signature.not_yet_valid", "The certificate is not valid yet. Check the date of your device, or wait until its first day.")
	errUntrusted   = fault.New(fault.Invalid, "signature.untrusted", "The certificate is not from a certification centre that is trusted here. Reinstall it together with the certificates of its centre, or get one from an accredited centre.")
	errRevoked     = fault.New(fault.Invalid, "signature.revoked", "The certificate was revoked. Get a new one from your certification centre.")
	errUsage       = fault.New(fault.Invalid, "signature.wrong_usage", "The certificate is not meant for signing by a person. Choose another one, or get one for digital signatures.")
	errOwner       = fault.New(fault.Invalid, "signature.wrong_owner", "The certificate does not name, by SNILS, the owner of a card of this account. Choose your own personal certificate; if your card is not yours here yet, redeem the clinic's code first.")
	errReplaced    = fault.New(fault.Invalid, "signature.replaced", "You have used a newer certificate of the same centre: this one was replaced by it. Choose the newest one, or reinstall it.")
	errStale       = fault.New(fault.Unavailable, "signature.revocation_stale", "It cannot be found out now whether the certificate was revoked, so the signature does not count. Try again in a few minutes, or sign in another way.")
	errVerifier    = fault.New(fault.Unavailable, "signature.verifier_away", "What checks signatures of this kind does not answer now. Try again in a few minutes, or sign in another way.").After(time.Minute)
	errNotBound    = fault.New(fault.Invalid, "signature.not_bound", "No account is opened by this certificate. Sign in another way once and bind the certificate to your account.")
	errTaken       = fault.New(fault.Conflict, "signature.taken", "The owner of this certificate signs in to another account with it. Unbind it there first.")
	errNothing     = fault.New(fault.NotFound, "signature.not_found", "Your account has no such signature.")
	errAction      = fault.New(fault.Invalid, "signature.action", "Say what is confirmed: an action in lower-case letters, digits, dots and hyphens, and the SHA-256 of the request as 64 hexadecimal digits.")
	errTooMany     = fault.New(fault.Conflict, "signature.too_many", "The account has as many confirmations as one can have.")
	errThrottled   = fault.New(fault.Throttled, "throttled", "Too many attempts. Wait before the next one.")
)

// verdicts words what is wrong with a signature.
var verdicts = []struct {
	err error
	say *fault.Fault
}{
	{cms.ErrMalformed, errMalformed}, {cms.ErrUnsupported, errUnsupported}, {cms.ErrSignature, errSignature}, {cms.ErrExpired, errExpired},
	{cms.ErrNotYet, errNotYet}, {cms.ErrUntrusted, errUntrusted}, {cms.ErrUsage, errUsage}, {cms.ErrOwner, errOwner},
	{cms.ErrRevoked, errRevoked}, {cms.ErrStale, errStale.After(time.Minute)},
}

// worded makes a fault of a verdict. What is none comes from a verifier outside that does not do its work: then nothing counts.
func worded(ctx context.Context, err error) error {
	for _, v := range verdicts {
		if errors.Is(err, v.err) {
			return v.say
		}
	}
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return errVerifier.Because(err)
}
