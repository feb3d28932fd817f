package story

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/medcard/medcard/app/fhir/example"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/mobile-sdk/counter"
	"github.com/medcard/medcard/mobile-sdk/phone"
	"github.com/medcard/medcard/mobile-sdk/problem"
	"github.com/medcard/medcard/push/pushtest"
	"github.com/medcard/medcard/qr/trust"
)

// Step is one sentence of the tale. It is told only when it held.
type Step struct {
	Stop string // in and out, people, offline, codes, push
	Text string
	do   func(context.Context, *tale) (detail string, err error)
}

// tale is what the steps leave for each other.
type tale struct {
	world         *World
	clinic        *Clinic
	card          card.ID
	claim         string
	patient       *Patient
	first, second *Phone
	comment       card.RecordID
	prescription  Paper
	referral      Paper
	near, far     *Pharmacy
	held          counter.Held
}

// Tell runs every step in order and reports each that held. It stops at the first that did not.
func Tell(ctx context.Context, w *World, report func(s Step, detail string, took time.Duration)) error {
	t := &tale{world: w}
	defer t.close()
	for _, s := range Steps() {
		began := time.Now()
		detail, err := s.do(ctx, t)
		if err != nil {
			return fmt.Errorf("%s: %s: %w", s.Stop, s.Text, err)
		}
		report(s, detail, time.Since(began))
	}
	return nil
}

func (t *tale) close() {
	for _, p := range []*Phone{t.first, t.second} {
		if p != nil {
			_ = p.Close()
		}
	}
}

// Steps is the whole tale.
func Steps() []Step {
	return slices.Concat(inAndOut, people, offline, codes, pushes)
}

// hold is an error unless the condition holds.
func hold(condition bool, format string, args ...any) error {
	if condition {
		return nil
	}
	return fmt.Errorf("did not hold: "+format, args...)
}

// code checks that an error is a problem document with the status and code.
func code(err error, status int, want string) error {
	var p *problem.Problem
	if errors.As(err, &p) && p.Status == status && p.Code == want {
		return nil
	}
	return fmt.Errorf("expected the problem %d %s, got: %w", status, want, err)
}

const stopInAndOut, stopPeople, stopOffline, stopCodes, stopPush = "In and out", "People", "Offline", "Codes", "Push"

var inAndOut = []Step{
	{stopInAndOut, "A clinic posts a patient's visit as a FHIR R4 transaction bundle; its desk gets a claim code", func(ctx context.Context, t *tale) (string, error) {
		var err error
		if t.clinic, err = t.world.Clinic(ctx, "Городская поликлиника № 7"); err != nil {
			return "", err
		}
		posted, err := t.clinic.Post(ctx, example.Bundle())
		if err != nil {
			return "", err
		}
		t.card, t.claim = posted.Card, posted.Claim
		return statuses(posted), hold(posted.Claim != "", "the desk got no claim code")
	}},
	{stopInAndOut, "The same bundle again changes nothing", func(ctx context.Context, t *tale) (string, error) {
		posted, err := t.clinic.Post(ctx, example.Bundle())
		if err != nil {
			return "", err
		}
		t.claim = posted.Claim // a fresh code; the one before is dead
		return statuses(posted), hold(posted.Card == t.card && posted.Statuses["201 Created"] == 0, "something was created again")
	}},
}

