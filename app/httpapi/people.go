package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/medcard/medcard/app/enrolling"
	"github.com/medcard/medcard/app/oauth"
	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/evidence"
	"github.com/medcard/medcard/domain/fault"
)

type registerRequest struct {
	Body struct {
		Phone    string `json:"phone" maxLength:"40" doc:"Russian mobile number: codes arrive there by SMS"`
		Email    string `json:"email" maxLength:"254"`
		Password string `json:"password" maxLength:"1024" doc:"8 to 128 characters"`
		Language string `json:"language,omitempty" enum:"ru,en" doc:"In which Medcard writes to you; ru if absent"`
	}
}

type registerReply struct {
	Body struct {
		Registration string    `json:"registration" format:"uuid" doc:"Send it back with each code"`
		Ends         time.Time `json:"ends" doc:"Both codes must be typed in before"`
		Phone        string    `json:"phone" doc:"Masked"`
		Email        string    `json:"email" doc:"Masked"`
	}
}

type confirmRequest struct {
	Body struct {
		Registration string `json:"registration" format:"uuid"`
		Channel      string `json:"channel" enum:"phone,email" doc:"By which channel the code came"`
		Code         string `json:"code" maxLength:"20"`
	}
}

type confirmReply struct {
	Body struct {
		Missing []string `json:"missing" doc:"Channels whose code is still awaited; empty = the account is there"`
		Account string   `json:"account,omitempty" format:"uuid"`
	}
}

type resendRequest struct {
	Body struct {
		Challenge string `json:"challenge" format:"uuid" doc:"The id of the registration, or the challenge of a sign-in"`
		Channel   string `json:"channel" enum:"phone,email"`
	}
}

type signInRequest struct {
	Body struct {
		Login    string  `json:"login" maxLength:"254" doc:"Phone number or e-mail address"`
		Password string  `json:"password" maxLength:"1024"`
		Device   appBody `json:"device"`
	}
}

type appBody struct {
	ID     string `json:"id" format:"uuid" doc:"Drawn when the app was installed"`
	Name   string `json:"name,omitempty" maxLength:"100" doc:"Shown in the list of sessions"`
	Secret string `json:"secret" minLength:"32" maxLength:"128" doc:"Drawn at random when the app was installed; never leaves it but here and to refresh"`
}

func (d appBody) device() enrolling.Device { return enrolling.Device(d) }

type signInReply struct {
	Body struct {
		Challenge string    `json:"challenge" format:"uuid" doc:"Send it back with the code"`
		Method    string    `json:"method" enum:"sms,otp" doc:"What the second factor is: a code that was sent, or one of the person's authenticator app. A recovery code does in place of either."`
		To        string    `json:"to,omitempty" doc:"Where the code went, masked; absent for otp"`
		Ends      time.Time `json:"ends"`
	}
}

type secondFactorRequest struct {
	Body struct {
		Challenge string `json:"challenge" format:"uuid"`
		Code      string `json:"code" maxLength:"20"`
	}
}

type refreshRequest struct {
	Body struct {
		RefreshToken string `json:"refreshToken" maxLength:"128"`
		DeviceSecret string `json:"deviceSecret" maxLength:"128" doc:"The secret that the app sent when it signed in"`
	}
}

type tokensReply struct {
	Body struct {
		AccessToken  string    `json:"accessToken" doc:"Send it as Authorization: Bearer, or DPoP where that is its type"`
		TokenType    string    `json:"tokenType" enum:"Bearer,DPoP" doc:"DPoP: the request that opened the session had a proof in the header DPoP (RFC 9449), and each other one needs a proof by the same key"`
		AccessEnds   time.Time `json:"accessEnds"`
		RefreshToken string    `json:"refreshToken" doc:"Good once; keep the new one before you use it"`
		RefreshEnds  time.Time `json:"refreshEnds"`
		Session      string    `json:"session" format:"uuid"`
		Account      string    `json:"account" format:"uuid"`
		Device       string    `json:"device" format:"uuid"`
	}
}

type signOutRequest struct {
	Everywhere bool `query:"everywhere" doc:"End all sessions of the account, not only this one"`
}

type missingBody struct {
	Code     string `json:"code" enum:"card.not_claimed,documents.not_approved,policy.not_linked,proof.other_patient,proof.missing" doc:"The same as in a refusal to show the card"`
	Document string `json:"document,omitempty" doc:"Of documents.not_approved and proof.other_patient: the slot, or insurer for a policy that its insurer confirmed"`
	Detail   string `json:"detail" doc:"What to do"`
}

