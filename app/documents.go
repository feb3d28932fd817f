package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"
	"github.com/urfave/cli/v3"

	"github.com/medcard/medcard/app/config"
	"github.com/medcard/medcard/app/keys"
	"github.com/medcard/medcard/app/proving"
	"github.com/medcard/medcard/app/server"
	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/evidence"
	"github.com/medcard/medcard/domain/family"
	"github.com/medcard/medcard/domain/identity"
)

// documentsCommand is for reviewers: documents by which people prove who they are.
func documentsCommand() *cli.Command {
	as := &cli.StringFlag{Name: "as", Usage: "your name, as it is remembered", Required: true}
	return &cli.Command{
		Name: "documents", Usage: "check the documents by which people prove who they are",
		Commands: []*cli.Command{
			{Name: "list", Usage: "list those that wait to be checked, the oldest first", Action: listDocuments},
			{
				Name: "look", Usage: "write the files of one into a folder; that you looked is remembered", ArgsUsage: "ACCOUNT DOCUMENT", Action: lookAtDocument,
				Flags: []cli.Flag{as, &cli.StringFlag{Name: "to", Usage: "folder for the files; delete it when you are done", Required: true}},
			},
			{
				Name: "approve", Usage: "the document is what it says and the person's: cards that wait for it open, a claim lets him act for its patient", ArgsUsage: "ACCOUNT DOCUMENT", Action: approveDocument,
				Flags: []cli.Flag{
					as, &cli.StringFlag{Name: "words", Usage: "to the person"},
					&cli.StringFlag{Name: "name", Usage: "whom the document names, family name first: a card that knows no number of it opens by this"},
					&cli.StringFlag{Name: "born", Usage: "and when he was born by it: 2006-01-02"},
				},
			},
			{
				Name: "reject", Usage: "it is not; the person is told why", ArgsUsage: "ACCOUNT DOCUMENT", Action: rejectDocument,
				Flags: []cli.Flag{
					as, &cli.StringFlag{Name: "reason", Usage: "unreadable, incomplete, otherDocument, mismatch, expired or doubtful", Required: true},
					&cli.StringFlag{Name: "words", Usage: "to the person"},
				},
			},
		},
	}
}

func listDocuments(ctx context.Context, c *cli.Command) error {
	return withProving(ctx, func(prove *proving.Service) error {
		table := tabwriter.NewWriter(c.Root().Writer, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "ACCOUNT\tDOCUMENT\tSLOT\tFOR\tSENT\tFILES")
		var last evidence.Document
		for more := true; more; {
			var list []evidence.Document
			var err error
			if list, more, err = prove.Waiting(ctx, identity.AtDesk(""), last); err != nil {
				return err
			}
			for _, d := range list {
				of := "himself"
				if d.Claim != nil {
					of = "a patient, " + string(d.Claim.Level)
				}
				fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%d\n", d.Account, d.ID, d.Slot, of, d.Sent.Format(time.RFC3339), len(d.Files))
				last = d
			}
		}
		return table.Flush()
	})
}

// whichDocument reads the two ids that name a document.
func whichDocument(c *cli.Command) (w proving.Which, err error) {
	names := c.Args().Slice()
	if len(names) != 2 || uuid.Validate(names[0]) != nil || uuid.Validate(names[1]) != nil {
		return w, errors.New("which document? `medcard documents list` shows them, with their accounts")
	}
	return proving.Which{Account: identity.AccountID(names[0]), Document: evidence.DocumentID(names[1]), Request: "review"}, nil
}

func lookAtDocument(ctx context.Context, c *cli.Command) error {
	which, err := whichDocument(c)
	if err != nil {
		return err
	}
	return withProving(ctx, func(prove *proving.Service) error {
		folder := filepath.Clean(c.String("to"))
		if err := os.MkdirAll(folder, 0o700); err != nil { // before the look is remembered, which would have shown nothing
			return err
		}
		by := identity.AtDesk(c.String("as"))
		seen, err := prove.Look(ctx, by, which)
		if err != nil {
			return err
		}
		for _, f := range seen.Files {
			_, content, err := prove.File(ctx, by, which, f.Number)
			if err == nil {
				err = os.WriteFile(filepath.Join(folder, fmt.Sprintf("%s-%d.%s", seen.Slot, f.Number, f.Format)), content, 0o600)
			}
			if err != nil {
				return err
			}
		}
		if _, err = fmt.Fprintf(c.Root().Writer, "%s, number %q: %d files in %s\n", seen.Slot, seen.Number, len(seen.Files), folder); err == nil && seen.Claim != nil {
			err = showClaim(c.Root().Writer, *seen.Claim)
		}
		return err
	})
}

// showClaim writes what the document is to prove, and what of it was compared with the cards here. The rest is the reviewer's.
func showClaim(out io.Writer, c family.Claim) error {
	until := "no end"
	if !c.Until.IsZero() {
		until = "until " + c.Until.Format(time.DateOnly)
	}
	if _, err := fmt.Fprintf(out, "claim: %s %s, %s\npatient: %s, born %s\nagent: %s, born %s\n",
		c.Level, strings.Join(c.Powers.Words(), " "), until, c.Patient.Name.Full(), c.Patient.Born, c.Agent.Name.Full(), c.Agent.Born); err != nil {
		return err
	}
	for _, check := range c.Checks {
		if _, err := fmt.Fprintf(out, "%s: %s\n", check.Subject, check.Finding); err != nil {
			return err
		}
	}
	return nil
}

func approveDocument(ctx context.Context, c *cli.Command) error {
	holder := family.Named{Name: card.Name{Text: c.String("name")}, Born: card.Date(c.String("born"))}
	if holder.Born != "" {
		var err error
		if holder.Born, err = card.ParseDate(string(holder.Born)); err != nil {
			return err
		}
	}
	return judgeDocument(ctx, c, proving.Verdict{Approved: true, Holder: holder})
}

func rejectDocument(ctx context.Context, c *cli.Command) error {
	return judgeDocument(ctx, c, proving.Verdict{Reason: evidence.Reason(c.String("reason"))})
}

func judgeDocument(ctx context.Context, c *cli.Command, v proving.Verdict) error {
	which, err := whichDocument(c)
	if err != nil {
		return err
	}
	v.Words = c.String("words")
	return withProving(ctx, func(prove *proving.Service) error {
		if _, err := prove.Judge(ctx, identity.AtDesk(c.String("as")), which, v); err != nil {
			return err
		}
		_, err := fmt.Fprintln(c.Root().Writer, "The person is told.")
		return err
	})
}

func withProving(ctx context.Context, work func(*proving.Service) error) error {
	return withStore(ctx, func(cfg config.Config, db *store.DB) error {
		custody, err := keys.OpenFolder(cfg.KeyFolder(), time.Now)
		if err != nil {
			return err
		}
		prove, err := server.Prove(db, custody, cfg, time.Now)
		if err != nil {
			return err
		}
		return work(prove)
	})
}