var people = []Step{
	{stopPeople, "The patient registers; codes come by SMS and e-mail; she signs in with password and SMS code", func(ctx context.Context, t *tale) (string, error) {
		var err error
		t.patient, t.first, err = t.world.SignUp(ctx, "+79161234567", "anna@example.org")
		return "", err
	}},
	{stopPeople, "Before she redeems the claim code she sees no card; then it is hers, and the code opens nothing to anybody else", func(ctx context.Context, t *tale) (string, error) {
		me, err := t.first.Me(ctx)
		if err != nil {
			return "", err
		}
		if err := hold(len(me.Cards) == 0, "she has a card already"); err != nil {
			return "", err
		}
		id, err := t.first.Claim(ctx, t.claim)
		if err != nil {
			return "", err
		}
		if err := hold(id == t.card, "another card"); err != nil {
			return "", err
		}
		_, stranger, err := t.world.SignUp(ctx, "+79161234568", "boris@example.org")
		if err != nil {
			return "", err
		}
		_, err = stranger.Claim(ctx, t.claim)
		return "", errors.Join(code(err, http.StatusConflict, "claim.used"), stranger.Close())
	}},
	{stopPeople, "Her phone pulls the card into an encrypted file: per kind, what the clinic posted", func(ctx context.Context, t *tale) (string, error) {
		if _, err := t.first.Sync(ctx); err != nil {
			return "", err
		}
		counts, err := t.first.Card(t.card).Counts()
		if err != nil {
			return "", err
		}
		return kinds(counts), hold(counts[card.KindPatient] == 1 && counts[card.KindEncounter] > 0 && counts[card.KindObservation] > 0, "kinds are missing")
	}},
	{stopPeople, "The clinic may not read the card until she lets it in; she sees who read what and why", func(ctx context.Context, t *tale) (string, error) {
		read := func() error {
			return t.clinic.Call(ctx, http.MethodGet, "/v1/cards/"+string(t.card)+"/records?kinds=observation", map[string]string{"Purpose-Of-Use": "TREAT"}, nil, nil)
		}
		if err := code(read(), http.StatusNotFound, "card.not_found"); err != nil {
			return "", err
		}
		mine := t.first.Card(t.card)
		grant, err := mine.GiveGrant(ctx, phone.Wish{Client: t.clinic.ID, Scopes: card.Scopes{"lab.*"}, Purpose: consent.Treatment, Ends: t.world.Now().Add(24 * time.Hour)})
		if err != nil {
			return "", err
		}
		if err := read(); err != nil {
			return "", err
		}
		log, _, err := mine.AccessLog(ctx, 0)
		if err != nil {
			return "", err
		}
		seen := slices.IndexFunc(log, func(a phone.Access) bool { return a.Action == "read" && a.Person == Doctor.Name })
		if err := hold(seen >= 0, "the read is not in the log"); err != nil {
			return "", err
		}
		if err := mine.RevokeGrant(ctx, grant.ID); err != nil {
			return "", err
		}
		line := log[seen]
		return fmt.Sprintf("%s, %s, %s: %s, %s", line.Person, line.Role, line.Organisation, line.What, line.Purpose),
			code(read(), http.StatusNotFound, "card.not_found")
	}},
}

