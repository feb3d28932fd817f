package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/medcard/medcard/app/auditing"
	"github.com/medcard/medcard/app/config"
	"github.com/medcard/medcard/app/keys"
	"github.com/medcard/medcard/app/server"
	"github.com/medcard/medcard/app/store"
)

func auditHandoverCommand() *cli.Command {
	return &cli.Command{
		Name: "handover", Usage: "let another key sign the audit log from now on",
		Description: `The old key signs a statement that names the new one, and its secret half is destroyed. Phones and medcard audit verify
follow by that statement, which GET /v1/audit/key shows, and believe no key that comes without. Servers go on. The log keeps who did it and why.

Copy audit-N.pem and audit-N.handover at once to your backup of the keys, and to each server with a key folder of its own: until they are there
such a server puts no entries into the log, which wait, and says that the log was tampered with. If somebody may have the old key, publish the new one
(medcard audit key) where its readers look: with the old key he can sign a statement for a key of his own, which fools whoever
has not followed yours yet.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "reason", Usage: "why, 10 to 200 characters; stays in the log", Required: true},
			&cli.StringFlag{Name: "as", Usage: "your name", Required: true},
		},
		Action: handOverAudit,
	}
}

func handOverAudit(ctx context.Context, c *cli.Command) error {
	if c.Args().Present() {
		return errors.New("this takes no arguments; see --help")
	}
	return withAuditParts(ctx, func(cfg config.Config, custody *keys.Custody, db *store.DB, log *auditing.Service) error {
		// Remembered first: who could change the key in silence could sign anything in silence.
		if err := log.NoteHandover(ctx, c.String("reason"), c.String("as")); err != nil {
			return err
		}
		return withSequencer(ctx, cfg, custody, db, func(log *auditing.Service) error {
			key, err := server.HandOverAudit(ctx, log, custody, cfg.Issuer)
			if err != nil {
				return fmt.Errorf("the same command goes on: %w", err)
			}
			_, err = fmt.Fprintf(c.Root().Writer, "This key signs the audit log from now on: %s\nCopy the newest audit-N.pem and audit-N.handover from %s to your backup of the keys, and to the servers that have a key folder of their own.\n",
				key, cfg.KeyFolder())
			return err
		})
	})
}

// withSequencer works with the log as the database role that may extend it.
func withSequencer(ctx context.Context, cfg config.Config, custody *keys.Custody, db *store.DB, work func(*auditing.Service) error) error {
	if cfg.Sequencer != "" {
		sequencer, err := db.ByRole(ctx, cfg.Sequencer)
		if err != nil {
			return err
		}
		defer sequencer.Close()
		db = sequencer
	}
	log, err := server.Audit(db, custody, cfg.Issuer, time.Now)
	if err != nil {
		return err
	}
	return work(log)
}

// adoptLog lets the key that signs the log now sign that of a restored database, which may be from before a handover.
func adoptLog(ctx context.Context, cfg config.Config) error {
	custody, err := server.Custody(cfg, time.Now)
	if err != nil {
		return err
	}
	return withDatabase(ctx, cfg, custody, func(db *store.DB) error {
		return withSequencer(ctx, cfg, custody, db, func(log *auditing.Service) error { return log.Adopt(ctx) })
	})
}
