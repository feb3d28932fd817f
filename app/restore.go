package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/medcard/medcard/app/config"
	"github.com/medcard/medcard/app/keys"
	"github.com/medcard/medcard/app/store"
)

// afterwards is what an operator must know of a database that was restored, however it was.
const afterwards = `Everybody signs in again. Phones then meet the new epoch and send again what they wrote after the backup; clinics post again
what they posted after it (the same again changes nothing). Whom a patient let see his card sees nothing until the patient confirms it
in the app: what was revoked after the backup must not come back. Nobody repeats for you: organisations that you revoked after the
backup are let in again (medcard clients list), passwords are those of the backup, and prescriptions that were handed out after it
can be handed out again. Cards that got another data key after the backup get one more: medcard keys renew ends that.
`

func restoreCommand() *cli.Command {
	return &cli.Command{
		Name: "restore", Usage: "put a backup in the place of the SQLite database; the server must not run", ArgsUsage: "FILE",
		Description: "The keys that the backup was made with must be in the key folder already: they are not in FILE.\n" +
			"A database that is there is refused, or moved aside with --force. Every card gets a new epoch, by which phones know to\n" +
			"send again what they wrote after the backup; pushes that were sent are not sent again; all sessions end; all grants but\n" +
			"the patients' own are held until the patients confirm them.\n" +
			"PostgreSQL is restored with pg_restore and then `medcard epoch bump`.",
		Flags: []cli.Flag{&cli.BoolFlag{Name: "force", Usage: "move a database that is there aside"}},
		Action: func(ctx context.Context, c *cli.Command) error {
			if c.Args().Len() != 1 {
				return errors.New("name one file: medcard restore FILE")
			}
			cfg, err := config.Load(os.Environ())
			if err != nil {
				return err
			}
			if !keys.Present(cfg.KeyFolder()) {
				return fmt.Errorf("there are no keys in %s; put those there that the backup was made with", cfg.KeyFolder())
			}
			custody, err := keys.OpenFolder(cfg.KeyFolder(), time.Now)
			if err != nil {
				return err
			}
			now := time.Now()
			var aside string
			if c.Bool("force") {
				aside = cfg.Database() + ".before-" + now.UTC().Format("20060102T150405Z")
			}
			show, end := stepBar(os.Stderr)
			m, err := store.Restore(ctx, store.Config{Postgres: cfg.Postgres, SQLite: cfg.Database(), Keys: custody}, c.Args().First(), aside, now, show)
			end()
			if errors.Is(err, store.ErrTargetUsed) {
				return fmt.Errorf("%s: %w; --force moves it aside", cfg.Database(), err)
			}
			if err == nil {
				err = adoptLog(ctx, cfg)
			}
			if err != nil {
				return err
			}
			fmt.Fprintf(c.Root().Writer, "Restored %d cards as they were on %s.\n%s", m.Cards, m.Made.Local().Format(time.DateTime), afterwards)
			return nil
		},
	}
}

func epochCommand() *cli.Command {
	return &cli.Command{
		Name: "epoch", Usage: "what a database needs that was restored by other means",
		Commands: []*cli.Command{{
			Name: "bump", Usage: "give every card a new epoch, end all sessions, hold all grants, drop pushes that wait; no server may run",
			Description: "After pg_restore, or after putting back a file of the database by hand. `medcard restore` does it itself.",
			Action: func(ctx context.Context, c *cli.Command) error {
				db, _, err := openExisting(ctx)
				if err != nil {
					return err
				}
				if _, err := db.Migrate(ctx); err != nil {
					return errors.Join(fmt.Errorf("prepare the database: %w", err), db.Close())
				}
				cards, err := db.BeginEpoch(ctx, time.Now(), func(int) {})
				if err := errors.Join(err, db.Close()); err != nil {
					return err
				}
				cfg, err := config.Load(os.Environ())
				if err == nil {
					err = adoptLog(ctx, cfg)
				}
				if err != nil {
					return fmt.Errorf("the epoch is begun; the audit log could not be taken over, and the same again tries that: %w", err)
				}
				fmt.Fprintf(c.Root().Writer, "%d cards begin a new epoch.\n%s", cards, afterwards)
				return nil
			},
		}},
	}
}
