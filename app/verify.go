package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/medcard/medcard/qr"
	"github.com/medcard/medcard/qr/document"
	"github.com/medcard/medcard/qr/foreign"
	"github.com/medcard/medcard/qr/scan"
	"github.com/medcard/medcard/qr/trust"
)

func verifyCommand() *cli.Command {
	flags := []cli.Flag{
		&cli.BoolFlag{Name: "content", Usage: "also print what the document says, once its signature holds"},
	}
	return &cli.Command{
		Name:      "verify",
		Usage:     "judge a code offline and say why",
		ArgsUsage: "TEXT|FILE|-",
		Description: `The code is given as its text (EMC1:...), or as a file that holds the text or a photo of it. The first line of the
answer is OK, NO or CANT_TELL_OFFLINE with the reasons, the decisive one first. Nothing is sent anywhere. The exit code
is 0 only for OK.

Without --keys a code can be taken apart, but its signature cannot be checked: that is CANT_TELL_OFFLINE.`,
		Flags: append(flags, offlineFlags()...),
		Action: func(ctx context.Context, c *cli.Command) error {
			if c.NArg() != 1 {
				return errors.New("give one code, or one file; a text with spaces needs quotes")
			}
			judge, err := offlineJudge(c)
			if err != nil {
				return err
			}
			if judge == nil { // an empty key set tells format from forgery, and nothing more
				judge = func(text string) trust.Verdict { return trust.Judge(text, trust.Knowledge{}, time.Now()) }
			}
			texts, err := codesIn(ctx, c.Args().First())
			if err != nil {
				return err
			}
			others, err := foreignKeys(c)
			if err != nil {
				return err
			}
			return reportVerdicts(c.Root().Writer, texts, judge, others, c.Bool("content"))
		},
	}
}

// reportVerdicts prints a verdict for each code; the error says that not all were OK.
func reportVerdicts(out io.Writer, texts []string, judge func(string) trust.Verdict, others foreign.Keys, content bool) error {
	good := 0
	for i, text := range texts {
		if i > 0 {
			fmt.Fprintln(out)
		}
		if kind := scan.KindOf(text); !ours(kind) {
			fmt.Fprintf(out, "NOT_OURS %s\n", kind)
			if other, known := foreign.Read(text, others, time.Now()); known {
				describeForeign(out, other, content)
			}
			continue
		}
		verdict := judge(text)
		if verdict.Answer == trust.OK {
			good++
		}
		fmt.Fprintln(out, verdict.String())
		describeVerdict(out, verdict, content)
	}
	if good < len(texts) {
		return fmt.Errorf("%d of %d codes cannot be relied on", len(texts)-good, len(texts))
	}
	return nil
}

// describeVerdict says whose word it is and how old the knowledge behind the verdict. What the document says is printed only
// when asked for: a terminal is read over shoulders.
func describeVerdict(out io.Writer, v trust.Verdict, content bool) {
	if v.Token != (qr.TokenID{}) {
		fmt.Fprintln(out, "  a token: the document itself stands on the server")
		return
	}
	if v.Document == nil {
		return
	}
	paper, err := document.Read(*v.Document)
	if err != nil {
		fmt.Fprintln(out, "  signed, and yet not a document that is known here")
		return
	}
	kind := "prescription"
	if paper.Referral != nil {
		kind = "referral"
	} else if paper.Certificate != nil {
		kind = "certificate"
	}
	fmt.Fprintf(out, "  %s of %s\n", kind, paper.Issuer)
	fmt.Fprintf(out, "  issued %s, valid until %s\n", paper.IssuedAt.Format(time.RFC3339), paper.ValidUntil.Format(time.RFC3339))
	fmt.Fprintf(out, "  key set from %s ago\n", v.KeysAge.Round(time.Second))
	if v.StatusKnown {
		fmt.Fprintf(out, "  status from %s ago\n", v.StatusAge.Round(time.Second))
	}
	if !content {
		return
	}
	if p := paper.Prescription; p != nil {
		fmt.Fprintf(out, "  for %s, born %d\n", p.Bearer.Initials, p.Bearer.BirthYear)
		for _, item := range p.Items {
			fmt.Fprintf(out, "  %d x %s\n", item.Quantity, item.Name)
		}
	}
	if c := paper.Certificate; c != nil {
		fmt.Fprintf(out, "  for %s, born %d\n  form %s, number %s\n  hash of the document %x\n", c.Bearer.Initials, c.Bearer.BirthYear, c.Kind, c.Number, c.Hash)
	}
	if r := paper.Referral; r != nil {
		fmt.Fprintf(out, "  for %s, born %d\n  %s\n", r.Bearer.Initials, r.Bearer.BirthYear, r.Purpose)
	}
}

// describeForeign says what somebody else's certificate is. What it says is printed only when asked for.
func describeForeign(out io.Writer, c foreign.Certificate, content bool) {
	fmt.Fprintf(out, "  %s of %s: %s %v\n", c.Kind, cmp.Or(c.Issuer, "nobody who is known"), c.Answer, c.Reasons)
	if !content {
		return
	}
	fmt.Fprintf(out, "  for %s, born %s\n", c.Holder, c.Born)
	for _, s := range c.Statements {
		fmt.Fprintf(out, "  %s", s.What)
		for _, f := range s.Fields {
			fmt.Fprintf(out, ", %s %s", f.Name, f.Value)
		}
		fmt.Fprintln(out)
	}
}

// codesIn takes an argument for what it looks like: a code, else a file with a code's text or with a photo.
func codesIn(ctx context.Context, argument string) ([]string, error) {
	if ours(scan.KindOf(argument)) || foreign.Is(argument) {
		return []string{argument}, nil
	}
	reader := scan.NewReader(scan.Options{Time: 10 * time.Second})
	data, err := readUpTo(argument, reader.Limits().MaxBytes)
	if err != nil {
		return nil, err
	}
	const longestText = 8192 // with room for a line end; longer codes are for the judge to refuse
	if text := string(bytes.TrimRight(data, "\r\n")); len(text) <= longestText && (strings.HasPrefix(text, "EMC1") || foreign.Is(text)) {
		return []string{text}, nil
	}
	result, err := reader.Read(ctx, data)
	if err != nil {
		return nil, err
	}
	if len(result.Codes) == 0 {
		return nil, errors.New("no code could be read in the picture")
	}
	var texts []string
	for _, code := range result.Codes {
		texts = append(texts, code.Text)
	}
	return texts, nil
}
