package httpapi

import (
	"context"
	"encoding/hex"
	"math"
	"net/http"
	"time"

	"github.com/medcard/medcard/app/scanning"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/qr/document"
	"github.com/medcard/medcard/qr/foreign"
)

// maxPhoto is a little more than the reader takes, so that the reader is who says what is too large.
const maxPhoto = 12<<20 + 1

type photoRequest struct {
	RawBody []byte `contentType:"image/*"`
}

type photoReply struct {
	Body struct {
		Codes      []codeBody `json:"codes" doc:"Empty when no code was readable"`
		MS         float64    `json:"ms" doc:"How long the reading took"`
		Step       string     `json:"step" doc:"Which step of the reader found the first code"`
		Unfinished bool       `json:"unfinished,omitempty" doc:"The time ran out: a sharper or smaller photo may give more"`
	}
}

type codeBody struct {
	Text     string        `json:"text"`
	Kind     string        `json:"kind" doc:"emc1, emc1-token, hc1, shc, datamatrix or other"`
	Verdict  string        `json:"verdict" enum:"ok,no,cant_tell,foreign"`
	Reasons  []string      `json:"reasons,omitempty" doc:"Why the verdict is not ok, the decisive one first"`
	Corners  [4][2]float64 `json:"corners" doc:"Upper left, upper right, lower right, lower left, in pixels of the photo as sent"`
	State    string        `json:"state,omitempty" doc:"What became of the document, in its own words, as far as the asker may know"`
	Document *paperBody    `json:"document,omitempty" doc:"What the code says, once its signature holds, whatever the verdict"`

	Certificate *foreign.Certificate `json:"certificate,omitempty" doc:"What somebody else's health certificate says (EU Digital COVID Certificate, SMART Health Card); its own answer stands in it, and the verdict stays foreign"`
}

// paperBody is what stands in a code. It is less than the card holds; names may be cut short.
type paperBody struct {
	Kind       string      `json:"kind" enum:"prescription,referral,certificate"`
	Issuer     string      `json:"issuer"`
	IssuedAt   time.Time   `json:"issuedAt"`
	ValidUntil time.Time   `json:"validUntil"`
	Initials   string      `json:"initials" doc:"Of the patient: family, given, patronymic"`
	BirthYear  int         `json:"birthYear"`
	Form       string      `json:"form,omitempty"`
	Items      []paperItem `json:"items,omitempty"`
	Purpose    string      `json:"purpose,omitempty"`
	Number     string      `json:"number,omitempty" doc:"Of a certificate: the clinic's own"`
	Hash       string      `json:"hash,omitempty" doc:"Of a certificate: SHA-256 of the document, hexadecimal"`
}

type paperItem struct {
	Code     uint32 `json:"code" doc:"Node of the national medicine catalogue"`
	Name     string `json:"name" doc:"International non-proprietary name"`
	Quantity int    `json:"quantity" doc:"Units to hand out in all"`
}

// photoRoutes read photos of codes.
func (a *API) photoRoutes() {
	if a.Scanning == nil {
		return
	}
	operate(a, Route{
		ID: "scanPhoto", Method: http.MethodPost, Path: "/v1/scan", Tag: "codes", MaxBody: maxPhoto,
		Summary: "Read and judge the codes in a photo (JPEG, PNG, WebP); the photo is not kept",
		Access:  Access{kinds: []identity.ActorKind{identity.Patient, identity.Clinic, identity.Pharmacy}, factor: true, opens: Shown},
	}, a.scanPhoto)
}

func (a *API) scanPhoto(ctx context.Context, in *photoRequest) (*photoReply, error) {
	reading, err := a.Scanning.Read(ctx, actorFrom(ctx), in.RawBody)
	if err != nil {
		return nil, err
	}
	out := new(photoReply)
	out.Body.MS = math.Round(float64(reading.Elapsed.Microseconds())/100) / 10
	out.Body.Step, out.Body.Unfinished = reading.Step, reading.Unfinished
	out.Body.Codes = make([]codeBody, len(reading.Findings))
	for i, f := range reading.Findings {
		out.Body.Codes[i] = codeBodyOf(f)
	}
	return out, nil
}

func codeBodyOf(f scanning.Finding) codeBody {
	out := codeBody{Text: f.Text, Kind: string(f.Kind), Verdict: string(f.Answer), State: f.Standing.State}
	for _, r := range f.Reasons {
		out.Reasons = append(out.Reasons, string(r))
	}
	for i, c := range f.Corners {
		out.Corners[i] = [2]float64{math.Round(c.X*10) / 10, math.Round(c.Y*10) / 10}
	}
	out.Certificate = f.Foreign
	if f.Paper != nil {
		out.Document = paperBodyOf(f.Paper)
	}
	return out
}

func paperBodyOf(p *document.Paper) *paperBody {
	out := &paperBody{Issuer: p.Issuer, IssuedAt: p.IssuedAt, ValidUntil: p.ValidUntil}
	if s := p.Prescription; s != nil {
		out.Kind, out.Form, out.Initials, out.BirthYear = "prescription", string(s.Form), s.Bearer.Initials, s.Bearer.BirthYear
		for _, item := range s.Items {
			out.Items = append(out.Items, paperItem{Code: item.Code, Name: item.Name, Quantity: item.Quantity})
		}
	}
	if s := p.Referral; s != nil {
		out.Kind, out.Purpose, out.Initials, out.BirthYear = "referral", s.Purpose, s.Bearer.Initials, s.Bearer.BirthYear
	}
	if c := p.Certificate; c != nil {
		out.Kind, out.Form, out.Initials, out.BirthYear = "certificate", string(c.Kind), c.Bearer.Initials, c.Bearer.BirthYear
		out.Number, out.Hash = c.Number, hex.EncodeToString(c.Hash[:])
	}
	return out
}