type meReply struct {
	Body struct {
		Account   string        `json:"account" format:"uuid"`
		Phone     string        `json:"phone"`
		Email     string        `json:"email"`
		Language  string        `json:"language" enum:"ru,en"`
		Recipient bool          `json:"recipientOfMedicalServices" doc:"A clinic knows the person, and the person redeemed its code: one of cards is his own"`
		Cards     []meCard      `json:"cards"`
		Waiting   []string      `json:"waiting" doc:"Cards that the person redeemed and that open once nothing is missing"`
		Missing   []missingBody `json:"missing" doc:"What still stands between the person and the health data; never a silent empty list"`
	}
}

type meCard struct {
	ID   string `json:"id" format:"uuid"`
	Role string `json:"role" enum:"owner,representative,letIn" doc:"owner: it is the person's own. representative: he acts for its patient by a document. letIn: its owner lets him see it"`
}

type claimRequest struct {
	Body struct {
		Code string `json:"code" maxLength:"40" doc:"From the clinic's desk, e.g. K7QM-2F9D-X4TB"`
	}
}

type claimReply struct {
	Body struct {
		Card    string        `json:"card" format:"uuid"`
		Missing []missingBody `json:"missing" doc:"Why it stays closed for now; empty = it is open"`
	}
}

// missingTexts say what to do about what is missing.
var missingTexts = map[fault.Code]string{
	enrolling.MissingCard: "Ask the desk of your clinic for a code and send it to POST /v1/cards/claim.",
	evidence.NoDocument:   "Send the document to PUT /v1/me/documents/{slot}/files/1, hand it in, and wait until it was checked.",
	evidence.OtherPatient: "This document, or your policy, is another person's than the card by what the clinic wrote there. If it is wrong, send the right one to PUT /v1/me/documents/{slot}/files/1. If it is right, show it at the desk of the clinic that gave you the code. After five of these the code is spent.",
	evidence.NotShown:     "Nothing that you proved so far shows that the card is yours. Send your SNILS or policy to PUT /v1/me/documents/{slot}/files/1, or your passport if the clinic may not know their numbers, or ask for a code at the clinic that opened the card.",
	evidence.NoPolicy:     "Send the number of your policy to POST /v1/me/policies, then the code that your insurer sends you to POST /v1/me/policies/confirm.",
}

func showMissing(list []evidence.Lack) []missingBody {
	out := make([]missingBody, len(list))
	for i, m := range list {
		out[i] = missingBody{Code: string(m.Code), Document: string(m.Document), Detail: missingTexts[m.Code]}
	}
	return out
}

func origin(ctx context.Context) enrolling.Origin {
	return enrolling.Origin{Address: addressFrom(ctx), Request: requestID(ctx), Key: keyFrom(ctx)}
}

// peopleRoutes let a person in and out.
func (a *API) peopleRoutes() {
	const tag = "people"
	operate(a, Route{ID: "register", Method: http.MethodPost, Path: "/v1/auth/register", Tag: tag, Summary: "Register: codes go to the phone and to the e-mail address", Access: Public(), Status: http.StatusAccepted, Deadline: sending},
		a.register)
	operate(a, Route{ID: "confirm", Method: http.MethodPost, Path: "/v1/auth/confirm", Tag: tag, Summary: "Confirm one channel by its code; the second one makes the account", Access: Public()},
		a.confirm)
	operate(a, Route{ID: "resendCode", Method: http.MethodPost, Path: "/v1/auth/resend", Tag: tag, Summary: "Send a new code in place of the last one", Access: Public(), Status: http.StatusNoContent, Deadline: sending},
		func(ctx context.Context, in *resendRequest) (*struct{}, error) {
			return nil, a.Enrolling.Resend(ctx, account.ChallengeID(in.Body.Challenge), account.Channel(in.Body.Channel), origin(ctx))
		})
	operate(a, Route{ID: "signIn", Method: http.MethodPost, Path: "/v1/auth/sign-in", Tag: tag, Summary: "Sign in with the password; a code goes to the phone, unless there is an authenticator app", Access: Public(), Deadline: sending},
		a.signIn)
	operate(a, Route{ID: "secondFactor", Method: http.MethodPost, Path: "/v1/auth/second-factor", Tag: tag, Summary: "Open a session with the code", Access: Public(), Deadline: sending},
		func(ctx context.Context, in *secondFactorRequest) (*tokensReply, error) {
			t, err := a.Enrolling.SecondFactor(ctx, account.ChallengeID(in.Body.Challenge), in.Body.Code, origin(ctx))
			return showTokens(t), err
		})
	operate(a, Route{ID: "refresh", Method: http.MethodPost, Path: "/v1/auth/refresh", Tag: tag, Summary: "Trade a refresh token for new tokens", Access: Public()},
		func(ctx context.Context, in *refreshRequest) (*tokensReply, error) {
			t, err := a.Enrolling.Refresh(ctx, in.Body.RefreshToken, in.Body.DeviceSecret, origin(ctx))
			return showTokens(t), err
		})
	operate(a, Route{ID: "signOut", Method: http.MethodPost, Path: "/v1/auth/sign-out", Tag: tag, Summary: "End this session, at once", Access: EvenLocked(), Status: http.StatusNoContent},
		func(ctx context.Context, in *signOutRequest) (*struct{}, error) {
			return nil, a.Enrolling.SignOut(ctx, actorFrom(ctx), in.Everywhere)
		})
	operate(a, Route{ID: "me", Method: http.MethodGet, Path: "/v1/me", Tag: tag, Summary: "The account, its cards, and what is missing", Access: Patients()},
		a.me)
	operate(a, Route{ID: "claimCard", Method: http.MethodPost, Path: "/v1/cards/claim", Tag: tag, Summary: "Redeem the code from a clinic's desk: the card becomes yours", Access: Patients()},
		func(ctx context.Context, in *claimRequest) (*claimReply, error) {
			claimed, err := a.Enrolling.Redeem(ctx, actorFrom(ctx), in.Body.Code, origin(ctx))
			out := new(claimReply)
			out.Body.Card, out.Body.Missing = string(claimed.Card), showMissing(claimed.Missing)
			return out, err
		})
}