var offline = []Step{
	{stopOffline, "A second phone of hers signs in and has the same card", func(ctx context.Context, t *tale) (string, error) {
		var err error
		if t.second, err = t.patient.Handset("tablet"); err != nil {
			return "", err
		}
		if err := t.second.Enter(ctx); err != nil {
			return "", err
		}
		if _, err := t.second.Me(ctx); err != nil {
			return "", err
		}
		if _, err := t.second.Sync(ctx); err != nil {
			return "", err
		}
		a, errA := t.first.Card(t.card).Counts()
		b, errB := t.second.Card(t.card).Counts()
		return kinds(b), errors.Join(errA, errB, hold(fmt.Sprint(a) == fmt.Sprint(b), "the phones differ"))
	}},
	{stopOffline, "She comments on the visit, and both phones know it", func(ctx context.Context, t *tale) (string, error) {
		visits, err := t.first.Card(t.card).Visits(phone.Paging{})
		if err != nil {
			return "", err
		}
		edit, err := t.first.Card(t.card).Comment(visits.Entries[0].ID, "Спросить про дозу")
		if err != nil {
			return "", err
		}
		t.comment = edit.Record
		if err := t.both(ctx); err != nil {
			return "", err
		}
		_, err = t.second.Card(t.card).Record(t.comment)
		return "", err
	}},
	{stopOffline, "The network goes away: everything is still readable, she adds a blood pressure and edits the comment; so does the other phone", func(ctx context.Context, t *tale) (string, error) {
		t.first.Network.Off(true)
		t.second.Network.Off(true)
		brief, cancel := context.WithTimeout(ctx, 500*time.Millisecond) // it would try again for longer
		defer cancel()
		if _, err := t.first.Sync(brief); err == nil {
			return "", errors.New("synced without a network")
		}
		mine := t.first.Card(t.card)
		observations, err := mine.Observations(phone.Paging{})
		if err != nil {
			return "", err
		}
		if err := hold(len(observations.Entries) > 0, "nothing readable offline"); err != nil {
			return "", err
		}
		if _, err := mine.AddMeasurement(card.Measurement{Systolic: 128, Diastolic: 82, Pulse: 66}); err != nil {
			return "", err
		}
		for _, writer := range []struct {
			phone *Phone
			text  string
		}{{t.first, "Спросить про дозу метформина"}, {t.second, "Спросить про дозу вечером"}} {
			editor, err := writer.phone.Card(t.card).Edit(t.comment)
			if err != nil {
				return "", err
			}
			if _, err := editor.SaveText(writer.text); err != nil {
				return "", err
			}
		}
		outbox, err := mine.Outbox()
		if err != nil {
			return "", err
		}
		waiting := 0
		for _, e := range outbox {
			if e.State == phone.Waiting {
				waiting++
			}
		}
		return fmt.Sprintf("%d observations read, %d edits wait in the outbox", len(observations.Entries), waiting), hold(waiting == 2, "%d edits wait", waiting)
	}},
	{stopOffline, "Both come back: nothing is lost, both comments stand side by side on both phones", func(ctx context.Context, t *tale) (string, error) {
		t.first.Network.Off(false)
		t.second.Network.Off(false)
		if err := t.both(ctx); err != nil {
			return "", err
		}
		var texts []string
		for _, p := range []*Phone{t.first, t.second} {
			entry, err := p.Card(t.card).Record(t.comment)
			if err != nil {
				return "", err
			}
			all := []string{entry.Fact.(card.Comment).Text} //nolint:forcetypeassert // it is the comment
			for _, s := range entry.Siblings {
				all = append(all, s.(card.Comment).Text) //nolint:forcetypeassert // likewise
			}
			slices.Sort(all)
			texts = append(texts, strings.Join(all, " | "))
			readings, err := p.Card(t.card).Measurements(phone.Paging{})
			if err != nil {
				return "", err
			}
			if err := hold(len(readings.Entries) == 1, "the blood pressure is there %d times", len(readings.Entries)); err != nil {
				return "", err
			}
		}
		return texts[0], hold(texts[0] == texts[1] && strings.Count(texts[0], "|") == 1, "the phones show %q and %q", texts[0], texts[1])
	}},
	{stopOffline, "She resolves the conflict on one phone, and all devices converge", func(ctx context.Context, t *tale) (string, error) {
		open, err := t.first.Card(t.card).Conflicts()
		if err != nil {
			return "", err
		}
		if err := hold(len(open) == 1, "%d conflicts are open", len(open)); err != nil {
			return "", err
		}
		comment, _ := open[0].Entry().Fact.(card.Comment)
		comment.Text = "Спросить про дозу метформина вечером"
		if _, err := open[0].Resolve(comment); err != nil {
			return "", err
		}
		if err := t.both(ctx); err != nil {
			return "", err
		}
		for _, p := range []*Phone{t.first, t.second} {
			entry, err := p.Card(t.card).Record(t.comment)
			if err != nil {
				return "", err
			}
			shown, _ := entry.Fact.(card.Comment)
			if err := hold(shown.Text == comment.Text && !entry.Conflicted() && !entry.Pending, "a phone shows %q", shown.Text); err != nil {
				return "", err
			}
		}
		return comment.Text, nil
	}},
}

// both syncs the two phones until each has what the other wrote.
func (t *tale) both(ctx context.Context) error {
	for _, p := range []*Phone{t.first, t.second, t.first} {
		if _, err := p.Sync(ctx); err != nil {
			return err
		}
	}
	return nil
}

