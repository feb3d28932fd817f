package story

import (
	"context"
	"crypto/sha256"
	"errors"
	"path/filepath"

	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/mobile-sdk/phone"
)

// Patient is a person with an account.
type Patient struct {
	Login    string // phone number
	Email    string
	Password string
	Account  identity.AccountID
	world    *World
}

// Phone is one installation of the app on a patient's phone.
type Phone struct {
	*phone.Client
	Network *Network
	Alarms  chan *phone.AuditError // the phone found by itself that the audit log does not hold
	File    string                 // where the encrypted card lies
	Owner   *Patient
}

// SignUp registers an account and confirms both channels with the codes that arrive.
func (w *World) SignUp(ctx context.Context, number, email string) (*Patient, *Phone, error) {
	p := &Patient{Login: number, Email: email, Password: "a sentence that only she knows", world: w}
	handset, err := p.Handset("first phone of " + email)
	if err != nil {
		return nil, nil, err
	}
	registered, err := handset.Register(ctx, phone.Registration{Phone: number, Email: email, Password: p.Password, Language: "ru"})
	if err != nil {
		return nil, nil, err
	}
	for _, channel := range []struct {
		by phone.Channel
		to string
	}{{phone.ByPhone, number}, {phone.ByEmail, email}} {
		code, err := w.Code(ctx, channel.to)
		if err != nil {
			return nil, nil, err
		}
		confirmed, err := handset.Confirm(ctx, registered.ID, channel.by, code)
		if err != nil {
			return nil, nil, err
		}
		p.Account = confirmed.Account
	}
	if p.Account == "" {
		return nil, nil, errors.New("story: both codes were typed in and there is no account")
	}
	return p, handset, handset.Enter(ctx)
}

// Handset installs the app on a further phone of the patient, not signed in yet.
func (p *Patient) Handset(name string) (*Phone, error) {
	dir, err := p.world.folder("phones")
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(name + p.world.URL))
	handset := &Phone{Network: new(Network), Alarms: make(chan *phone.AuditError, 16), File: filepath.Join(dir, identityOf(sum)+".db"), Owner: p}
	handset.Client, err = phone.Open(context.Background(), phone.Config{
		File: handset.File, Key: sum[:], BaseURL: p.world.URL, DeviceName: name, HTTPClient: handset.Network.Client(), Clock: p.world.Now,
		AuditAlarm: func(wrong *phone.AuditError) {
			select {
			case handset.Alarms <- wrong:
			default: // nobody looks
			}
		},
	})
	return handset, err
}

func identityOf(sum [32]byte) string {
	const hex = "0123456789abcdef"
	name := make([]byte, 16)
	for i := range name {
		name[i] = hex[sum[i]&15]
	}
	return string(name)
}

// Enter signs the phone in: password, then the code that comes by SMS.
func (h *Phone) Enter(ctx context.Context) error {
	challenge, err := h.SignIn(ctx, h.Owner.Login, h.Owner.Password)
	if err != nil {
		return err
	}
	code, err := h.Owner.world.Code(ctx, h.Owner.Login)
	if err != nil {
		return err
	}
	return h.SecondFactor(ctx, challenge.ID, code)
}
