package story

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/medcard/medcard/app/httpapi"
	"github.com/medcard/medcard/app/server"
	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/mobile-sdk/counter"
	"github.com/medcard/medcard/mobile-sdk/credential"
)

// seat is one of those who try every route.
type seat struct {
	name, what string // in the table, and in its legend
	kind       identity.ActorKind
	refused    string   // by the door, whatever the route
	scopes     []string // of an organisation's token
	sees       sight
	filed      bool // the papers are his
	holds      bool // the prescription that was accepted is in his hands, the referral too
	token      string
	purpose    string
	person     *person
	device     any
	actor      any
}

// matrix is a card, with what a clinic filed in it, and everybody who may want to see it.
type matrix struct {
	*World
	openAPI
	t            testing.TB
	seats        []seat
	card         card.ID
	her          *person // the owner
	hers         string  // her token
	epoch        string  // of the card, as her phone knows it
	filer        *Clinic
	none         identity.ClientID // the clinic that the owner lets in when that is tried
	file, upload []byte            // of a report; of a comment of hers, not sent yet
	photo        []byte            // of a code
	grants       map[string]string
	things       map[string]string // what is named in the address, by the route that is to do something with it
	papers       map[string]Paper  // the same
	secrets      map[string]string // of those that are held
	dispenser    string            // key of the holder's device
	waiting      body              // what waits for a reviewer
}

// What stands in the card's sections. It is the canary of the matrix: whoever may read shows it, whoever may not does not.
const (
	secretDiagnosis = canary + "-diagnosis"
	secretResult    = canary + "-result"
)

func diagnosis(id, text string) object {
	return object{
		"resourceType": "Condition", "id": id, "subject": object{"reference": about}, "recordedDate": "2026-11-20", "code": object{"text": text},
		"clinicalStatus": object{"coding": []any{object{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}}},
	}
}

func measured(text string) object {
	o := result718(object{"reference": about})
	o["code"], o["valueString"] = object{"text": text}, text
	return o
}

// everything are the sections that the owner may let somebody see.
var everything = []string{"dx.*", "lab.*", "rx.*", "referral.*", "doc.*", "vaccine.*", "visit.*", "identity.*"}

