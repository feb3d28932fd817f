package scanning

import (
	"context"
	"fmt"
	"time"

	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/paper"
	"github.com/medcard/medcard/qr"
	"github.com/medcard/medcard/qr/document"
	"github.com/medcard/medcard/qr/foreign"
	"github.com/medcard/medcard/qr/scan"
	"github.com/medcard/medcard/qr/trust"
)

// Photos finds codes in the bytes of a picture: (*scan.Reader).Read.
type Photos func(ctx context.Context, picture []byte) (scan.Result, error)

// Judge judges a code of ours by everything the server knows: its keys, its own record of what it issued. It is told who
// asks, because that a prescription was handed out is for pharmacies to know.
type Judge func(ctx context.Context, actor identity.Actor, text string) (trust.Verdict, error)

// Standing tells what became of the paper with a token, as far as the asker may know.
type Standing func(ctx context.Context, actor identity.Actor, token qr.TokenID) (s paper.Standing, found bool, err error)

// Answer is what to think of a code.
type Answer string

// The answers. The first three are a judge's about codes of ours.
const (
	Genuine   Answer = "ok"
	Refused   Answer = "no"
	Undecided Answer = "cant_tell" // the reasons say what is missing
	Foreign   Answer = "foreign"   // not one of ours, and no forgery either
)

// Finding is one code of a picture.
type Finding struct {
	Kind    scan.Kind
	Text    string
	Corners [4]scan.Point // in pixels of the picture as it was stored
	Answer  Answer
	Reasons []trust.Reason // why not Genuine, the decisive one first
	// Paper is what the document says, once its signature holds, whatever the answer: an expired prescription is
	// shown as such.
	Paper *document.Paper
	// Foreign is what somebody else's health certificate says, where it is one that is known here.
	Foreign *foreign.Certificate
	// Standing is what the server knows of the paper; zero = the code leads to none.
	Standing paper.Standing
}

// Reading is what a picture held. No findings means that no code was readable.
type Reading struct {
	Findings []Finding
	Step     string // which step of the reader found the first code
	Elapsed  time.Duration
	// Unfinished: the time ran out; a sharper or smaller picture may give more.
	Unfinished bool
}

// Service reads uploaded photos.
type Service struct {
	Photos Photos
	Judge  Judge
	Clock  func() time.Time
	Others foreign.Keys // of issuers of foreign certificates that are believed
	// Standing may be missing: then small codes, which only a server can judge, stay undecided.
	Standing Standing
}

// Read finds and judges the codes of one picture.
func (s *Service) Read(ctx context.Context, actor identity.Actor, picture []byte) (Reading, error) {
	result, err := s.Photos(ctx, picture)
	if err != nil {
		return Reading{}, translate(err)
	}
	reading := Reading{Step: result.Step, Elapsed: result.Elapsed, Unfinished: result.Unfinished}
	seen := map[string]bool{}
	for _, code := range result.Codes {
		if seen[code.Text] { // two copies of a document are one document
			continue
		}
		seen[code.Text] = true
		finding, err := s.judge(ctx, actor, code)
		if err != nil {
			return Reading{}, err
		}
		reading.Findings = append(reading.Findings, finding)
	}
	reading.Findings = withoutTwins(reading.Findings)
	return reading, nil
}

func (s *Service) judge(ctx context.Context, actor identity.Actor, code scan.Code) (Finding, error) {
	finding := Finding{Kind: code.Kind, Text: code.Text, Corners: code.Corners, Answer: Foreign}
	if code.Kind != scan.EMC1 && code.Kind != scan.EMC1Token {
		if other, known := foreign.Read(code.Text, s.Others, s.Clock()); known {
			finding.Foreign = &other
		}
		return finding, nil
	}
	verdict, err := s.Judge(ctx, actor, code.Text)
	if err != nil {
		return Finding{}, err
	}
	finding.Answer, finding.Reasons = answerOf(verdict.Answer), verdict.Reasons
	if code.Kind == scan.EMC1Token {
		return s.standing(ctx, actor, finding)
	}
	if verdict.Document == nil {
		return finding, nil
	}
	read, err := document.Read(*verdict.Document)
	if err != nil { // well signed, and yet no document of ours: nothing of it may be believed
		finding.Answer, finding.Reasons = Refused, []trust.Reason{trust.BadFormat}
		return finding, nil
	}
	finding.Paper = &read
	if s.Standing != nil {
		finding.Standing, _, err = s.Standing(ctx, actor, read.Token)
	}
	return finding, err
}

// standing decides on a small code by what the server knows of the token, which nobody guesses.
func (s *Service) standing(ctx context.Context, actor identity.Actor, finding Finding) (Finding, error) {
	token, err := qr.OpenToken(finding.Text)
	if err != nil || s.Standing == nil {
		return finding, nil //nolint:nilerr // the judge has said what is wrong with the text
	}
	standing, found, err := s.Standing(ctx, actor, token)
	if err != nil {
		return Finding{}, err
	}
	finding.Standing, finding.Answer, finding.Reasons = standing, Genuine, nil
	if !found {
		finding.Answer, finding.Reasons = Refused, []trust.Reason{trust.IsNotIssued}
	} else if why, bad := standing.Reason(); bad {
		finding.Answer, finding.Reasons = Refused, []trust.Reason{trust.Reason(why)}
	}
	return finding, nil
}

func answerOf(a trust.Answer) Answer {
	switch a {
	case trust.OK:
		return Genuine
	case trust.No:
		return Refused
	case trust.CantTell:
		return Undecided
	}
	panic(fmt.Sprintf("scanning: a judge's answer that does not exist: %d", a))
}

// withoutTwins drops the small token codes whose document was read from the same picture: paper carries both.
func withoutTwins(findings []Finding) []Finding {
	full := map[qr.TokenID]bool{}
	for _, f := range findings {
		if f.Paper != nil {
			full[f.Paper.Token] = true
		}
	}
	var kept []Finding
	for _, f := range findings {
		if token, err := qr.OpenToken(f.Text); f.Kind == scan.EMC1Token && err == nil && full[token] {
			continue
		}
		kept = append(kept, f)
	}
	return kept
}
