package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/medcard/medcard/domain/evidence"
)

// DocumentPath names a slot in an address.
type DocumentPath struct {
	Slot string `path:"slot" enum:"passport,snils,policy,policyApplication,inn,dataConsent,birthCertificate,guardianOrder,trusteeOrder,powerOfAttorney,adoptionCertificate" doc:"What kind of document it is"`
}

type documentFileRequest struct {
	DocumentPath
	File    int    `path:"file" minimum:"1" maximum:"10" doc:"Its place in the document, from 1"`
	RawBody []byte `contentType:"application/octet-stream" doc:"JPEG, PNG or PDF: its first bytes say which, whatever the Content-Type"`
}

type handInRequest struct {
	DocumentPath
	Body struct {
		Number string `json:"number,omitempty" maxLength:"80" doc:"As it stands on the document; its check digits are checked"`
	}
}

type documentFileBody struct {
	File   int    `json:"file"`
	Format string `json:"format" enum:"jpeg,png,pdf"`
	Size   int64  `json:"size" doc:"Bytes, as it is kept: pictures without what they told beside the picture"`
	Pages  int    `json:"pages"`
}

type documentBody struct {
	ID      string             `json:"id" format:"uuid"`
	Slot    string             `json:"slot"`
	Code    int                `json:"code,omitempty" doc:"In the NSI list of representatives' documents, 1.2.643.5.1.13.13.99.2.313"`
	Status  string             `json:"status" enum:"draft,checking,approved,rejected"`
	Number  string             `json:"number,omitempty"`
	Files   []documentFileBody `json:"files"`
	Changed time.Time          `json:"changed"`
	Sent    *time.Time         `json:"sent,omitempty" doc:"When it was handed in"`
	Judged  *time.Time         `json:"judged,omitempty"`
	Reason  string             `json:"reason,omitempty" enum:"unreadable,incomplete,otherDocument,mismatch,expired,doubtful" doc:"Why it was rejected"`
	Words   string             `json:"words,omitempty" doc:"The reviewer's"`
}

type documentReply struct{ Body documentBody }

type documentsReply struct {
	Body struct {
		Documents []documentBody `json:"documents" doc:"Of a slot there may be two: the approved one, and the one that is to replace it"`
		Slots     []slotBody     `json:"slots"`
	}
}

type slotBody struct {
	Slot     string `json:"slot"`
	Code     int    `json:"code,omitempty" doc:"In the NSI list of representatives' documents"`
	Numbered bool   `json:"numbered" doc:"Its number is handed in with it"`
	Demanded bool   `json:"demanded" doc:"A card opens only when it was approved"`
}

// documentRoutes take the documents by which a person proves who he is. Who checks them: reviewRoutes.
func (a *API) documentRoutes() {
	const tag, path = "documents", "/v1/me/documents"
	operate(a, Route{ID: "listDocuments", Method: http.MethodGet, Path: path, Tag: tag, Summary: "The person's own documents with what was said of them, and the slots there are", Access: Patients()},
		func(ctx context.Context, _ *struct{}) (*documentsReply, error) {
			list, err := a.Proving.Documents(ctx, actorFrom(ctx))
			out := new(documentsReply)
			out.Body.Documents, out.Body.Slots = make([]documentBody, len(list)), a.showSlots()
			for i, d := range list {
				out.Body.Documents[i] = showDocument(d)
			}
			return out, err
		})
	operate(a, Route{ID: "putDocumentFile", Method: http.MethodPut, Path: path + "/{slot}/files/{file}", Tag: tag, Summary: "Send a file of a document, or send it anew: JPEG, PNG or PDF", Access: Patients().For(Mine), MaxBody: evidence.MaxFile, Deadline: scanDeadline},
		func(ctx context.Context, in *documentFileRequest) (*documentReply, error) {
			d, err := a.Proving.Put(ctx, actorFrom(ctx), evidence.Slot(in.Slot), in.File, in.RawBody)
			return &documentReply{Body: showDocument(d)}, err
		})
	operate(a, Route{ID: "handInDocument", Method: http.MethodPost, Path: path + "/{slot}/submit", Tag: tag, Summary: "Hand a document in to be checked", Access: Patients().For(Mine)},
		func(ctx context.Context, in *handInRequest) (*documentReply, error) {
			d, err := a.Proving.HandIn(ctx, actorFrom(ctx), evidence.Slot(in.Slot), in.Body.Number, requestID(ctx))
			return &documentReply{Body: showDocument(d)}, err
		})
	operate(a, Route{ID: "withdrawDocument", Method: http.MethodDelete, Path: path + "/{slot}", Tag: tag, Summary: "Take a document back that is being checked, or delete a draft or a rejected one", Access: Patients().For(Mine), Status: http.StatusNoContent},
		func(ctx context.Context, in *DocumentPath) (*struct{}, error) {
			return nil, a.Proving.Withdraw(ctx, actorFrom(ctx), evidence.Slot(in.Slot))
		})
}

func (a *API) showSlots() []slotBody {
	out := make([]slotBody, 0, len(evidence.Slots()))
	for _, s := range evidence.Slots() {
		out = append(out, slotBody{Slot: string(s), Code: s.Code(), Numbered: s.Numbered(), Demanded: a.Proving.Demand.Asks(s)})
	}
	return out
}

func showDocument(d evidence.Document) documentBody {
	b := documentBody{
		ID: string(d.ID), Slot: string(d.Slot), Code: d.Slot.Code(), Status: string(d.Status), Number: d.Number, Files: make([]documentFileBody, len(d.Files)),
		Changed: d.Changed, Reason: string(d.Reason), Words: d.Words,
	}
	for i, f := range d.Files {
		b.Files[i] = documentFileBody{File: f.Number, Format: string(f.Format), Size: f.Size, Pages: f.Pages}
	}
	b.Sent, b.Judged = optional(d.Sent), optional(d.Judged)
	return b
}
