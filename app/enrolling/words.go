package enrolling

import (
	"embed"

	"github.com/medcard/medcard/app/wording"
	"github.com/medcard/medcard/domain/account"
)

//go:embed messages/*.json
var messageFiles embed.FS

// The messages that this package writes to people; the files under messages hold their words.
const (
	smsCode         = "smsCode"         // a code by SMS
	emailCode       = "emailCode"       // a code by e-mail
	smsSignIn       = "smsSignIn"       // the second factor
	smsExists       = "smsExists"       // somebody registers with a number that has an account
	emailExists     = "emailExists"     // the same for an address
	emailDevice     = "emailDevice"     // a sign-in from a new device
	emailReuse      = "emailReuse"      // a copied refresh token
	emailAppOn      = "emailAppOn"      // an authenticator app is the second factor now
	emailAppOff     = "emailAppOff"     // it is not any more
	emailCodesNew   = "emailCodesNew"   // new recovery codes
	emailCodeUsed   = "emailCodeUsed"   // one of them was used
	emailSignedOut  = "emailSignedOut"  // devices were signed out from another one
	emailPassword   = "emailPassword"   // another password
	smsLost         = "smsLost"         // a code for a lost password
	emailLost       = "emailLost"       // the other one
	emailPasskeyOn  = "emailPasskeyOn"  // a new passkey
	emailPasskeyOff = "emailPasskeyOff" // one less
	emailLinked     = "emailLinked"     // an external provider lets in now
	emailUnlinked   = "emailUnlinked"   // it does not any more
	emailLocked     = "emailLocked"     // an operator locked the account
	emailUnlocked   = "emailUnlocked"   // and no more
	emailSignerOn   = "emailSignerOn"   // an electronic signature lets in now
	emailSignerOff  = "emailSignerOff"  // it does not any more
	smsMoved        = "smsMoved"        // the account has another number
	emailMoved      = "emailMoved"      // it has another number or address
	smsPolicy       = "smsPolicy"       // an insurer's code for a policy
	defaultTongue   = wording.Fallback  // for who named none
)

type words struct{ all *wording.Words }

func newWords() *words { return &words{wording.Load(messageFiles)} }

// say words a message. values fill its blanks.
func (w *words) say(in account.Language, message string, values map[string]any) string {
	return w.all.Say(in, message, values)
}

// code words a message whose only blank is a code.
func (w *words) code(in account.Language, message, code string) string {
	return w.say(in, message, map[string]any{"Code": code, "Minutes": int(account.CodeLife.Minutes())})
}
