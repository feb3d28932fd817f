package main

import (
	"context"
	"errors"
	"fmt"
	"os"
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

// renewingCommands give cards other data keys.
func renewingCommands() []*cli.Command {
	return []*cli.Command{{
		Name: "renew", Usage: "give a card another data key, seal all of it anew, delete the old key", ArgsUsage: "[CARD]",
		Description: `Servers go on, and people read and write meanwhile; each server must be of a version that knows this command. It may be interrupted:
both keys are there until the end. Without CARD it goes on with what was interrupted, or what the restore of an older backup
began. The card's log keeps who did it and why.

What was copied before is sealed with the old key: backups, archives of PostgreSQL's log, pages of the database file that are not yet written
over. They stay readable for who has that key, and with the wrapping key for you: a backup from before loses nothing. The key folder lists the
card, so that medcard restore and medcard epoch bump begin it again. Servers that run keep the old key in memory until they are restarted.

Where the audit log has a role of its own, set MEDCARD_POSTGRES to the tables' owner for this command, as for medcard migrate.`,
		Action: renewCards,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "reason", Usage: "why, without patient data; stays in the log"},
			&cli.StringFlag{Name: "as", Usage: "your name"},
			&cli.BoolFlag{Name: "give-up-damaged", Usage: "delete the old key even though rows do not open: they were changed or moved, and never will"},
		},
	}}
}

func renewCards(ctx context.Context, c *cli.Command) error {
	var one card.ID
	if c.Args().Present() {
		name, err := uuid.Parse(c.Args().First())
		if err != nil || c.Args().Len() != 1 {
			return errors.New("which card? Name it by its id, or none to go on with those that were interrupted")
		}
		one = card.ID(name.String()) // as databases write it
	}
	return withKeys(ctx, func(_ config.Config, custody *keys.Custody, db *store.DB) error {
		grants := server.Grant(db, time.Now)
		if one != "" {
			if _, err := grants.Renew(ctx, granting.Renewal{Card: one, Reason: c.String("reason"), By: c.String("as")}); err != nil {
				return err
			}
			return sealAnew(ctx, c, custody, db, one)
		}
		list, err := grants.Renewing(ctx)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			fmt.Fprintln(c.Root().Writer, "No card is being given another key.")
		}
		var errs []error
		for _, id := range list { // one that is damaged keeps no other from being done
			errs = append(errs, sealAnew(ctx, c, custody, db, id))
		}
		return errors.Join(errs...)
	})
}

// sealAnew ends the renewal of a card.
func sealAnew(ctx context.Context, c *cli.Command, custody *keys.Custody, db *store.DB, id card.ID) error {
	show, end := stepBar(os.Stderr)
	out, err := db.Reseal(ctx, id, c.Bool("give-up-damaged"), show)
	end()
	if errors.Is(err, store.ErrDamagedRows) {
		return fmt.Errorf("%s: %d rows, some in the table %s; the rest is sealed with the new key, and the old one is kept. Bring those rows back from a backup and do the same again, or --give-up-damaged: %w",
			id, out.Damaged, out.Where, err)
	}
	if err != nil {
		return fmt.Errorf("%s: %d rows are sealed anew so far; medcard keys renew goes on: %w", id, out.Done, err)
	}
	// After the deed: what is on the list is renewed again whenever an older backup is restored.
	if err := custody.NoteRenewed(string(id), out.Key); err != nil {
		return fmt.Errorf("%s has another key, and could not be listed in the key folder for restores; medcard keys renew %[1]s tries that again, with one more key: %w", id, err)
	}
	_, err = fmt.Fprintf(c.Root().Writer, "%s: %d rows are sealed with another key, and the old one is deleted.\n", id, out.Done)
	return err
}
