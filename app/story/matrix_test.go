package story

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/medcard/medcard/app/fhir/example"
	"github.com/medcard/medcard/app/httpapi"
	"github.com/medcard/medcard/domain/identity"
)

// The access matrix: every route of the OpenAPI document x everybody who may come. What each gets is derived from what the document says of
// access (security, x-access), is held to over HTTP, and stands for readers in app/httpapi/access.md. A route that says nothing fails.

//go:generate go test . -run ^TestTheAccessMatrix$ -update

var update = flag.Bool("update", false, "TestTheAccessMatrix: write app/httpapi/access.md anew")

const matrixFile = "../httpapi/access.md"

// statement is what the document says of access to a route.
type statement struct {
	route   httpapi.Route
	secured bool
	who     []string
	scope   string
	opens   httpapi.Opens
}

// sight is what of the card somebody sees.
type sight int

const (
	unseen  sight = iota // the card is not there for him
	emptied              // he is let in, and all is kept from him
	partly               // diagnoses
	wholly               // everything
	owning               // it is his own
)

// The answers of the matrix. Every other one is a status and the code of the refusal.
const (
	toAnybody = "open" // anybody gets the same
	toHim     = "yes"  // it is done
	someOfIt  = "part" // of the card, what he may read
	noneOfIt  = "none" // of the card, nothing
	noEdit    = "idle" // it is answered, and no edit of his is taken
	notThere  = "404"  // as if it were not there
	ownersOf  = "403"  // he knows that the card is there, and only its owner may
	inOthers  = "409"  // it is in another's hands
)

// answered are those that are no refusal of the request.
var answered = []string{toHim, someOfIt, noneOfIt, noEdit}

// atTheDoor are the codes of those who do not come as far as an act.
var atTheDoor = []string{"token.missing", "token.invalid", "token.expired", "session.ended", "client.revoked", "actor.not_allowed", "scope.missing", "second_factor.required"}

// past are routes that refuse the sample of whoever may call them, for what is in it: so far somebody comes who is not refused for what he
// is. Each has a test of its own in which it does what it should.
var past = map[string][]string{
	"confirmGrant":       {"grant.not_held"},                   // only a restored server holds grants: backup_test.go
	"removePasskey":      {"passkey.not_found"},                // it takes an authenticator to have one: passkeys_test.go
	"getSignature":       {"signature.not_found"},              // it takes a certificate: signatures_test.go
	"syncCheck":          {"epoch_changed"},                    // it takes a phone that synced: check_test.go
	"endRepresentation":  {"representation.not_found"},         // it takes an approved document to have one: representation_test.go
	"withdrawClaim":      {"claim.not_found"},                  // it takes a document's pages to have one: claims_test.go
	"openProxyToken":     {"card.not_found"},                   // the same
	"endProxyToken":      {"proxy_token.not_found"},            // the same
	"confirmAskedPolicy": {"code.too_soon", "policy.answered"}, // of the same question after its refusal: insurers_test.go
	"refuseAskedPolicy":  {"policy.answered"},                  // after its confirmation
	"acceptReferral":     {"referral.taken"},                   // all but the first who was shown the code
	"acceptPrescription": {"prescription.in_work"},             // the same
}

// statements reads the document.
func (m *matrix) statements() (list []statement) {
	for _, r := range m.Server.API.Routes() {
		op := dig(m.openAPI.all, "paths", r.Path, strings.ToLower(r.Method))
		said, stated := dig(op, "x-access").(map[string]any)
		s := statement{route: r, secured: len(listOf(dig(op, "security"))) > 0, scope: str(said, "scope"), opens: httpapi.Opens(str(said, "opens"))}
		for _, kind := range listOf(said["who"]) {
			s.who = append(s.who, fmt.Sprint(kind))
		}
		if !stated || !r.Access.Stated() || s.secured != (len(s.who) > 0) {
			m.t.Errorf("%s %s: nobody said who may call it", r.Method, r.Path)
		}
		if what := m.names(r); s.secured && s.opens == httpapi.Nothing && what != "" {
			m.t.Errorf("%s %s: it names a %s, and nobody said what it opens: see httpapi.Opens", r.Method, r.Path, what)
		}
		list = append(list, s)
	}
	return list
}

// names gives something of others, or of many, that a request to the route names; "" = nothing.
func (m *matrix) names(r httpapi.Route) string {
	for _, p := range m.parameters(r) {
		if p.in == "path" || p.name == "cards" {
			return p.name
		}
	}
	_, schema := m.media(r)
	if ref, is := schema["$ref"].(string); is {
		schema, _ = dig(m.openAPI.all, strings.Split(strings.TrimPrefix(ref, "#/"), "/")...).(map[string]any)
	}
	for _, name := range []string{"card", "cards"} {
		if dig(schema, "properties", name) != nil {
			return name
		}
	}
	return ""
}

