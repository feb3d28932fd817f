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
	"github.com/medcard/medcard/domain/identity"
)

// ordersCommand is for operators who carry out what a court decided.
func ordersCommand() *cli.Command {
	return &cli.Command{
		Name: "orders", Usage: "carry out what a court decided about who sees a card",
		Commands: []*cli.Command{
			{Name: "access", Usage: "list who is let into a card now, and whom a court keeps from it", ArgsUsage: "CARD", Action: listAccess},
			{
				Name: "carry", Usage: "end one access, from the next request on, or lift what a court ordered: the owner is told", ArgsUsage: "CARD GRANT",
				Action: carryOrder, Flags: decision(),
			},
			{
				Name: "bar", Usage: "keep a person or an organisation from a card: nobody lets them in again, the owner neither", ArgsUsage: "CARD", Action: barByOrder,
				Flags: append(decision(),
					&cli.StringFlag{Name: "account", Usage: "the account of the person, or"},
					&cli.StringFlag{Name: "client", Usage: "the client id of the organisation"},
					&cli.TimestampFlag{Name: "until", Usage: "when it ends, RFC 3339; without it: until it is lifted", Config: cli.TimestampConfig{Layouts: []string{time.RFC3339}}},
				),
			},
		},
	}
}

// decision are the flags that say what an order rests on.
func decision() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "document", Usage: "the decision: court, number and date; the owner reads it in the log", Required: true},
		&cli.StringFlag{Name: "as", Usage: "your name", Required: true},
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
			if g.Ordered {
				who = "kept out: " + who
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
		order := granting.Order{Card: card.ID(names[0]), Document: c.String("document"), By: c.String("as")}
		if err := grants.Carry(ctx, order, consent.GrantID(names[1])); err != nil {
			return err
		}
		_, err := fmt.Fprintln(c.Root().Writer, "It is ended. The card's owner is told.")
		return err
	})
}

func barByOrder(ctx context.Context, c *cli.Command) error {
	id := c.Args().First()
	if c.Args().Len() != 1 || uuid.Validate(id) != nil {
		return errors.New("which card? Name it by its id")
	}
	account, client := c.String("account"), c.String("client")
	if (account == "") == (client == "") || uuid.Validate(account+client) != nil {
		return errors.New("whom? Name one person with --account or one organisation with --client")
	}
	return withGranting(ctx, func(grants *granting.Service) error {
		order := granting.Order{Card: card.ID(id), Document: c.String("document"), By: c.String("as")}
		bar, err := grants.Bar(ctx, order, identity.AccountID(account), identity.ClientID(client), c.Timestamp("until"))
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(c.Root().Writer, "They see nothing of the card from now on, and nobody lets them in. The card's owner is told.\nTo lift it: medcard orders carry %s %s\n", id, bar)
		return err
	})
}
