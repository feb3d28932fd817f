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

func migrateCommand() *cli.Command {
	return &cli.Command{
		Name: "migrate", Usage: "bring the database's schema to this version (serve does it too)",
		Description: "With --app and --sequencer, which name two roles of PostgreSQL, the log of accesses is the sequencer's: the app's role writes entries, and\n" +
			"can neither change them nor put them into the log. Its servers then need MEDCARD_POSTGRES_SEQUENCER.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "app", Usage: "`ROLE` by which servers work"},
			&cli.StringFlag{Name: "sequencer", Usage: "`ROLE` that extends the log of accesses"},
		},
		Action: func(ctx context.Context, c *cli.Command) error {
			app, sequencer := c.String("app"), c.String("sequencer")
			if (app == "") != (sequencer == "") {
				return errors.New("--app and --sequencer go together")
			}
			db, err := openStore(ctx)
			if err != nil {
				return err
			}
			applied, err := db.Migrate(ctx)
			if err != nil {
				return errors.Join(fmt.Errorf("migrate: %w", err), db.Close())
			}
			if app != "" {
				if err := db.PartAudit(ctx, app, sequencer); err != nil {
					return errors.Join(fmt.Errorf("give the log to %s: %w", sequencer, err), db.Close())
				}
			}
			current, _, err := db.Versions(ctx)
			fmt.Fprintf(c.Root().Writer, "%d migrations applied, the schema is at version %d.\n", applied, current)
			return errors.Join(err, db.Close())
		},
	}
}

// openStore opens the configured database for a command that works on it directly.
func openStore(ctx context.Context) (*store.DB, error) {
	cfg, err := config.Load(os.Environ())
	if err != nil {
		return nil, err
	}
	custody, err := keys.OpenFolder(cfg.KeyFolder(), time.Now)
	if err != nil {
		return nil, err
	}
	return store.Open(ctx, store.Config{Postgres: cfg.Postgres, SQLite: cfg.Database(), Keys: custody})
}
