package httpapi

import (
	"context"
	"net/http"
	"time"
)

type lockReply struct {
	Body struct {
		Reason   string     `json:"reason" enum:"foreignAccess,stolenAccess,falseDocuments,courtDecision"`
		Words    string     `json:"words" doc:"The operator's"`
		By       string     `json:"by" doc:"The operator's name"`
		Since    time.Time  `json:"since"`
		Appeal   string     `json:"appeal,omitempty" doc:"What you wrote"`
		Appealed *time.Time `json:"appealed,omitempty"`
	}
}

type appealRequest struct {
	Body struct {
		Words string `json:"words" minLength:"10" maxLength:"2000" doc:"Why the lock is wrong; an operator reads it"`
	}
}

// lockRoutes are all that is left to a person whose account is locked.
func (a *API) lockRoutes() {
	const tag, path = "people", "/v1/me/lock"
	operate(a, Route{ID: "lock", Method: http.MethodGet, Path: path, Tag: tag, Summary: "Why is this account locked?", Access: EvenLocked()},
		func(ctx context.Context, _ *struct{}) (*lockReply, error) {
			l, err := a.Enrolling.LockOf(ctx, actorFrom(ctx))
			out := new(lockReply)
			out.Body.Reason, out.Body.Words, out.Body.By, out.Body.Since, out.Body.Appeal = string(l.Reason), l.Words, l.By, l.Since, l.Appeal
			if !l.Appealed.IsZero() {
				out.Body.Appealed = &l.Appealed
			}
			return out, err
		})
	operate(a, Route{ID: "appeal", Method: http.MethodPost, Path: path + "/appeal", Tag: tag, Summary: "Ask to look at the lock again", Access: EvenLocked(), Status: http.StatusNoContent},
		func(ctx context.Context, in *appealRequest) (*struct{}, error) {
			return nil, a.Enrolling.Appeal(ctx, actorFrom(ctx), in.Body.Words)
		})
}
