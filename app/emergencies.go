package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"
	"github.com/urfave/cli/v3"

	"github.com/medcard/medcard/app/config"
	"github.com/medcard/medcard/app/granting"
	"github.com/medcard/medcard/app/server"
	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/identity"
)

// emergenciesCommand is for operators: cards that were opened without their owners' consent, each of which somebody has to review.
func emergenciesCommand() *cli.Command {
	return &cli.Command{
		Name: "emergencies", Usage: "review cards that clinics opened without their owners' consent",
		Commands: []*cli.Command{
			{Name: "list", Usage: "list those that wait for their review, the first due first", Action: listEmergencies},
			{
				Name: "look", Usage: "who opened one, and why; its owner reads that you looked", ArgsUsage: "CARD EMERGENCY", Action: lookAtEmergency,
				Flags: []cli.Flag{&cli.StringFlag{Name: "as", Usage: "your name, as the patient shall read it", Required: true}},
			},
			{
				Name: "review", Usage: "decide on one: its owner is told and reads your words", ArgsUsage: "CARD EMERGENCY", Action: reviewEmergency,
				Flags: []cli.Flag{
					&cli.StringFlag{Name: "verdict", Usage: "justified or unjustified; unjustified ends it at once", Required: true},
					&cli.StringFlag{Name: "as", Usage: "your name, as the patient shall read it", Required: true},
					&cli.StringFlag{Name: "why", Usage: "what you found out", Required: true},
				},
			},
		},
	}
}

func listEmergencies(ctx context.Context, c *cli.Command) error {
	return withGranting(ctx, func(grants *granting.Service) error {
		table := tabwriter.NewWriter(c.Root().Writer, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "CARD\tEMERGENCY\tOPENED\tDUE\tCLINIC\tREASON\tSCOPES")
		var last consent.Opening
		for more := true; more; {
			var list []consent.Opening
			var err error
			if list, more, err = grants.Unreviewed(ctx, identity.AtDesk(""), last); err != nil {
				return err
			}
			for _, e := range list {
				late := ""
				if time.Now().After(e.Due) {
					late = " (late)"
				}
				fmt.Fprintf(table, "%s\t%s\t%s\t%s%s\t%s\t%s\t%s\n", e.Card, e.ID, e.Opened.Format(time.RFC3339), e.Due.Format(time.RFC3339), late, e.Clinic,
					e.Reason, strings.Join(e.Scopes.Words(), " "))
				last = e
			}
		}
		return table.Flush()
	})
}

// whichEmergency reads the two ids that name an emergency.
func whichEmergency(c *cli.Command) (w granting.Which, err error) {
	names := c.Args().Slice()
	if len(names) != 2 || uuid.Validate(names[0]) != nil || uuid.Validate(names[1]) != nil {
		return w, errors.New("which emergency? `medcard emergencies list` shows them, with their cards")
	}
	return granting.Which{Card: card.ID(names[0]), Emergency: consent.GrantID(names[1]), Request: "review"}, nil
}

func lookAtEmergency(ctx context.Context, c *cli.Command) error {
	which, err := whichEmergency(c)
	if err != nil {
		return err
	}
	return withGranting(ctx, func(grants *granting.Service) error {
		e, err := grants.LookAtEmergency(ctx, identity.AtDesk(c.String("as")), which)
		if err == nil {
			_, err = fmt.Fprintf(c.Root().Writer, "%s, %s, of %s opened %s at %s\n%s: %s\n", e.Person.Name, e.Person.Role, e.Clinic, strings.Join(e.Scopes.Words(), " "),
				e.Opened.Format(time.RFC3339), e.Reason, e.Words)
		}
		return err
	})
}

func reviewEmergency(ctx context.Context, c *cli.Command) error {
	which, err := whichEmergency(c)
	if err != nil {
		return err
	}
	return withGranting(ctx, func(grants *granting.Service) error {
		verdict := consent.Verdict(c.String("verdict"))
		if _, err := grants.Review(ctx, identity.AtDesk(c.String("as")), which, granting.Finding{Verdict: verdict, Words: c.String("why")}); err != nil {
			return err
		}
		_, err := fmt.Fprintf(c.Root().Writer, "The emergency was %s. Its owner is told.\n", verdict)
		return err
	})
}

func withGranting(ctx context.Context, work func(*granting.Service) error) error {
	return withStore(ctx, func(_ config.Config, db *store.DB) error { return work(server.Grant(db, time.Now)) })
}
