package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/medcard/medcard/app/proving"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/evidence"
	"github.com/medcard/medcard/domain/family"
	"github.com/medcard/medcard/domain/identity"
)

// queueRequest asks for a page of what waits.
type queueRequest struct {
	After string `query:"after" maxLength:"120" doc:"The next of the page before"`
}

// errPage is what a page is asked for with that no page named as its next.
var errPage = errInvalid.At("query.after", "is not the next of a page")

// nextOf names the last thing of a page: when its turn is, and by which ids it is found.
func nextOf(turn time.Time, ids ...string) string {
	return strings.Join(append([]string{turn.UTC().Format(time.RFC3339Nano)}, ids...), "_")
}

// read undoes nextOf for so many ids; the zero values begin.
func (in queueRequest) read(n int) (turn time.Time, ids []string, err error) {
	if in.After == "" {
		return turn, make([]string, n), nil
	}
	parts := strings.Split(in.After, "_")
	if turn, err = time.Parse(time.RFC3339Nano, parts[0]); err != nil || turn.IsZero() || len(parts) != n+1 {
		return turn, nil, errPage
	}
	for _, id := range parts[1:] {
		if !isUUID.MatchString(id) {
			return turn, nil, errPage
		}
	}
	return turn, parts[1:], nil
}

// ReviewPurpose says why somebody looks, who never does so on his own account.
type ReviewPurpose struct {
	Purpose string `header:"Purpose-Of-Use" required:"true" enum:"HOPERAT" doc:"Why you look: HL7 v3 PurposeOfUse"`
}

// SentPath names a document in an address, to a reviewer.
type SentPath struct {
	Sender   string `path:"sender" format:"uuid" doc:"The account whose it is"`
	Document string `path:"document" format:"uuid"`
}

func (p SentPath) which(ctx context.Context) proving.Which {
	return proving.Which{Account: identity.AccountID(p.Sender), Document: evidence.DocumentID(p.Document), Request: requestID(ctx)}
}

type sentRequest struct {
	SentPath
	ReviewPurpose
}

type sentFileRequest struct {
	SentPath
	ReviewPurpose
	File int `path:"file" minimum:"1" maximum:"10" doc:"Its place in the document, from 1"`
}

type sentVerdictRequest struct {
	SentPath
	Body struct {
		Verdict string `json:"verdict" enum:"approved,rejected"`
		Reason  string `json:"reason,omitempty" enum:"unreadable,incomplete,otherDocument,mismatch,expired,doubtful" doc:"Of a rejection"`
		Words   string `json:"words,omitempty" maxLength:"500" doc:"To the person"`
		Name    string `json:"name,omitempty" maxLength:"200" doc:"Of an approval: whom the document names, family name first. A card that knows no number of it opens by this"`
		Born    string `json:"born,omitempty" maxLength:"10" doc:"With name: the date of birth by the document, 2006-01-02"`
	}
}

func (in *sentVerdictRequest) verdict() proving.Verdict {
	return proving.Verdict{
		Approved: in.Body.Verdict == string(evidence.Approved), Reason: evidence.Reason(in.Body.Reason), Words: in.Body.Words,
		Holder: family.Named{Name: card.Name{Text: in.Body.Name}, Born: card.Date(in.Body.Born)},
	}
}

type waitingDocument struct {
	Account  string    `json:"account" format:"uuid"`
	Document string    `json:"document" format:"uuid"`
	Slot     string    `json:"slot"`
	Code     int       `json:"code,omitempty" doc:"In the NSI list of representatives' documents, 1.2.643.5.1.13.13.99.2.313"`
	Level    string    `json:"level,omitempty" enum:"full,limited,manage" doc:"Of a claim to act for a patient; absent = the document is to prove who its person is"`
	Sent     time.Time `json:"sent" doc:"Since when it waits"`
	Files    int       `json:"files"`
}

type waitingDocumentsReply struct {
	Body struct {
		Documents []waitingDocument `json:"documents"`
		Next      string            `json:"next,omitempty" doc:"Send it as after for the next page"`
	}
}

// sentClaim is what a document is to prove, as its person typed it.
type sentClaim struct {
	Level   string           `json:"level" enum:"full,limited,manage"`
	Powers  []string         `json:"powers"`
	Until   *time.Time       `json:"until,omitempty"`
	Patient patientNamedBody `json:"patient"`
	Agent   NamedBody        `json:"agent"`
	Checks  []checkBody      `json:"checks" doc:"What was compared with the cards here; what is unknown is yours to compare"`
}

type sentDocument struct {
	Account string `json:"account" format:"uuid"`
	documentBody
	Claim *sentClaim `json:"claim,omitempty"`
}

