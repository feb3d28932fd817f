package medcard

import (
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/mobile-sdk/phone"
)

// CodeStepUp is the code of a Failure by which the server asks for the second factor once more: StepUp, ConfirmStepUp, and again.
const CodeStepUp = phone.CodeStepUp

// StepUp asks for the second factor once more, before a dangerous act.
func (c *Client) StepUp() (challenge *Challenge, err error) {
	defer guard(&err)
	ctx, end := c.term()
	defer end()
	r, err := c.inner.StepUp(ctx)
	if err != nil {
		return nil, err
	}
	return &Challenge{ID: r.ID, Method: r.Method, To: r.To, Ends: millis(r.Ends)}, nil
}

// ConfirmStepUp sends the code of a step-up. It gives until when this session may do dangerous acts.
func (c *Client) ConfirmStepUp(challenge, code string) (until int64, err error) {
	defer guard(&err)
	ctx, end := c.term()
	defer end()
	r, err := c.inner.ConfirmStepUp(ctx, challenge, code)
	return millis(r), err
}

// Factors asks for the second factors. JSON: {"authenticator": since when an app makes the codes, 0 = none does, "recoveryCodes": how many
// are not used, "passkeys": [{"id", "name", "added", "used"}], "links": [{"provider", "since"}]}.
func (c *Client) Factors() (factors []byte, err error) {
	defer guard(&err)
	ctx, end := c.term()
	defer end()
	r, err := c.inner.Factors(ctx)
	if err != nil {
		return nil, err
	}
	shape := factorsShape{Authenticator: millis(r.Authenticator), RecoveryCodes: r.RecoveryCodes, Passkeys: []passkeyShape{}, Links: []linkShape{}}
	for _, p := range r.Passkeys {
		shape.Passkeys = append(shape.Passkeys, passkeyShape{ID: p.ID, Name: p.Name, Added: millis(p.Added), Used: millis(p.Used)})
	}
	for _, l := range r.Links {
		shape.Links = append(shape.Links, linkShape{Provider: l.Provider, Since: millis(l.Since)})
	}
	return marshal(shape)
}

type factorsShape struct {
	Authenticator int64          `json:"authenticator"`
	RecoveryCodes int            `json:"recoveryCodes"`
	Passkeys      []passkeyShape `json:"passkeys"`
	Links         []linkShape    `json:"links"`
}

type passkeyShape struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Added int64  `json:"added"`
	Used  int64  `json:"used"`
}

type linkShape struct {
	Provider string `json:"provider"`
	Since    int64  `json:"since"`
}

// AuthenticatorSecret is what an authenticator app needs. Nobody gives it a second time.
type AuthenticatorSecret struct {
	URI    string // otpauth, to show as a QR code or to open on this phone
	Secret string // to type
	Ends   int64
}

// EnrolAuthenticator gets a secret for an authenticator app; ConfirmAuthenticator makes it the second factor.
func (c *Client) EnrolAuthenticator() (secret *AuthenticatorSecret, err error) {
	defer guard(&err)
	ctx, end := c.term()
	defer end()
	r, err := c.inner.EnrolAuthenticator(ctx)
	if err != nil {
		return nil, err
	}
	return &AuthenticatorSecret{URI: r.URI, Secret: r.Secret, Ends: millis(r.Ends)}, nil
}

// ConfirmAuthenticator shows the app's first code.
func (c *Client) ConfirmAuthenticator(code string) (err error) {
	defer guard(&err)
	ctx, end := c.term()
	defer end()
	return c.inner.ConfirmAuthenticator(ctx, code)
}

// RemoveAuthenticator takes the app off: codes come by text message again.
func (c *Client) RemoveAuthenticator() (err error) {
	defer guard(&err)
	ctx, end := c.term()
	defer end()
	return c.inner.RemoveAuthenticator(ctx)
}

// MakeRecoveryCodes makes codes for the person to write down. JSON: [code].
func (c *Client) MakeRecoveryCodes() (codes []byte, err error) {
	defer guard(&err)
	ctx, end := c.term()
	defer end()
	r, err := c.inner.NewRecoveryCodes(ctx)
	if err != nil {
		return nil, err
	}
	return marshal(r)
}

// Devices lists where the person is or was signed in. JSON: [{"id", "name", "lastUsed", "signedIn", "own": whether it is this one}].
func (c *Client) Devices() (devices []byte, err error) {
	defer guard(&err)
	ctx, end := c.term()
	defer end()
	list, err := c.inner.Devices(ctx)
	if err != nil {
		return nil, err
	}
	shapes := make([]ownDeviceShape, len(list))
	for i, d := range list {
		shapes[i] = ownDeviceShape{ID: string(d.ID), Name: d.Name, LastUsed: millis(d.LastUsed), SignedIn: d.SignedIn, Own: d.Own}
	}
	return marshal(shapes)
}

type ownDeviceShape struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	LastUsed int64  `json:"lastUsed"`
	SignedIn bool   `json:"signedIn"`
	Own      bool   `json:"own"`
}

// SignOutDevice ends what is open on a device of the person, at once.
func (c *Client) SignOutDevice(device string) (err error) {
	defer guard(&err)
	ctx, end := c.term()
	defer end()
	return c.inner.SignOutDevice(ctx, identity.DeviceID(device))
}

// SignOutOthers does so with every device but this one.
func (c *Client) SignOutOthers() (err error) {
	defer guard(&err)
	ctx, end := c.term()
	defer end()
	return c.inner.SignOutOthers(ctx)
}

// ChangePassword sets another password and signs all other devices out.
func (c *Client) ChangePassword(current, password string) (err error) {
	defer guard(&err)
	ctx, end := c.term()
	defer end()
	return c.inner.ChangePassword(ctx, current, password)
}

// LostPassword sends one code to the phone and another one to the e-mail address of whoever has the login. It gives what FoundPassword wants
// back, also if nobody has it.
func (c *Client) LostPassword(login string) (recovery string, err error) {
	defer guard(&err)
	ctx, end := c.term()
	defer end()
	recovery, _, err = c.inner.LostPassword(ctx, login)
	return recovery, err
}

// FoundPassword sets the new password with both codes. Every session ends.
func (c *Client) FoundPassword(recovery, phoneCode, emailCode, password string) (err error) {
	defer guard(&err)
	ctx, end := c.term()
	defer end()
	return c.inner.FoundPassword(ctx, recovery, phoneCode, emailCode, password)
}

// ChangePhone has a code sent to another phone number. Needs a step-up. ConfirmContact takes the code, Resend sends another one.
func (c *Client) ChangePhone(number string) (challenge *Challenge, err error) {
	defer guard(&err)
	ctx, end := c.term()
	defer end()
	return changing(c.inner.ChangePhone(ctx, number))
}

// ChangeEmail has a code sent to another e-mail address, as ChangePhone does.
func (c *Client) ChangeEmail(address string) (challenge *Challenge, err error) {
	defer guard(&err)
	ctx, end := c.term()
	defer end()
	return changing(c.inner.ChangeEmail(ctx, address))
}

func changing(to phone.ContactChange, err error) (*Challenge, error) {
	if err != nil {
		return nil, err
	}
	return &Challenge{ID: to.ID, To: to.To, Ends: millis(to.Ends)}, nil
}

// ConfirmContact puts the new number or address in the place of the old one, which is told. The next sign-in is with it.
func (c *Client) ConfirmContact(challenge, code string) (err error) {
	defer guard(&err)
	ctx, end := c.term()
	defer end()
	return c.inner.ConfirmContact(ctx, challenge, code)
}