// seating fills a world with the card and all who come for it.
func seating(ctx context.Context, t *testing.T, w *World) *matrix {
	t.Helper()
	m := &matrix{
		World: w, openAPI: readDocument(t, w), t: t, her: somebody("0"), file: aFile("%PDF-1.4\n"+secretResult, 5_000, 5), upload: aFile("\xff\xd8\xff\xe0", 900, 9),
		things: map[string]string{}, grants: map[string]string{}, papers: map[string]Paper{}, secrets: map[string]string{},
	}
	doctor := Doctor
	doctor.Proven = w.Now().Add(2 * time.Hour).Unix() // when he breaks the glass
	name, key, err := w.Register(ctx, identity.Clinic, "Городская больница")
	ok(t, err)
	filing := func(by credential.Actor, scopes ...string) func(context.Context) (string, error) {
		return credential.New(credential.Client{ID: string(name), Key: key, TokenURL: w.URL + "/oauth/token", Scopes: scopes, Clock: w.Now}).As(by)
	}
	m.filer = &Clinic{ID: name, Token: filing(Doctor, clinicScopes...), world: w}
	posted := got(m.filer.Post(ctx, m.bundle()))(t)
	m.card = posted.Card
	w.enrol(ctx, t, m.her)
	m.enterHer(ctx)
	got(w.post(ctx, "/v1/cards/claim", m.hers, body{"code": posted.Claim}))(t)
	m.let(ctx, body{"client": m.filer.ID, "purpose": "TREAT", "scopes": everything}, "Revoked") // for the records' names, and no longer
	m.readNames(ctx)

	late := m.hers
	people := map[string]*person{}
	for i, name := range []string{"Stranger", "Proxy", "Limited", "Kept", "Revoked", "Over"} {
		people[name] = somebody(fmt.Sprint(i + 1))
		w.enrol(ctx, t, people[name])
	}
	clinics := map[string]*Clinic{}
	for _, name := range []string{"Consent", "Section", "Kept", "Purpose", "Revoked", "Over", "None", "Struck off", "Emergency"} {
		clinics[name] = w.as(ctx, t, "Поликлиника "+name, doctor)
	}
	some := []string{"dx.*"}
	for name, scopes := range map[string][]string{"Proxy": everything, "Limited": some, "Kept": everything, "Revoked": everything, "Over": everything} {
		m.let(ctx, body{"account": people[name].account, "purpose": "PATRQT", "scopes": scopes}, name)
	}
	for name, scopes := range map[string][]string{"Consent": everything, "Section": some, "Kept": everything, "Purpose": everything, "Revoked": everything, "Over": everything} {
		m.let(ctx, body{"client": clinics[name].ID, "purpose": map[bool]string{true: "ETREAT", false: "TREAT"}[name == "Purpose"], "scopes": scopes}, name)
	}
	for _, b := range []body{{"account": people["Kept"].account}, {"client": clinics["Kept"].ID}} {
		b["scopes"] = everything
		got(w.post(ctx, m.path()+"/restrictions", m.hers, b))(t)
	}
	m.none = clinics["None"].ID
	w.Skip(2 * time.Hour)
	m.filer.Token = filing(doctor, clinicScopes...)

	m.seatPeople(ctx, people, late)
	m.seatClinics(ctx, clinics)
	narrow := got(filing(doctor, "system/Communication.c")(ctx))(t)
	m.add(seat{name: "Clinic narrow", what: "the clinic that filed all of it, with a token for reminders alone", kind: identity.Clinic, filed: true, scopes: []string{"system/Communication.c"}, token: narrow})
	m.seatPharmacies(ctx)
	m.add(seat{name: "Auditor", what: "an auditor", kind: identity.Auditor, scopes: []string{"system/AuditEvent.rs"}, token: got(w.auditor(ctx, t)(ctx))(t)})
	vera := w.bureau(ctx, t).clerk(ctx, t, "Орлова Вера Павловна")
	m.add(seat{name: "Reviewer", what: "a reviewer", kind: identity.Reviewer, scopes: []string{identity.RightReview}, token: vera.token})
	m.submit(ctx, people["Stranger"], vera)
	m.seatInsurers(ctx, people["Stranger"])
	for name, grant := range m.grants {
		if strings.HasPrefix(name, "Revoked") {
			ok(t, w.Call(ctx, m.hers, http.MethodDelete, m.path()+"/grants/"+grant, nil, nil, nil))
		}
	}
	return m
}

// seatInsurers has somebody name a policy, once for each route that answers.
func (m *matrix) seatInsurers(ctx context.Context, by *person) {
	token := str(m.enter(ctx, m.t, by), "accessToken")
	holder := body{"family": "Иванов", "given": []string{"Пётр"}, "born": "1980-01-02"}
	for _, a := range []seat{
		{name: "Insurer asked", what: "the insurer that is asked about a policy", holds: true},
		{name: "Insurer other", what: "another insurer"},
	} {
		begins := map[bool]string{true: annasPolicy.Number[:2], false: "23"}[a.holds]
		i := m.insurer(ctx, m.t, a.name, begins)
		a.kind, a.scopes, a.token = identity.Insurer, []string{"system/Coverage.u"}, i.token
		m.add(a)
		if a.holds {
			got(m.post(ctx, "/v1/me/policies", token, body{"number": annasPolicy.Number, "holder": holder}))(m.t)
			m.things["askedPolicy"] = i.asked(ctx, m.t)[0].ID
		}
	}
}

// submit has somebody hand in a document, which waits for a reviewer as does the emergency.
func (m *matrix) submit(ctx context.Context, by *person, with clerk) {
	token := str(m.enter(ctx, m.t, by), "accessToken")
	ok(m.t, m.Call(ctx, token, http.MethodPut, "/v1/me/documents/inn/files/1", map[string]string{"Content-Type": "application/pdf"}, []byte("%PDF-1.4\n1 0 obj <</Type/Page>> endobj\n%%EOF"), nil))
	d := got(m.post(ctx, "/v1/me/documents/inn/submit", token, body{"number": "500100732259"}))(m.t)
	m.waiting = body{"sender": by.account, "document": str(d, "id"), "file": 1}
	opened, _ := with.queue(ctx, m.t, "emergencies")
	m.waiting["emergency"] = opened[0][strings.LastIndex(opened[0], "/")+1:]
}

