package phone

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/medcard/medcard/domain/identity"
)

// Device is an installation from which the person signed in.
type Device struct {
	ID       identity.DeviceID
	Name     string
	LastUsed time.Time
	SignedIn bool
	Own      bool // this one
}

// Devices lists where the person is or was signed in, the last used first.
func (c *Client) Devices(ctx context.Context) ([]Device, error) {
	var a struct {
		Devices []struct {
			ID       string    `json:"id"`
			Name     string    `json:"name"`
			LastUsed time.Time `json:"lastUsed"`
			SignedIn bool      `json:"signedIn"`
			Own      bool      `json:"own"`
		} `json:"devices"`
	}
	if err := c.do(ctx, call{method: http.MethodGet, path: "/v1/me/devices", into: &a}); err != nil {
		return nil, err
	}
	list := make([]Device, len(a.Devices))
	for i, d := range a.Devices {
		list[i] = Device{ID: identity.DeviceID(d.ID), Name: d.Name, LastUsed: d.LastUsed, SignedIn: d.SignedIn, Own: d.Own}
	}
	return list, nil
}

// SignOutDevice ends what is open on a device of the person, at once; it gets no pushes either. What that phone has of the cards stays
// readable there until its leases end. Needs a step-up.
func (c *Client) SignOutDevice(ctx context.Context, id identity.DeviceID) error {
	return c.do(ctx, call{method: http.MethodDelete, path: "/v1/me/devices/" + url.PathEscape(string(id)), once: true})
}

// SignOutOthers does so with every device but this one. Needs a step-up.
func (c *Client) SignOutOthers(ctx context.Context) error {
	return c.do(ctx, call{method: http.MethodDelete, path: "/v1/me/devices", once: true})
}

// ChangePassword sets another password and signs all other devices out. Needs a step-up.
func (c *Client) ChangePassword(ctx context.Context, current, password string) error {
	return c.do(ctx, call{method: http.MethodPost, path: "/v1/me/password", once: true, body: changePasswordBody{Current: current, Password: password}})
}

// LostPassword asks for a new password: one code goes to the phone and another one to the e-mail address of whoever has the login. The
// answer is the same if nobody has it.
func (c *Client) LostPassword(ctx context.Context, login string) (recovery string, ends time.Time, err error) {
	var a struct {
		Recovery string    `json:"recovery"`
		Ends     time.Time `json:"ends"`
	}
	err = c.do(ctx, call{method: http.MethodPost, path: "/v1/auth/lost-password", open: true, once: true, into: &a,
		body: lostPasswordBody{Login: login, Device: deviceBody{ID: c.self.ID, Name: c.self.name, Secret: c.self.Secret}}})
	return a.Recovery, a.Ends, err
}

// FoundPassword sets the new password with both codes. Every session ends; the person then signs in as usual.
func (c *Client) FoundPassword(ctx context.Context, recovery, phoneCode, emailCode, password string) error {
	return c.do(ctx, call{method: http.MethodPost, path: "/v1/auth/lost-password/confirm", open: true, once: true,
		body: foundPasswordBody{Recovery: recovery, PhoneCode: phoneCode, EmailCode: emailCode, Password: password}})
}