func listOf(v any) []any { list, _ := v.([]any); return list }

// answer derives what somebody gets.
func (s statement) answer(a seat) string {
	switch {
	case !s.secured:
		return toAnybody
	case a.refused != "":
		return "401 " + a.refused
	case !slices.Contains(s.who, a.kind.String()):
		return "403 actor.not_allowed"
	case s.scope != "" && a.kind != identity.Patient && !slices.Contains(a.scopes, s.scope):
		return "403 scope.missing"
	}
	only := func(may bool, refusal string) string {
		if may {
			return toHim
		}
		return refusal
	}
	switch s.opens {
	case httpapi.OwnersCard, httpapi.Watched: // nobody of the table speaks for a patient without an account: speaking_test.go
		if a.sees == unseen {
			return notThere
		}
		return only(a.sees == owning, ownersOf)
	case httpapi.ReadersCard:
		return map[sight]string{unseen: notThere, emptied: noneOfIt, partly: someOfIt, wholly: toHim, owning: toHim}[a.sees]
	case httpapi.Copy:
		return only(a.sees != unseen, notThere)
	case httpapi.Edits:
		if a.sees == unseen {
			return notThere
		}
		return only(a.sees == owning, noEdit)
	case httpapi.Entry:
		return only(a.sees >= wholly, notThere)
	case httpapi.Paper:
		return only(a.kind == identity.Patient && a.sees >= wholly || a.filed, notThere)
	case httpapi.Filed:
		return only(a.filed, notThere)
	case httpapi.Held:
		return only(a.holds, inOthers)
	case httpapi.Own:
		return only(a.sees == owning || a.holds, notThere)
	case httpapi.Nothing, httpapi.AnyCard, httpapi.Shown, httpapi.Queue, httpapi.Mine:
		return toHim
	}
	return "the matrix does not know " + string(s.opens)
}

// saw reads from an answer what somebody got, in the words of the matrix. want decides what is looked at.
func (s statement) saw(r reply, code, want string) string {
	diagnosis, result := strings.Contains(r.text, secretDiagnosis), strings.Contains(r.text, secretResult)
	switch {
	case r.status < 300 && strings.HasPrefix(s.route.Path, "/v1/sync") && (strings.Contains(r.text, `"gone":`) || strings.Contains(r.text, `"cards":[]`)): // its words for it
		return notThere
	case r.status < 300 && s.opens == httpapi.Edits && strings.Contains(r.text, `"outcome":"refused"`):
		return noEdit
	case r.status < 300 && s.opens == httpapi.ReadersCard && !(diagnosis && result):
		return map[bool]string{true: someOfIt, false: noneOfIt}[diagnosis && !result]
	case r.status < 300 && s.route.ID == "readAttachment" && !result:
		return noneOfIt
	case r.status < 300 || want == toHim && slices.Contains(past[s.route.ID], code):
		return toHim
	case want == toHim && (s.opens == httpapi.Nothing || s.opens == httpapi.Mine) && !slices.Contains(atTheDoor, code): // what he asks of himself may be nonsense
		return toHim
	case s.opens == httpapi.Held && code == "dispensing.wrong_secret":
		return inOthers
	case strings.HasPrefix(want, "401") || want == "403 "+code:
		return fmt.Sprint(r.status, " ", code)
	}
	return fmt.Sprint(r.status)
}

func TestTheAccessMatrix(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		m := seating(ctx, t, w)
		all := m.statements()
		if text := m.table(all); *update {
			ok(t, os.WriteFile(matrixFile, []byte(text), 0o644))
		} else if old := string(got(os.ReadFile(matrixFile))(t)); old != text {
			t.Errorf("%s is not what the OpenAPI document says: read the difference, and write it anew with go generate ./app/story", matrixFile)
		}
		w.untouched(ctx, t, "refusals", func(t *testing.T) {
			for _, s := range all {
				for _, a := range m.seats {
					if want := s.answer(a); want != toAnybody && !slices.Contains(answered, want) {
						m.try(t, s, a, want)
					}
				}
			}
		})
		for _, writes := range []bool{false, true} { // who reads comes before who changes what there is to read
			done := map[string]bool{}
			for _, s := range m.last(all, "signOutOthers", "signOut") {
				if reads := slices.Contains([]httpapi.Opens{httpapi.ReadersCard, httpapi.Copy, httpapi.Entry, httpapi.Paper}, s.opens) || s.route.Method == http.MethodGet; reads == writes {
					continue
				}
				for _, a := range m.seats {
					if want := s.answer(a); slices.Contains(answered, want) {
						done[s.route.ID] = m.try(t, s, a, want) || done[s.route.ID]
					}
				}
				if s.secured && s.opens != httpapi.Nothing && s.opens != httpapi.Mine && !done[s.route.ID] && len(past[s.route.ID]) == 0 {
					t.Errorf("%s %s: it was done for nobody", s.route.Method, s.route.Path)
				}
			}
		}
	})
}

