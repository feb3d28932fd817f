package main

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"
	"github.com/urfave/cli/v3"

	"github.com/medcard/medcard/app/granting"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/identity"
)

// ownersCommand is for operators to whom somebody shows that another person has his card.
func ownersCommand() *cli.Command {
	return &cli.Command{
		Name: "owners", Usage: "take somebody off a card that is not his",
		Commands: []*cli.Command{
			{Name: "list", Usage: "list who owns a card, or redeemed its code and has still to prove that it is his", ArgsUsage: "CARD", Action: listOwners},
			{
				Name: "remove", Usage: "take an account off a card, with everybody whom it let in: a clinic gets a code for the card again", ArgsUsage: "CARD ACCOUNT",
				Action: removeOwner,
				Flags: []cli.Flag{
					&cli.StringFlag{Name: "reason", Usage: "what shows that the card is not his, without patient data; its next owner reads it in the log", Required: true},
					&cli.StringFlag{Name: "as", Usage: "your name", Required: true},
				},
			},
		},
	}
}

func listOwners(ctx context.Context, c *cli.Command) error {
	id := c.Args().First()
	if c.Args().Len() != 1 || uuid.Validate(id) != nil {
		return errors.New("which card? Name it by its id")
	}
	return withGranting(ctx, func(grants *granting.Service) error {
		list, err := grants.Owners(ctx, card.ID(id))
		if err != nil {
			return err
		}
		table := tabwriter.NewWriter(c.Root().Writer, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "ACCOUNT\tSINCE\tWAITS FOR")
		for _, g := range list {
			waits := "-"
			if g.Awaits != "" {
				waits = string(g.Awaits)
			}
			fmt.Fprintf(table, "%s\t%s\t%s\n", g.Account, g.Starts.Format(time.RFC3339), waits)
		}
		return table.Flush()
	})
}

func removeOwner(ctx context.Context, c *cli.Command) error {
	names := c.Args().Slice()
	if len(names) != 2 || uuid.Validate(names[0]) != nil || uuid.Validate(names[1]) != nil {
		return errors.New("whom? `medcard owners list CARD` names the accounts")
	}
	return withGranting(ctx, func(grants *granting.Service) error {
		removal := granting.Removal{Card: card.ID(names[0]), Account: identity.AccountID(names[1]), Reason: c.String("reason"), By: c.String("as")}
		if err := grants.Disown(ctx, removal); err != nil {
			return err
		}
		_, err := fmt.Fprintln(c.Root().Writer, "The account sees the card no more, nor does anybody whom it let in; they are told.\nThe card's clinic gets a code for its patient with its next post.")
		return err
	})
}
