package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/medcard/medcard/app/config"
	"github.com/medcard/medcard/app/dispensing"
	"github.com/medcard/medcard/app/keys"
	"github.com/medcard/medcard/app/server"
	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/domain/prescription"
)

// receiptsCommand is for operators: what pharmacies handed out without a network and nobody can vouch for. There is no route to it.
func receiptsCommand() *cli.Command {
	decision := []cli.Flag{
		&cli.StringFlag{Name: "as", Usage: "your name, as the patient shall read it", Required: true},
		&cli.StringFlag{Name: "why", Usage: "what you found out", Required: true},
	}
	return &cli.Command{
		Name: "receipts", Usage: "decide on pharmacies' doubtful receipts, list cases and late orders",
		Commands: []*cli.Command{
			{Name: "list", Usage: "list the receipts in quarantine", Action: listReceipts},
			{Name: "release", Usage: "take a receipt for a fact and apply it", ArgsUsage: "RECEIPT", Flags: decision, Action: decide((*dispensing.Service).Release)},
			{Name: "dismiss", Usage: "end a receipt without effect", ArgsUsage: "RECEIPT", Flags: decision, Action: decide((*dispensing.Service).Dismiss)},
			{Name: "cases", Usage: "list hand-outs of the last 90 days that should not have been", Action: listCases},
			{Name: "late", Usage: "list medicines that pharmacies ordered and have not got in time", Action: listLate},
		},
	}
}

func listReceipts(ctx context.Context, c *cli.Command) error {
	return withDispensing(ctx, func(desk *dispensing.Service) error {
		list, err := desk.Quarantine(ctx)
		if err != nil {
			return err
		}
		table := tabwriter.NewWriter(c.Root().Writer, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "RECEIPT\tCAME\tDOUBT\tPHARMACY\tDEVICE\tNUMBER")
		for _, f := range list {
			fmt.Fprintf(table, "%x\t%s\t%s\t%s\t%s\t%d\n", f.Hash, f.Came.Format(time.RFC3339), f.Doubt, f.By, f.Device, f.Number)
		}
		return table.Flush()
	})
}

func decide(do func(*dispensing.Service, context.Context, dispensing.Decision) (prescription.Filed, error)) cli.ActionFunc {
	return func(ctx context.Context, c *cli.Command) error {
		decision := dispensing.Decision{By: c.String("as"), Why: c.String("why")}
		hash, err := hex.DecodeString(c.Args().First())
		if err != nil || len(hash) != len(decision.Receipt) || c.Args().Len() != 1 {
			return errors.New("which receipt? `medcard receipts list` shows them")
		}
		decision.Receipt = prescription.Digest(hash)
		return withDispensing(ctx, func(desk *dispensing.Service) error {
			filed, err := do(desk, ctx, decision)
			if err == nil {
				fmt.Fprintf(c.Root().Writer, "The receipt is %s.\n", filed.Outcome)
			}
			return err
		})
	}
}

func listCases(ctx context.Context, c *cli.Command) error {
	return withDispensing(ctx, func(desk *dispensing.Service) error {
		list, err := desk.AllCases(ctx, time.Now().AddDate(0, 0, -90))
		if err != nil {
			return err
		}
		table := tabwriter.NewWriter(c.Root().Writer, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "PRESCRIPTION\tSEEN\tCONCERNS\tEXCESS\tHAND-OUTS\tRECEIPT")
		for _, found := range list {
			excess := 0
			for _, p := range found.Excess {
				excess += p.Quantity
			}
			words := make([]string, len(found.Concerns))
			for i, concern := range found.Concerns {
				words[i] = string(concern)
			}
			fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%d\t%x\n", found.Prescription, found.At.Format(time.RFC3339), strings.Join(words, ","), excess, len(found.HandOuts), found.Receipt)
		}
		return table.Flush()
	})
}

func listLate(ctx context.Context, c *cli.Command) error {
	return withDispensing(ctx, func(desk *dispensing.Service) error {
		list, err := desk.LateSupplies(ctx)
		if err != nil {
			return err
		}
		table := tabwriter.NewWriter(c.Root().Writer, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "PRESCRIPTION\tPHARMACY\tREGISTERED\tDUE")
		for _, d := range list {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", d.Prescription, d.Supply.Holder, d.Supply.Registered.Format(time.RFC3339), d.Supply.Due.Format(time.RFC3339))
		}
		return table.Flush()
	})
}

func withDispensing(ctx context.Context, work func(*dispensing.Service) error) error {
	return withStore(ctx, func(cfg config.Config, db *store.DB) error {
		zone, err := time.LoadLocation(cfg.Zone)
		if err != nil {
			return fmt.Errorf("configuration: MEDCARD_ZONE: %w", err)
		}
		return work(server.Dispense(db, time.Now, zone))
	})
}

// withStore opens the configured database for an operator's piece of work.
func withStore(ctx context.Context, work func(config.Config, *store.DB) error) error {
	cfg, err := config.Load(os.Environ())
	if err != nil {
		return err
	}
	custody, err := keys.OpenFolder(cfg.KeyFolder(), time.Now)
	if err != nil {
		return err
	}
	db, err := store.Open(ctx, store.Config{Postgres: cfg.Postgres, SQLite: cfg.Database(), Keys: custody})
	if err != nil {
		return err
	}
	if _, err = db.Migrate(ctx); err == nil {
		err = work(cfg, db)
	}
	return errors.Join(err, db.Close())
}
