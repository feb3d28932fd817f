package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"

	"github.com/medcard/medcard/app/auditing"
	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/identity"
)

type logKeyReply struct {
	Body struct {
		Origin    string   `json:"origin" doc:"Whose log: the first line of its checkpoints"`
		Key       string   `json:"key" doc:"Verifies the checkpoints; origin+hash+key, as C2SP signed-note has it"`
		Handovers []string `json:"handovers" doc:"Signed notes by which each key after the first took over from the one before it, the oldest first"`
	}
}

type consistencyRequest struct {
	Older int64 `query:"older" required:"true" minimum:"1" doc:"Size of the older checkpoint"`
	Newer int64 `query:"newer" required:"true" minimum:"1" doc:"Size of the newer checkpoint"`
}

type consistencyReply struct {
	Body struct {
		Proof [][]byte `json:"proof" doc:"RFC 6962, section 2.1.2; base64"`
	}
}

type leavesRequest struct {
	From int64 `query:"from" minimum:"0" doc:"Place of the first; absent = 0"`
}

type leavesReply struct {
	ContentType string `header:"Content-Type"`
	Body        []byte
}

type evidenceEntry struct {
	Number uint64   `json:"number" doc:"Counts the card's entries without gaps"`
	Entry  []byte   `json:"entry" doc:"The canonical form, base64"`
	Salt   []byte   `json:"salt,omitempty" doc:"Stands before it when it is hashed, base64; absent: the entry is older than the log"`
	Logged bool     `json:"logged" doc:"false: it waits for its turn, a second or two"`
	Place  int64    `json:"place" doc:"Place in the log, from 0"`
	Proof  [][]byte `json:"proof" doc:"RFC 6962, section 2.1.1, for the checkpoint's size; base64"`
}

type evidenceReply struct {
	Body struct {
		Checkpoint string          `json:"checkpoint" doc:"Signed note for which the proofs are"`
		Entries    []evidenceEntry `json:"entries"`
		Next       uint64          `json:"next,omitempty" doc:"Send it as below for the next page"`
	}
}

type accessNotice struct {
	On bool `json:"on" doc:"Tell the owner's phones each time somebody else opens the card"`
}

type accessNoticeRequest struct {
	CardPath
	Body accessNotice
}

type accessNoticeReply struct{ Body accessNotice }

// accessNoticeRoutes are the wish of who speaks for the patient to be told of each access.
func (a *API) accessNoticeRoutes() {
	const tag, path = "access", "/v1/cards/{card}/access-notice"
	operate(a, Route{ID: "accessNotice", Method: http.MethodGet, Path: path, Tag: tag, Summary: "Is who speaks for the patient told each time somebody else opens the card?", Access: Speakers()},
		func(ctx context.Context, in *CardPath) (*accessNoticeReply, error) {
			on, err := a.Auditing.Tells(ctx, actorFrom(ctx), card.ID(in.Card))
			return &accessNoticeReply{Body: accessNotice{On: on}}, err
		})
	operate(a, Route{ID: "setAccessNotice", Method: http.MethodPut, Path: path, Tag: tag, Summary: "Be told by push each time somebody else opens the card, or no longer", Access: Speakers(), Status: http.StatusNoContent},
		func(ctx context.Context, in *accessNoticeRequest) (*struct{}, error) {
			return nil, a.Auditing.Tell(ctx, actorFrom(ctx), card.ID(in.Card), in.Body.On, requestID(ctx))
		})
}

type readLogRequest struct {
	From    int64  `query:"from" minimum:"0" doc:"Place of the first; absent = 0"`
	Purpose string `header:"Purpose-Of-Use" required:"true" enum:"HOPERAT" doc:"Why you read: HL7 v3 PurposeOfUse"`
}

type reviewEntry struct {
	Place int64  `json:"place" doc:"Place in the log"`
	Card  string `json:"card" format:"uuid" doc:"Nil: a reading of the log itself"`
	State string `json:"state" enum:"whole,changed,missing,shredded" doc:"whole: as it was hashed; shredded: the card was destroyed, so only what stood in the clear is left"`
	trailEntry
	Client  string `json:"client,omitempty"`
	Request string `json:"request,omitempty"`
}

type reviewReply struct {
	Body struct {
		Entries []reviewEntry `json:"entries"`
		Next    int64         `json:"next,omitempty" doc:"Send it as from for the next page; absent = the end, for now"`
	}
}

// auditors are those who may read the whole log.
var auditors = Organisations(auditing.Right, identity.Auditor)