type sentReply struct{ Body sentDocument }

type sentFileReply struct {
	ContentType string `header:"Content-Type"`
	Cache       string `header:"Cache-Control"`
	Disposition string `header:"Content-Disposition"`
	Body        []byte
}

// reviewRoutes are for those who look at documents and emergencies. What a reviewer says is what the commands medcard documents and
// medcard emergencies say.
func (a *API) reviewRoutes() {
	const tag, path = "reviews", "/v1/reviews/documents"
	reviewers := Organisations(identity.RightReview, identity.Reviewer)
	a.emergencyReviewRoutes(tag, reviewers)
	operate(a, Route{ID: "waitingDocuments", Method: http.MethodGet, Path: path, Tag: tag, Summary: "Documents that wait to be checked, the one first that waits longest", Access: reviewers},
		func(ctx context.Context, in *queueRequest) (*waitingDocumentsReply, error) {
			sent, ids, err := in.read(2)
			if err != nil {
				return nil, err
			}
			list, more, err := a.Proving.Waiting(ctx, actorFrom(ctx), evidence.Document{Sent: sent, Account: identity.AccountID(ids[0]), ID: evidence.DocumentID(ids[1])})
			out := new(waitingDocumentsReply)
			out.Body.Documents = make([]waitingDocument, len(list))
			for i, d := range list {
				out.Body.Documents[i] = showWaiting(d)
				if more {
					out.Body.Next = nextOf(d.Sent, string(d.Account), string(d.ID))
				}
			}
			return out, err
		})
	operate(a, Route{ID: "lookAtDocument", Method: http.MethodGet, Path: path + "/{sender}/{document}", Tag: tag, Summary: "What a document is to prove; its person reads that you looked", Access: reviewers.For(Queue)},
		func(ctx context.Context, in *sentRequest) (*sentReply, error) {
			d, err := a.Proving.Look(ctx, actorFrom(ctx), in.which(ctx))
			return &sentReply{Body: showSent(d)}, err
		})
	operate(a, Route{ID: "lookAtDocumentFile", Method: http.MethodGet, Path: path + "/{sender}/{document}/files/{file}", Tag: tag, Summary: "A file of it: JPEG, PNG or PDF", Access: reviewers.For(Queue), Deadline: sending},
		func(ctx context.Context, in *sentFileRequest) (*sentFileReply, error) {
			f, content, err := a.Proving.File(ctx, actorFrom(ctx), in.which(ctx), in.File)
			return &sentFileReply{ContentType: mediaOf[f.Format], Cache: "no-store", Disposition: fmt.Sprintf(`attachment; filename="%d.%s"`, f.Number, f.Format), Body: content}, err
		})
	operate(a, Route{ID: "judgeDocument", Method: http.MethodPost, Path: path + "/{sender}/{document}/verdict", Tag: tag, Access: reviewers.For(Queue),
		Summary: "Approve or reject a document, once: an approval opens what waits for it, and its person is told"},
		func(ctx context.Context, in *sentVerdictRequest) (*sentReply, error) {
			d, err := a.Proving.Judge(ctx, actorFrom(ctx), in.which(ctx), in.verdict())
			return &sentReply{Body: showSent(d)}, err
		})
}

var mediaOf = map[evidence.Format]string{evidence.JPEG: "image/jpeg", evidence.PNG: "image/png", evidence.PDF: "application/pdf"}

func showWaiting(d evidence.Document) waitingDocument {
	w := waitingDocument{Account: string(d.Account), Document: string(d.ID), Slot: string(d.Slot), Code: d.Slot.Code(), Sent: d.Sent, Files: len(d.Files)}
	if d.Claim != nil {
		w.Level = string(d.Claim.Level)
	}
	return w
}

func showSent(d evidence.Document) sentDocument {
	out := sentDocument{Account: string(d.Account), documentBody: showDocument(d)}
	if c := d.Claim; c != nil {
		out.Claim = &sentClaim{
			Level: string(c.Level), Powers: c.Powers.Words(), Until: optional(c.Until), Checks: make([]checkBody, len(c.Checks)),
			Patient: patientNamedBody{NamedBody: NamedBody{Family: c.Patient.Name.Family, Given: c.Patient.Name.Given, Born: string(c.Patient.Born)}, SNILS: string(c.Patient.SNILS), Policy: string(c.Patient.Policy)},
			Agent:   NamedBody{Family: c.Agent.Name.Family, Given: c.Agent.Name.Given, Born: string(c.Agent.Born)},
		}
		for i, check := range c.Checks {
			out.Claim.Checks[i] = checkBody{Subject: string(check.Subject), Finding: string(check.Finding)}
		}
	}
	return out
}