var codes = []Step{
	{stopCodes, "The doctor's system issues a prescription and a referral: signed EMC1 codes, as PNG", func(ctx context.Context, t *tale) (string, error) {
		var err error
		if t.prescription, err = t.clinic.Prescribe(ctx, t.card, "visit-1-prescription"); err != nil {
			return "", err
		}
		if t.referral, err = t.clinic.Refer(ctx, t.card, "visit-1-referral"); err != nil {
			return "", err
		}
		png, err := t.clinic.Picture(ctx, "prescriptions", t.prescription)
		return fmt.Sprintf("%d and %d characters, PNG of %d bytes", len(t.prescription.Code), len(t.referral.Code), len(png)),
			errors.Join(err, hold(bytes.HasPrefix(png, []byte("\x89PNG")), "no PNG"))
	}},
	{stopCodes, "The phone syncs and shows both offline", func(ctx context.Context, t *tale) (string, error) {
		if _, err := t.first.Sync(ctx); err != nil {
			return "", err
		}
		t.first.Network.Off(true)
		defer t.first.Network.Off(false)
		prescriptions, err := t.first.Card(t.card).Prescriptions(phone.Paging{})
		if err != nil {
			return "", err
		}
		referrals, err := t.first.Card(t.card).Referrals(phone.Paging{})
		if err != nil {
			return "", err
		}
		if err := hold(len(prescriptions.Entries) == 1 && len(referrals.Entries) == 1, "papers are missing"); err != nil {
			return "", err
		}
		shown := prescriptions.Entries[0].Fact
		return shown.Sheet.Items[0].Name + ", " + string(shown.Course.State),
			hold(shown.Code == t.prescription.Code && referrals.Entries[0].Fact.Code == t.referral.Code, "another code")
	}},
	{stopCodes, "A pharmacist verifies WITHOUT a network against the cached key set; a changed code is refused", func(ctx context.Context, t *tale) (string, error) {
		var err error
		if t.near, err = t.world.Pharmacy(ctx, "Аптека на углу"); err != nil {
			return "", err
		}
		if err := t.near.Refresh(ctx); err != nil {
			return "", err
		}
		t.near.Network.Off(true)
		defer t.near.Network.Off(false)
		good := t.near.Verify(t.prescription.Code, t.world.Now())
		changed := strings.Replace(t.prescription.Code, t.prescription.Code[40:41], string("0123456789"[(t.prescription.Code[40]+1)%10]), 1)
		bad := t.near.Verify(changed, t.world.Now())
		return fmt.Sprintf("true: %v; changed: %v", good.Verdict, bad.Verdict), hold(good.Answer == trust.OK && bad.Answer == trust.No, "the verdicts are others")
	}},
	{stopCodes, "She takes it in work and hands it out; a second pharmacy gets 409 with the state, before and after", func(ctx context.Context, t *tale) (string, error) {
		var err error
		if t.far, err = t.world.Pharmacy(ctx, "Аптека за рекой"); err != nil {
			return "", err
		}
		if t.held, err = t.near.Accept(ctx, t.prescription.Code, counter.NewKey()); err != nil {
			return "", err
		}
		_, err = t.far.Accept(ctx, t.prescription.Code, counter.NewKey())
		if err := code(err, http.StatusConflict, "prescription.in_work"); err != nil {
			return "", err
		}
		outcome, err := t.near.Complete(ctx, t.held, []counter.Portion{{Item: 0, Quantity: 60}}, counter.NewKey())
		if err != nil {
			return "", err
		}
		_, err = t.far.Accept(ctx, t.prescription.Code, counter.NewKey())
		return outcome.State, code(err, http.StatusConflict, "prescription.dispensed")
	}},
	{stopCodes, "Both lose the network and hand the same out on signed receipts: facts both, and the excess is a case", func(ctx context.Context, t *tale) (string, error) {
		paper, err := t.clinic.Prescribe(ctx, t.card, "visit-1-second")
		if err != nil {
			return "", err
		}
		var said []string
		for _, p := range []*Pharmacy{t.near, t.far} {
			if _, err := p.Enrol(ctx, "Касса 1"); err != nil {
				return "", err
			}
			if err := p.Refresh(ctx); err != nil {
				return "", err
			}
			p.Network.Off(true)
			_, err := p.HandOut(paper.Code, []counter.Portion{{Item: 0, Quantity: 60}}, t.world.Now())
			p.Network.Off(false)
			if err != nil {
				return "", err
			}
		}
		for _, p := range []*Pharmacy{t.near, t.far} {
			filed, err := p.Upload(ctx)
			if err != nil || len(filed) != 1 {
				return "", errors.Join(err, errors.New("a receipt was not filed"))
			}
			said = append(said, filed[0].Outcome)
		}
		return strings.Join(said, ", "), hold(said[0] == "applied" && said[1] == "case", "the outcomes are others")
	}},
	{stopCodes, "A picture of the referral's code is uploaded and read", func(ctx context.Context, t *tale) (string, error) {
		png, err := t.clinic.Picture(ctx, "referrals", t.referral)
		if err != nil {
			return "", err
		}
		token, err := t.far.Token(ctx)
		if err != nil {
			return "", err
		}
		reading, err := t.world.Scan(ctx, token, png)
		if err != nil {
			return "", err
		}
		if err := hold(len(reading.Codes) == 1, "%d codes were read", len(reading.Codes)); err != nil {
			return "", err
		}
		return reading.Codes[0].Verdict, hold(reading.Codes[0].Text == t.referral.Code && reading.Codes[0].Verdict == "ok", "another code or verdict")
	}},
}