// try makes somebody's request, and reports whether it was done.
func (m *matrix) try(t *testing.T, s statement, a seat, want string) bool {
	t.Helper()
	u := m.request(s.route, a)
	r := m.say(t, u)
	code := ""
	if r.status >= 300 {
		code = got(readRefusal(u.target, r))(t)
	}
	if got := s.saw(r, code, want); got != want {
		t.Errorf("%s %s (%s), %s: got %s, want %s: %d %s", s.route.Method, s.route.Path, s.route.ID, a.name, got, want, r.status, short(r.text))
	}
	if want != toHim && want != someOfIt {
		for _, secret := range []string{secretDiagnosis, secretResult, example.SNILS, example.Policy, "Иванова"} {
			if strings.Contains(r.text, secret) {
				t.Errorf("%s %s, %s: the answer tells %q", s.route.Method, s.route.Path, a.name, secret)
			}
		}
	}
	return r.status < 300
}

// last puts the routes behind which somebody has no session any more at the end, in this order.
func (m *matrix) last(all []statement, ids ...string) []statement {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b statement) int { return slices.Index(ids, a.route.ID) - slices.Index(ids, b.route.ID) })
	return all
}

// table writes the matrix for readers.
func (m *matrix) table(all []statement) string {
	var b strings.Builder
	b.WriteString(`# Who may what

Every route of the API, and what each of those who may come gets. **This file is generated** from the OpenAPI document (` + "`security`, `x-access`" + `) by
` + "`go generate ./app/story`" + `; TestTheAccessMatrix there holds the server to it over HTTP, on both databases. A route that says nothing of access fails.

| answer | meaning |
|---|---|
| yes | it is done |
| part, none | of the card, what he may read; nothing of it |
| idle | it is answered, and no edit of his is taken |
| 401 | the door knows no caller |
| 403 | it is not for such callers, or not with this token; of a card: for its owner alone |
| 404 | as if it were not there |
| 409 | it is in another's hands |

| column | who comes |
|---|---|
`)
	for _, a := range m.seats {
		fmt.Fprintf(&b, "| %s | %s |\n", a.name, a.what)
	}
	b.WriteString(`
Operators have no token: what they do are commands on the server (` + "`medcard --help`" + `), and each stands in a log.

| opens | by what right |
|---|---|
`)
	for _, line := range [][2]string{
		{"", "nothing of others"}, {"owner", "a card, for its owner alone"}, {"log", "who opened a card, for its owner; where it has none, for who represents the patient wholly"}, {"card", "a card, for whoever may read it, and of it no more than he may"},
		{"copy", "the state of a phone's copy of a card, for whoever may read the card"}, {"edits", "what a phone changed: the owner's is taken"}, {"entry", "an entry of a card, for whoever may read its section"},
		{"paper", "a paper, for whoever may read its section and for the organisation that filed it"}, {"adding", "a card that an organisation adds to; it reads nothing"},
		{"filed", "a paper, for the organisation that filed it"}, {"held", "a paper, for the organisation that holds it"}, {"shown", "what the code tells that the caller was shown"},
		{"queue", "one thing that waits for a reviewer, whosever it is"},
		{"own", "one thing of the caller's account or organisation"}, {"mine", "a place in the caller's own account or organisation, such as everybody has"},
	} {
		fmt.Fprintf(&b, "| %s | %s |\n", line[0], line[1])
	}
	b.WriteString("\n## For anybody\n\n")
	for _, s := range all {
		if !s.secured {
			fmt.Fprintf(&b, "- %s `%s`\n", s.route.Method, s.route.Path)
		}
	}
	b.WriteString("\n## For those who show a token\n\n| route | scope of organisations | opens |")
	for _, a := range m.seats {
		b.WriteString(" " + a.name + " |")
	}
	b.WriteString("\n|---|---|---|" + strings.Repeat("---|", len(m.seats)) + "\n")
	for _, s := range all {
		if !s.secured {
			continue
		}
		fmt.Fprintf(&b, "| %s `%s` | %s | %s |", s.route.Method, s.route.Path, s.scope, s.opens)
		for _, a := range m.seats {
			answer, _, _ := strings.Cut(s.answer(a), " ")
			b.WriteString(" " + answer + " |")
		}
		b.WriteString("\n")
	}
	return b.String()
}