// readLogRoute is for auditors: the whole log, page by page.
func (a *API) readLogRoute() {
	operate(a, Route{ID: "reviewAudit", Method: http.MethodGet, Path: "/v1/audit/entries", Tag: "audit", Summary: "Read who did what with which card; never what was seen", Access: auditors},
		func(ctx context.Context, in *readLogRequest) (*reviewReply, error) {
			page, more, err := a.Auditing.Review(ctx, actorFrom(ctx), auditing.Reading{From: in.From, Purpose: consent.Purpose(in.Purpose), Request: requestID(ctx)})
			out := new(reviewReply)
			out.Body.Entries = make([]reviewEntry, len(page))
			for i, l := range page {
				out.Body.Entries[i] = showLogged(l)
			}
			if more {
				out.Body.Next = in.From + int64(len(page))
			}
			return out, err
		})
}

func showLogged(l audit.Logged) reviewEntry {
	e := l.Entry.Entry
	out := reviewEntry{Place: l.Place, Card: string(l.Card), State: stateOf(l), Client: string(e.Actor.Client), Request: e.Request, trailEntry: showEntry(e)}
	out.Number = l.Number
	return out
}

// auditRoutes let anybody see that the audit log is one log, and who speaks for a patient that his lines stand in it.
func (a *API) auditRoutes() {
	a.accessNoticeRoutes()
	a.readLogRoute()
	a.exportRoute()
	const tag = "audit"
	a.raw(Route{ID: "auditCheckpoint", Method: http.MethodGet, Path: "/v1/audit/checkpoint", Tag: tag, Summary: "The newest signed checkpoint of the audit log", Access: Public()},
		func(op *huma.Operation) {
			op.Responses = map[string]*huma.Response{"200": {Description: "OK", Content: map[string]*huma.MediaType{"text/plain": {}}}}
		},
		func(c *fiber.Ctx) error {
			signed, err := a.Auditing.Checkpoint(c.UserContext())
			if err != nil {
				return err
			}
			c.Set(fiber.HeaderContentType, fiber.MIMETextPlainCharsetUTF8)
			c.Set(fiber.HeaderCacheControl, "no-cache")
			return c.SendString(signed)
		})
	operate(a, Route{ID: "auditKey", Method: http.MethodGet, Path: "/v1/audit/key", Tag: tag, Summary: "The key that verifies the checkpoints", Access: Public()},
		func(context.Context, *struct{}) (*logKeyReply, error) {
			out := new(logKeyReply)
			keys, err := a.Auditing.Keys()
			if err != nil {
				return nil, err
			}
			out.Body.Origin, out.Body.Key, out.Body.Handovers = keys.Signer.Name(), keys.Key, append([]string{}, keys.Handovers...)
			return out, nil
		})
	operate(a, Route{ID: "auditConsistency", Method: http.MethodGet, Path: "/v1/audit/consistency", Tag: tag, Summary: "Proof that a longer log begins with a shorter one", Access: Public()},
		func(ctx context.Context, in *consistencyRequest) (*consistencyReply, error) {
			proof, err := a.Auditing.Consistency(ctx, in.Older, in.Newer)
			out := new(consistencyReply)
			out.Body.Proof = showHashes(proof)
			return out, err
		})
	operate(a, Route{ID: "auditLeaves", Method: http.MethodGet, Path: "/v1/audit/leaves", Tag: tag, Summary: "Hashes of the log's entries, 32 bytes each", Access: Public()},
		func(ctx context.Context, in *leavesRequest) (*leavesReply, error) {
			page, err := a.Auditing.Leaves(ctx, in.From)
			out := &leavesReply{ContentType: fiber.MIMEOctetStream, Body: make([]byte, 0, len(page)*len(audit.Hash{}))}
			for _, h := range page {
				out.Body = append(out.Body, h[:]...)
			}
			return out, err
		})
	operate(a, Route{ID: "accessLogEvidence", Method: http.MethodGet, Path: "/v1/cards/{card}/access-log/evidence", Tag: "access", Summary: "The same lines, with the proof that they stand in the audit log", Access: Speakers()},
		func(ctx context.Context, in *trailRequest) (*evidenceReply, error) {
			signed, page, err := a.Auditing.Evidence(ctx, actorFrom(ctx), card.ID(in.Card), in.Below)
			out := new(evidenceReply)
			out.Body.Checkpoint, out.Body.Entries = signed, make([]evidenceEntry, len(page))
			for i, p := range page {
				out.Body.Entries[i] = showProven(p)
				out.Body.Next = p.Number
			}
			if out.Body.Next <= 1 {
				out.Body.Next = 0
			}
			return out, err
		})
}

func showProven(p auditing.Proven) evidenceEntry {
	return evidenceEntry{Number: p.Number, Entry: p.Canonical(), Salt: p.Salt, Logged: p.Logged, Place: p.Place, Proof: showHashes(p.Proof)}
}

func showHashes(list []audit.Hash) [][]byte {
	out := make([][]byte, len(list))
	for i := range list {
		out[i] = list[i][:]
	}
	return out
}