var pushes = []Step{
	{stopPush, "A lab result arrives: her phone is told that there is news, without a medical word, and syncs it", func(ctx context.Context, t *tale) (string, error) {
		if err := t.first.RegisterPush(ctx, "fcm", annasPhone, "ru"); err != nil {
			return "", err
		}
		before, err := t.first.Card(t.card).Counts()
		if err != nil {
			return "", err
		}
		if err := t.result(ctx, 1); err != nil {
			return "", err
		}
		message := t.world.Push.To(annasPhone)[0]
		for _, word := range []string{"Гемоглобин", "718-7", example.Family, string(t.card)} {
			if err := hold(!strings.Contains(message.Raw, word), "the push says too much"); err != nil {
				return "", err
			}
		}
		if _, err := t.first.Sync(ctx); err != nil {
			return "", err
		}
		after, err := t.first.Card(t.card).Counts()
		return fmt.Sprintf("%d observations, then %d", before[card.KindObservation], after[card.KindObservation]),
			errors.Join(err, hold(after[card.KindObservation] > before[card.KindObservation], "nothing new on the phone"))
	}},
	{stopPush, "The clinic triggers an appointment reminder; asked again it is the same one", func(ctx context.Context, t *tale) (string, error) {
		t.world.Push.Forget()
		body := map[string]any{"card": t.card, "template": "appointment", "subject": "A-1", "startsAt": t.world.Now().Add(3 * time.Hour).Format(time.RFC3339)}
		var one, two struct{ ID string }
		for _, into := range []any{&one, &two} {
			if err := t.clinic.Call(ctx, http.MethodPost, "/v1/clinic/reminders", map[string]string{"Idempotency-Key": "reminder-1"}, body, into); err != nil {
				return "", err
			}
		}
		if err := hold(one.ID != "" && one.ID == two.ID, "two reminders"); err != nil {
			return "", err
		}
		waiting, cancel := context.WithTimeout(ctx, 15*time.Second)
		defer cancel()
		_, err := t.world.Push.Wait(waiting, annasPhone)
		return "", err
	}},
	{stopPush, "A phone that deleted the app is forgotten as soon as the carrier says so", func(ctx context.Context, t *tale) (string, error) {
		const dead = "a-dead-phone"
		if err := t.second.RegisterPush(ctx, "fcm", dead, "ru"); err != nil {
			return "", err
		}
		t.world.Push.Fail(dead, pushtest.Unregistered()) // once: were it asked again, it would take the message
		if err := t.result(ctx, 2); err != nil {
			return "", err
		}
		if err := until(ctx, func() bool { return t.world.Push.Tried(dead) == 1 }); err != nil {
			return "", err
		}
		if err := t.result(ctx, 3); err != nil {
			return "", err
		}
		time.Sleep(500 * time.Millisecond) // its push would be a job beside the one that has just been done
		return "", hold(t.world.Push.Tried(dead) == 1, "the carrier was asked again")
	}},
}

const annasPhone = "phone-of-anna"

// result has the clinic post the n-th lab result and waits until the carrier has told the first phone.
func (t *tale) result(ctx context.Context, n int) error {
	t.world.Push.Forget()
	bundle, err := LabResult(n, fmt.Sprintf("2026-11-2%dT08:30:00+03:00", n))
	if err != nil {
		return err
	}
	if _, err := t.clinic.Post(ctx, bundle); err != nil {
		return err
	}
	waiting, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	_, err = t.world.Push.Wait(waiting, annasPhone)
	return err
}

// until waits for something that happens beside the story.
func until(ctx context.Context, happened func() bool) error {
	for range 400 {
		if happened() {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(25 * time.Millisecond):
		}
	}
	return errors.New("waited ten seconds in vain")
}

func statuses(p Posted) string {
	var words []string
	for status, n := range p.Statuses {
		words = append(words, fmt.Sprintf("%d × %s", n, status))
	}
	slices.Sort(words)
	return strings.Join(words, ", ")
}

func kinds(counts map[card.Kind]int) string {
	var words []string
	for kind, n := range counts {
		words = append(words, fmt.Sprintf("%s %d", kind, n))
	}
	slices.Sort(words)
	return strings.Join(words, ", ")
}