func (m *matrix) seatPeople(ctx context.Context, people map[string]*person, late string) {
	m.enterHer(ctx)
	out := m.hers
	_, err := m.post(ctx, "/v1/auth/sign-out", out, nil)
	ok(m.t, err)
	m.enterHer(ctx)
	m.add(seat{name: "Nobody", what: "no token", refused: "token.missing"})
	m.add(seat{name: "Out", what: "the owner, after a sign-out", kind: identity.Patient, refused: "session.ended", token: out})
	m.add(seat{name: "Late", what: "the owner, with a token that has run out", kind: identity.Patient, refused: "token.expired", token: late})
	m.add(seat{name: "Owner", what: "whose card it is", kind: identity.Patient, sees: owning, token: m.hers, person: m.her})
	for _, a := range []seat{
		{name: "Stranger", what: "a person with an account, and no more"},
		{name: "Proxy", what: "a person whom the owner lets see every section", sees: wholly},
		{name: "Limited", what: "a person whom the owner lets see diagnoses", sees: partly},
		{name: "Kept", what: "a person who was let see every section, from whom all are kept", sees: emptied},
		{name: "Revoked", what: "a person who was let in, and is no more"},
		{name: "Over", what: "a person whose access has run out"},
	} {
		a.kind, a.person = identity.Patient, people[a.name]
		a.token, a.name = str(m.enter(ctx, m.t, a.person), "accessToken"), "Person "+strings.ToLower(a.name)
		m.add(a)
	}
}

func (m *matrix) seatClinics(ctx context.Context, clinics map[string]*Clinic) {
	got(clinics["Emergency"].post(ctx, m.path()+"/emergencies", body{"scopes": everything, "reason": "unconscious", "words": "Без сознания, нужно всё"}))(m.t)
	for _, a := range []seat{
		{name: "Filer", what: "the clinic that filed all of it, without consent to read", filed: true, holds: true},
		{name: "Consent", what: "a clinic that the owner lets see every section", sees: wholly},
		{name: "Section", what: "a clinic that the owner lets see diagnoses", sees: partly},
		{name: "Kept", what: "a clinic that was let see every section, from which all are kept", sees: emptied},
		{name: "Purpose", what: "a clinic that was let in for another purpose than it names"},
		{name: "Revoked", what: "a clinic that was let in, and is no more"},
		{name: "Over", what: "a clinic whose access has run out"},
		{name: "None", what: "a clinic without consent"},
		{name: "Struck off", what: "an organisation that is no client any more", refused: "client.revoked"},
		{name: "Emergency", what: "a clinic that broke the glass", sees: wholly, purpose: "ETREAT"},
	} {
		a.kind, a.scopes = identity.Clinic, clinicScopes
		clinic := clinics[a.name]
		if a.name == "Filer" {
			clinic = m.filer
		}
		a.token, a.name = got(clinic.Token(ctx))(m.t), "Clinic "+strings.ToLower(a.name)
		m.add(a)
	}
	ok(m.t, m.Server.Clients.RevokeClient(ctx, clinics["Struck off"].ID))
}

func (m *matrix) seatPharmacies(ctx context.Context) {
	for _, a := range []seat{
		{name: "Pharmacy holder", what: "the pharmacy that has the prescription in its hands", holds: true},
		{name: "Pharmacy other", what: "another pharmacy"},
	} {
		pharmacy := got(m.Pharmacy(ctx, "Аптека "+a.name))(m.t)
		a.kind, a.scopes, a.token = identity.Pharmacy, []string{"system/dispensing.c"}, got(pharmacy.Token(ctx))(m.t)
		m.add(a)
		if a.holds {
			m.prepare(ctx, pharmacy)
			m.dispenser = got(pharmacy.Enrol(ctx, "Касса"))(m.t).Key
		}
	}
}

func (m *matrix) path() string { return "/v1/cards/" + string(m.card) }

// bundle is all that the filing clinic knows: a diagnosis and a result to be read, two more diagnoses to be hidden and shown.
func (m *matrix) bundle() []byte {
	return filled(m.t, anna.patient(), diagnosis("dx-1", secretDiagnosis), measured(secretResult), reportWith("r1", m.file), diagnosis("dx-2", "to hide"), diagnosis("dx-3", "to show"))
}

