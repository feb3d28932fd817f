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
		Action: func(ctx context.Context, c *cli.Command) error {
			db, err := openStore(ctx)
			if err != nil {
				return err
			}
			applied, err := db.Migrate(ctx)
			if err != nil {
				return errors.Join(fmt.Errorf("migrate: %w", err), db.Close())
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
