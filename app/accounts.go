package main

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"
	"github.com/urfave/cli/v3"

	"github.com/medcard/medcard/app/enrolling"
	"github.com/medcard/medcard/app/server"
	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/identity"
)

// accountsCommand is for operators: accounts that broke the rules, or that others use.
func accountsCommand() *cli.Command {
	as := &cli.StringFlag{Name: "as", Usage: "your name, as the person shall read it", Required: true}
	return &cli.Command{
		Name: "accounts", Usage: "lock accounts, read appeals, and open them again",
		Commands: []*cli.Command{
			{Name: "locked", Usage: "list what is locked, appeals first", Action: listLocked},
			{
				Name: "lock", Usage: "refuse all but the appeal, from the next request on; the person is told", ArgsUsage: "ACCOUNT", Action: lockAccount,
				Flags: []cli.Flag{
					&cli.StringFlag{Name: "reason", Usage: "foreignAccess, stolenAccess, falseDocuments or courtDecision", Required: true},
					&cli.StringFlag{Name: "why", Usage: "your words to the person", Required: true}, as,
				},
			},
			{Name: "unlock", Usage: "open an account again; the person is told", ArgsUsage: "ACCOUNT", Action: unlockAccount, Flags: []cli.Flag{as}},
		},
	}
}

func listLocked(ctx context.Context, c *cli.Command) error {
	return withAccounts(ctx, c, func(people *enrolling.Service) error {
		list, err := people.Locked(ctx)
		if err != nil {
			return err
		}
		table := tabwriter.NewWriter(c.Root().Writer, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "ACCOUNT\tSINCE\tREASON\tBY\tAPPEALED\tTHE PERSON'S WORDS")
		for _, l := range list {
			appealed := "-"
			if !l.Appealed.IsZero() {
				appealed = l.Appealed.Format(time.RFC3339)
			}
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%q\n", l.Account, l.Since.Format(time.RFC3339), l.Reason, l.By, appealed, l.Appeal)
		}
		return table.Flush()
	})
}

func lockAccount(ctx context.Context, c *cli.Command) error {
	id, err := accountNamed(c)
	if err != nil {
		return err
	}
	return withAccounts(ctx, c, func(people *enrolling.Service) error {
		l := account.Lock{Account: id, Reason: account.LockReason(c.String("reason")), Words: c.String("why"), By: c.String("as")}
		if err := people.Lock(ctx, l); err != nil {
			return err
		}
		_, err := fmt.Fprintln(c.Root().Writer, "The account is locked. Its person is told, and may appeal.")
		return err
	})
}

func unlockAccount(ctx context.Context, c *cli.Command) error {
	id, err := accountNamed(c)
	if err != nil {
		return err
	}
	return withAccounts(ctx, c, func(people *enrolling.Service) error {
		if err := people.Unlock(ctx, id, c.String("as")); err != nil {
			return err
		}
		_, err := fmt.Fprintln(c.Root().Writer, "The account is open again. Its person is told.")
		return err
	})
}

func accountNamed(c *cli.Command) (identity.AccountID, error) {
	if id := c.Args().First(); c.Args().Len() == 1 && uuid.Validate(id) == nil {
		return identity.AccountID(id), nil
	}
	return "", errors.New("which account? Name it by its id: the log of a card shows it to auditors, `medcard accounts locked` those that are locked")
}

func withAccounts(ctx context.Context, c *cli.Command, work func(*enrolling.Service) error) error {
	cfg, custody, err := openCustody()
	if err != nil {
		return err
	}
	return withDatabase(ctx, cfg, custody, func(db *store.DB) error {
		people, err := server.Accounts(db, custody, cfg, c.Root().Writer, time.Now)
		if err != nil {
			return err
		}
		return work(people)
	})
}
