package httpapi

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/medcard/medcard/app/enrolling"
	"github.com/medcard/medcard/domain/evidence"
)

// AskedPath names a question to an insurer in an address.
type AskedPath struct {
	Policy string `path:"policy" format:"uuid" doc:"The question, not the number of the policy"`
}

type questionBody struct {
	ID    string    `json:"id" format:"uuid"`
	Asked time.Time `json:"asked"`
	Ends  time.Time `json:"ends" doc:"Until when it may be answered"`
}

type askedListReply struct {
	Body struct {
		Policies []questionBody `json:"policies"`
		Next     string         `json:"next,omitempty" doc:"Send it as after for the next page"`
	}
}

type askedReply struct {
	Body struct {
		questionBody
		Number string    `json:"number" doc:"The unified number of the policy"`
		Holder NamedBody `json:"holder" doc:"As the person typed it: compare it with the policy's"`
	}
}

type confirmAskedReply struct {
	Cache string `header:"Cache-Control"`
	Body  struct {
		Code string    `json:"code" doc:"Send it by SMS to the number that you have on file for the policy, and keep it nowhere"`
		Ends time.Time `json:"ends" doc:"Until when the person may type it"`
	}
}

type refuseAskedRequest struct {
	AskedPath
	Body struct {
		Reason string `json:"reason" enum:"notOurs,otherPerson,ended,noPhone" doc:"noPhone: you have no number to send a code to"`
	}
}

// insurerRoutes are where insurers find the policies that people named as theirs, and say whether they are.
func (a *API) insurerRoutes() {
	const tag, path = "insurers", "/v1/insurer/policies"
	insurers := Insurers(enrolling.RightInsure)
	operate(a, Route{ID: "askedPolicies", Method: http.MethodGet, Path: path, Tag: tag, Summary: "Policies that wait for your answer, the oldest first", Access: insurers},
		func(ctx context.Context, in *queueRequest) (*askedListReply, error) {
			asked, ids, err := in.read(1)
			if err != nil {
				return nil, err
			}
			list, more, err := a.Enrolling.Asked(ctx, actorFrom(ctx), evidence.Link{Asked: asked, Challenge: ids[0]})
			out := new(askedListReply)
			out.Body.Policies = make([]questionBody, len(list))
			for i, l := range list {
				out.Body.Policies[i] = showQuestion(l)
				if more {
					out.Body.Next = nextOf(l.Asked, l.Challenge)
				}
			}
			return out, err
		})
	operate(a, Route{ID: "askedPolicy", Method: http.MethodGet, Path: path + "/{policy}", Tag: tag, Summary: "Whose policy is it said to be? The person reads that you looked", Access: insurers.For(Own)},
		func(ctx context.Context, in *AskedPath) (*askedReply, error) {
			l, err := a.Enrolling.LookAtAsked(ctx, actorFrom(ctx), strings.ToLower(in.Policy), origin(ctx))
			out := new(askedReply)
			out.Body.questionBody, out.Body.Number = showQuestion(l), string(l.Number)
			out.Body.Holder = NamedBody{Family: l.Holder.Name.Family, Given: l.Holder.Name.Given, Born: string(l.Holder.Born)}
			return out, err
		})
	operate(a, Route{ID: "confirmAskedPolicy", Method: http.MethodPost, Path: path + "/{policy}/confirm", Tag: tag, Summary: "It is: take the code that you send to the number you have on file. Once more = another code", Access: insurers.For(Own)},
		func(ctx context.Context, in *AskedPath) (*confirmAskedReply, error) {
			out := &confirmAskedReply{Cache: "no-store"}
			var err error
			out.Body.Code, out.Body.Ends, err = a.Enrolling.ConfirmAsked(ctx, actorFrom(ctx), strings.ToLower(in.Policy), origin(ctx))
			return out, err
		})
	operate(a, Route{ID: "refuseAskedPolicy", Method: http.MethodPost, Path: path + "/{policy}/refuse", Tag: tag, Summary: "It is not, or cannot be confirmed: the person is told why", Access: insurers.For(Own), Status: http.StatusNoContent},
		func(ctx context.Context, in *refuseAskedRequest) (*struct{}, error) {
			return nil, a.Enrolling.RefuseAsked(ctx, actorFrom(ctx), strings.ToLower(in.Policy), evidence.Refusal(in.Body.Reason), origin(ctx))
		})
}

func showQuestion(l evidence.Link) questionBody {
	return questionBody{ID: l.Challenge, Asked: l.Asked, Ends: l.Asked.Add(evidence.AnswerTerm)}
}