// sending is the deadline of routes that hand a message to a gateway.
const sending = 20 * time.Second

// scanDeadline is that of routes that wait for the virus scanner, which may take 20 seconds for a large file.
const scanDeadline = 30 * time.Second

func (a *API) register(ctx context.Context, in *registerRequest) (*registerReply, error) {
	r, err := a.Enrolling.Register(ctx, enrolling.Application{
		Phone: in.Body.Phone, Email: in.Body.Email, Password: in.Body.Password, Language: account.Language(in.Body.Language),
	}, origin(ctx))
	out := new(registerReply)
	out.Body.Registration, out.Body.Ends, out.Body.Phone, out.Body.Email = string(r.ID), r.Ends, r.Phone, r.Email
	return out, err
}

func (a *API) confirm(ctx context.Context, in *confirmRequest) (*confirmReply, error) {
	c, err := a.Enrolling.Confirm(ctx, account.ChallengeID(in.Body.Registration), account.Channel(in.Body.Channel), in.Body.Code)
	out := new(confirmReply)
	out.Body.Missing = make([]string, len(c.Missing))
	for i, channel := range c.Missing {
		out.Body.Missing[i] = string(channel)
	}
	out.Body.Account = string(c.Account)
	return out, err
}

func (a *API) signIn(ctx context.Context, in *signInRequest) (*signInReply, error) {
	c, err := a.Enrolling.SignIn(ctx, enrolling.Credentials{
		Login: in.Body.Login, Password: in.Body.Password, Device: in.Body.Device.device(),
	}, origin(ctx))
	return showChallenge(c), err
}

func showChallenge(c enrolling.Challenge) *signInReply {
	out := new(signInReply)
	out.Body.Challenge, out.Body.Method, out.Body.To, out.Body.Ends = string(c.ID), string(c.Method), c.To, c.Ends
	return out
}

func showTokens(t enrolling.Tokens) *tokensReply {
	out := new(tokensReply)
	out.Body.AccessToken, out.Body.TokenType, out.Body.AccessEnds = t.Access, oauth.Bearer, t.AccessEnds
	if t.Bound {
		out.Body.TokenType = oauth.DPoP
	}
	out.Body.RefreshToken, out.Body.RefreshEnds = t.Refresh, t.RefreshEnds
	out.Body.Session, out.Body.Account, out.Body.Device = string(t.Session), string(t.Account), string(t.Device)
	return out
}

func (a *API) me(ctx context.Context, _ *struct{}) (*meReply, error) {
	me, err := a.Enrolling.Me(ctx, actorFrom(ctx))
	if err != nil {
		return nil, err
	}
	out := new(meReply)
	b := &out.Body
	b.Account, b.Phone, b.Email, b.Language = string(me.Account.ID), string(me.Account.Phone), string(me.Account.Email), string(me.Account.Language)
	b.Recipient, b.Cards, b.Waiting, b.Missing = me.Recipient, []meCard{}, []string{}, showMissing(me.Missing)
	for _, c := range me.Cards {
		b.Cards = append(b.Cards, meCard{ID: string(c.Card), Role: string(c.Role)})
	}
	for _, id := range me.Waiting {
		b.Waiting = append(b.Waiting, string(id))
	}
	return out, nil
}
