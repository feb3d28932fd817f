package main

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"
	"github.com/urfave/cli/v3"

	"github.com/medcard/medcard/app/config"
	"github.com/medcard/medcard/app/granting"
	"github.com/medcard/medcard/app/keys"
	"github.com/medcard/medcard/app/server"
	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/domain/card"
)

// shreddingCommands destroy cards.
func shreddingCommands() []*cli.Command {
	return []*cli.Command{
		{
			Name: "shred", Usage: "destroy a card for good by deleting its key", ArgsUsage: "CARD",
			Description: `From the next request on nobody reads it, on no server. The owners are told by push, by mail and in the app, and their phones delete it; all grants end, its papers are
revoked, and its patient gets a new card at the next clinic. The log keeps who did it and why; older entries of the card's log
can be read no more. The same again changes nothing.

What is left of the key elsewhere is wrapped with the wrapping key: in backups from before, in the archives of PostgreSQL's log, in
pages of the database file that are not yet written over. The key folder lists the card, so that medcard restore and
medcard epoch bump destroy it again. When nothing at all may be left, make the key that wrapped it unusable: medcard keys wrap,
rewrap, backup, and drop.`,
			Action: shredCard,
			Flags: []cli.Flag{
				&cli.StringFlag{Name: "reason", Usage: "which document orders it, without patient data; stays in the log", Required: true},
				&cli.StringFlag{Name: "ask", Usage: "whom the card's owner may ask about it: a name, a number, an address; the owner reads it, and the reason", Required: true},
				&cli.StringFlag{Name: "as", Usage: "your name", Required: true},
				assumeYes(),
			},
		},
		{Name: "shredded", Usage: "list the cards that were destroyed, by whom and why", Action: listShredded},
	}
}

func shredCard(ctx context.Context, c *cli.Command) error {
	name, err := uuid.Parse(c.Args().First())
	if err != nil || c.Args().Len() != 1 {
		return errors.New("which card? Name it by its id")
	}
	id := name.String() // as databases write it
	return withKeys(ctx, func(_ config.Config, custody *keys.Custody, db *store.DB) error {
		if err := confirmed(c, "The card is destroyed: nobody will ever read it again, its patient included.", id); err != nil {
			return err
		}
		done, err := server.Grant(db, time.Now).Shred(ctx, granting.Shredding{Card: card.ID(id), Reason: c.String("reason"), By: c.String("as"), Ask: c.String("ask")})
		if err != nil {
			return err
		}
		// After the deed: what is on the list is destroyed whenever a backup is restored.
		if err := custody.NoteShredded(id); err != nil {
			return fmt.Errorf("the card is destroyed, and could not be listed in the key folder for restores; the same command tries that again: %w", err)
		}
		words := "The card is destroyed. Backups from before still hold its key, wrapped: `medcard keys shred --help` says what to do."
		if !done {
			words = "The card was destroyed before."
		}
		_, err = fmt.Fprintln(c.Root().Writer, words)
		return err
	})
}

func listShredded(ctx context.Context, c *cli.Command) error {
	return withGranting(ctx, func(grants *granting.Service) error {
		list, err := grants.Shreddings(ctx)
		if err != nil {
			return err
		}
		table := tabwriter.NewWriter(c.Root().Writer, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "AT\tCARD\tBY\tWHY")
		for _, e := range list {
			fmt.Fprintf(table, "%s\t%s\t%s\t%q\n", e.At.Format(time.RFC3339), e.Card, e.Actor.Person.Name, e.What)
		}
		return table.Flush()
	})
}