// readNames finds the ids of the records that are to be hidden and shown, and hides the second.
func (m *matrix) readNames(ctx context.Context) {
	var page struct {
		Records []struct {
			ID    string
			Atoms json.RawMessage
		}
	}
	ok(m.t, m.filer.Call(ctx, http.MethodGet, m.path()+"/records?kinds=condition", map[string]string{"Purpose-Of-Use": "TREAT"}, nil, &page))
	for _, r := range page.Records {
		for route, text := range map[string]string{"hideRecord": "to hide", "showRecord": "to show"} {
			if strings.Contains(string(r.Atoms), text) {
				m.things[route] = r.ID
			}
		}
	}
	ok(m.t, m.Call(ctx, m.hers, http.MethodPost, m.path()+"/records/"+m.things["showRecord"]+"/hide", nil, nil, nil))
}

func (m *matrix) enterHer(ctx context.Context) { m.hers = str(m.enter(ctx, m.t, m.her), "accessToken") }

// let lets somebody in, until an hour from now or for longer.
func (m *matrix) let(ctx context.Context, b body, name string) string {
	m.t.Helper()
	lasts := 5 * time.Hour
	if name == "Over" {
		lasts = time.Hour
	}
	b["ends"] = m.Now().Add(lasts).UTC().Format(time.RFC3339)
	id := str(got(m.post(ctx, m.path()+"/grants", m.hers, b))(m.t), "id")
	m.grants[fmt.Sprint(name, len(m.grants))] = id
	return id
}

// add gives somebody a seat, and the device under which a phone of his syncs.
func (m *matrix) add(a seat) {
	m.t.Helper()
	if a.purpose == "" {
		a.purpose = map[bool]string{true: "PATRQT", false: "TREAT"}[a.kind == identity.Patient]
	}
	a.device, a.actor = m.her.device["id"], 1
	if a.person != nil {
		a.device = a.person.device["id"]
		made, _ := m.post(m.t.Context(), "/v1/sync/devices", a.token, body{"cards": []any{body{"card": m.card}}})
		if cards := listOf(made["cards"]); len(cards) > 0 {
			a.actor = number(dig(cards[0], "actor"))
		}
	}
	m.seats = append(m.seats, a)
}

func (c *Clinic) post(ctx context.Context, path string, in any) (map[string]any, error) {
	token, err := c.Token(ctx)
	if err != nil {
		return nil, err
	}
	return c.world.post(ctx, path, token, in)
}

