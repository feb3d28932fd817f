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

	"github.com/medcard/medcard/app/granting"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
)

// ordersCommand is for operators who carry out what a court decided.
func ordersCommand() *cli.Command {
	return &cli.Command{
		Name: "orders", Usage: "end somebody's access to a card by a court's decision",
		Commands: []*cli.Command{
			{Name: "access", Usage: "list who is let into a card now", ArgsUsage: "CARD", Action: listAccess},
			{
				Name: "carry", Usage: "end one access, from the next request on: the owner is told", ArgsUsage: "CARD GRANT", Action: carryOrder,
				Flags: []cli.Flag{
					&cli.StringFlag{Name: "document", Usage: "the decision: court, number and date; the owner reads it in the log", Required: true},
					&cli.StringFlag{Name: "as", Usage: "your name", Required: true},
				},
			},
		},
	}
}

func listAccess(ctx context.Context, c *cli.Command) error {
	id := c.Args().First()
	if c.Args().Len() != 1 || uuid.Validate(id) != nil {
		return errors.New("which card? Name it by its id")
	}
	return withGranting(ctx, func(grants *granting.Service) error {
		list, err := grants.Standing(ctx, card.ID(id))
		if err != nil {
			return err
		}
		table := tabwriter.NewWriter(c.Root().Writer, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "GRANT\tWHO\tSINCE\tUNTIL\tSCOPES")
		for _, g := range list {
			who, until := g.Organisation, "-"
			if g.Account != "" {
				who = "account " + string(g.Account)
			}
			if !g.Ends.IsZero() {
				until = g.Ends.Format(time.RFC3339)
			}
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", g.ID, who, g.Starts.Format(time.RFC3339), until, strings.Join(g.Scopes.Words(), " "))
		}
		return table.Flush()
	})
}

func carryOrder(ctx context.Context, c *cli.Command) error {
	names := c.Args().Slice()
	if len(names) != 2 || uuid.Validate(names[0]) != nil || uuid.Validate(names[1]) != nil {
		return errors.New("which access? `medcard orders access CARD` lists them")
	}
	return withGranting(ctx, func(grants *granting.Service) error {
		if err := grants.Carry(ctx, granting.Order{Card: card.ID(names[0]), Grant: consent.GrantID(names[1]), Document: c.String("document"), By: c.String("as")}); err != nil {
			return err
		}
		_, err := fmt.Fprintln(c.Root().Writer, "The access is ended. The card's owner is told.")
		return err
	})
}
