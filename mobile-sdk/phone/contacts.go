package phone

import (
	"context"
	"net/http"
	"time"
)

// ContactChange is a new number or address that waits for its code.
type ContactChange struct {
	ID   string
	To   string // where the code went, masked
	Ends time.Time
}

// ChangePhone has a code sent to another phone number. Needs a step-up.
func (c *Client) ChangePhone(ctx context.Context, number string) (ContactChange, error) {
	return c.changeContact(ctx, contactBody{Phone: number})
}

// ChangeEmail has a code sent to another e-mail address. Needs a step-up.
func (c *Client) ChangeEmail(ctx context.Context, address string) (ContactChange, error) {
	return c.changeContact(ctx, contactBody{Email: address})
}

type contactBody struct {
	Phone string `json:"phone,omitempty"`
	Email string `json:"email,omitempty"`
}

func (c *Client) changeContact(ctx context.Context, body contactBody) (ContactChange, error) {
	var a struct {
		Change string    `json:"change"`
		To     string    `json:"to"`
		Ends   time.Time `json:"ends"`
	}
	err := c.do(ctx, call{method: http.MethodPost, path: "/v1/me/contacts", once: true, body: body, into: &a})
	return ContactChange{ID: a.Change, To: a.To, Ends: a.Ends}, err
}

// ConfirmContact puts the new number or address in the place of the old one, which is told. The next sign-in is with it.
func (c *Client) ConfirmContact(ctx context.Context, change, code string) error {
	body := struct {
		Change string `json:"change"`
		Code   string `json:"code"`
	}{change, code}
	return c.do(ctx, call{method: http.MethodPost, path: "/v1/me/contacts/confirm", once: true, body: body})
}