// prepare files a paper for each route that has one in its address, since what is done to one paper decides what may be done to it next, and
// puts those that somebody holds into hands.
func (m *matrix) prepare(ctx context.Context, holder *Pharmacy) {
	t := m.t
	t.Helper()
	for _, r := range m.Server.API.Routes() {
		switch key := "matrix-" + r.ID; {
		case strings.HasPrefix(r.Path, "/v1/prescriptions/{id}"):
			m.papers[r.ID] = got(m.filer.Prescribe(ctx, m.card, key))(t)
			if r.ID == "resumePrescription" {
				got(m.filer.post(ctx, "/v1/prescriptions/"+m.papers[r.ID].ID+"/suspend", nil))(t)
			}
		case strings.HasPrefix(r.Path, "/v1/referrals/{id}"):
			m.papers[r.ID] = got(m.filer.Refer(ctx, m.card, key))(t)
			if r.Access.Opens() == httpapi.Own {
				got(m.filer.post(ctx, "/v1/referrals/accept", body{"code": m.papers[r.ID].Code}))(t)
			}
		case strings.HasPrefix(r.Path, "/v1/certificates/{id}"):
			m.papers[r.ID] = got(m.filer.Certify(ctx, m.card, key))(t)
		case strings.HasPrefix(r.Path, "/v1/dispensing/{id}"):
			m.papers[r.ID] = got(m.filer.Prescribe(ctx, m.card, key))(t)
			held := got(holder.Accept(ctx, m.papers[r.ID].Code, counter.NewKey()))(t)
			m.secrets[r.ID] = held.Secret
			if r.ID == "supplyArrived" || r.ID == "withdrawSupply" {
				got(holder.Defer(ctx, held, counter.OtherAssortment, counter.NewKey()))(t)
			}
		}
	}
	m.papers["acceptPrescription"] = got(m.filer.Prescribe(ctx, m.card, "matrix-shown-rx"))(t)
	m.papers["acceptReferral"] = got(m.filer.Refer(ctx, m.card, "matrix-shown-ref"))(t)
	m.photo = got(m.filer.Picture(ctx, "prescriptions", m.papers["acceptPrescription"]))(t)
	for _, route := range []string{"proposalState", "lookAtProposal", "agreeToProposal"} {
		p := got(m.filer.post(ctx, "/v1/proposals", body{"scopes": []string{"vaccine.*"}, "purpose": "ETREAT", "ends": m.Now().Add(time.Hour).UTC()}))(t)
		m.things[route] = str(p, map[bool]string{true: "id", false: "code"}[route == "proposalState"])
	}
	m.things["revokeGrant"] = m.let(ctx, body{"client": m.filer.ID, "purpose": "ETREAT", "scopes": []string{"vaccine.*"}}, "spare")
	m.things["liftRestriction"] = str(got(m.post(ctx, m.path()+"/restrictions", m.hers, body{"client": m.filer.ID, "scopes": []string{"vaccine.*"}}))(t), "id")
	other := *m.her
	other.device = body{"id": uuid.NewString(), "name": "Планшет", "secret": uuid.NewString()}
	m.enter(ctx, t, &other)
	alert := got(server.Alert(m.Server.Store, m.cfg, m.t.Output(), m.Now))(m.t)
	words := map[account.Language]string{account.Russian: strings.Repeat("слово ", 5), account.English: strings.Repeat("word ", 5)}
	happened := got(alert.Open(ctx, m.Now(), "Сидорова", words))(m.t)
	got(alert.Concern(ctx, happened.ID, []card.ID{m.card}, func(int, int) {}))(m.t)
	ok(m.t, until(ctx, func() bool { return got(alert.List(ctx))(m.t)[0].Mailed == 1 })) // what a job does later is no trace of a refusal
	m.things["readIncident"] = string(happened.ID)
	m.things["signOutDevice"] = string(identity.DeviceOf(identity.AccountID(other.account), fmt.Sprint(other.device["id"])))

	var head struct{ Cards []struct{ Epoch string } }
	ok(t, m.Call(ctx, m.hers, http.MethodGet, "/v1/sync/head?cards="+string(m.card), nil, nil, &head))
	m.epoch = head.Cards[0].Epoch
	pushed := got(m.post(ctx, "/v1/sync/push", m.hers, m.comment(m.owner(), 1)))(t)
	if !strings.Contains(fmt.Sprint(pushed), "accepted") {
		t.Fatalf("her comment: %v", pushed)
	}
}

func (m *matrix) owner() seat {
	return m.seats[slices.IndexFunc(m.seats, func(a seat) bool { return a.sees == owning })]
}

// comment is the n-th push of somebody's device: a comment that names a file which nobody has sent yet.
func (m *matrix) comment(a seat, n int) body {
	files := []any{body{"title": "x", "size": len(m.upload), "hash": fileHash(m.upload)}}
	return body{"device": a.device, "card": m.card, "epoch": m.epoch, "actor": a.actor, "acked": 0, "mutations": []any{body{
		"n": n, "op": "create", "id": uuid.NewString(), "kind": "comment", "ctx": "", "at": "", "epoch": m.epoch, "hlc": fmt.Sprintf("%016x", n),
		"atoms": body{"text": body{"v": "x"}, "files": body{"v": files}},
	}}}
}

// request is what somebody asks of a route: as the document has it, about the card and what is in it.
func (m *matrix) request(r httpapi.Route, a seat) turn {
	soon := m.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	anybody := m.seats[slices.IndexFunc(m.seats, func(a seat) bool { return a.person != nil })].person.account
	known := known{
		"practitioner": anybody,
		"card":         string(m.card), "cards": string(m.card), "hash": string(fileHash(m.file)), "key": m.dispenser, "Upload-Length": len(m.upload), "Purpose-Of-Use": a.purpose,
		"device": a.device, "actor": a.actor, "epoch": m.epoch, "client": nil, "account": nil, "ends": soon, "startsAt": soon, "scopes": []any{"dx.*"},
		"idempotencyKey": m.key(r, a), "Idempotency-Key": m.key(r, a), // nobody's request is a repetition of another's
	}
	for _, name := range []string{"grant", "restriction", "record", "proposal", "incident"} {
		if thing, is := m.things[r.ID]; is {
			known[name] = thing
		}
	}
	if paper, is := m.papers[r.ID]; is {
		known["id"] = paper.ID
	}
	if r.Access.Opens() == httpapi.Queue {
		maps.Copy(known, m.waiting)
		delete(known, "Purpose-Of-Use")
	}
	if strings.HasPrefix(r.Path, "/v1/insurer/policies/{policy}") {
		known["policy"] = m.things["askedPolicy"]
	}
	switch r.ID {
	case "reviewAudit", "exportAudit":
		delete(known, "Purpose-Of-Use")
	case "signOutDevice":
		known["device"] = m.things[r.ID]
	case "uploadProgress", "uploadPiece":
		known["hash"] = string(fileHash(m.upload))
	}
	u := m.openAPI.good(m.t, known, r)
	u.name, u.token = a.name, a.token
	if strings.HasSuffix(r.Path, "/code.png") && a.kind != identity.Patient { // the document leaves it out for people
		u.header("Purpose-Of-Use", "TREAT")
	}
	if raw, is := map[string][]byte{"uploadPiece": m.upload, "scanPhoto": m.photo}[r.ID]; is {
		u.body = raw
	} else if in := m.body(r, a); in != nil {
		u.body = got(json.Marshal(in))(m.t)
	}
	return u
}

func (m *matrix) key(r httpapi.Route, a seat) string {
	return "matrix-" + r.ID + "-" + strings.ReplaceAll(a.name, " ", "-")
}

// body is what the sample of the document is too coarse for; nil = it will do.
func (m *matrix) body(r httpapi.Route, a seat) any {
	key := m.key(r, a)
	switch r.ID {
	case "postTransaction":
		return json.RawMessage(m.bundle())
	case "issuePrescription":
		return prescriptionOf(m.card, key)
	case "issueReferral":
		return referralOf(m.card, key)
	case "issueCertificate":
		return certificateOf(m.card, key)
	case "acceptPrescription":
		return body{"code": m.papers[r.ID].Code, "idempotencyKey": key}
	case "acceptReferral":
		return body{"code": m.papers[r.ID].Code}
	case "transferReferral":
		return body{"idempotencyKey": key, "clinic": "1027700132195", "referrer": "Петрова А. С.", "specialty": 27}
	case "supplyArrived", "withdrawSupply", "cancelPrescription":
		return body{"idempotencyKey": key}
	case "syncPush":
		return m.comment(a, map[bool]int{true: 2, false: 1}[a.sees == owning]) // her first one is there already
	case "syncCheck":
		return body{"device": a.device, "card": m.card, "actor": a.actor, "epoch": m.epoch, "cursor": "", "view": "", "ranges": []any{body{"count": 1, "sum": "0123456789abcdef"}}}
	case "completeDispensing":
		return body{"secret": m.secrets[r.ID], "idempotencyKey": key, "items": []any{body{"item": 0, "quantity": 60}}}
	case "rejectDispensing":
		return body{"secret": m.secrets[r.ID], "idempotencyKey": key}
	case "deferDispensing":
		return body{"secret": m.secrets[r.ID], "idempotencyKey": key, "assortment": "other"}
	case "giveGrant":
		return body{"client": m.none, "scopes": []string{"dx.*"}, "purpose": "TREAT", "ends": m.Now().Add(time.Hour).UTC()}
	case "lookAtProposal", "agreeToProposal":
		return body{"code": m.things[r.ID]}
	case "judgeDocument":
		return body{"verdict": "approved"}
	case "breakGlass":
		return body{"scopes": []string{"dx.*"}, "reason": "unconscious", "words": "Без сознания, нужны диагнозы"}
	case "sync", "syncPull":
		return body{"device": a.device, "cards": []any{body{"card": m.card, "actor": a.actor}}}
	case "syncDevices":
		return body{"cards": []any{body{"card": m.card}}}
	}
	return nil
}
