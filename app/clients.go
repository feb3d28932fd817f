package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/medcard/medcard/app/config"
	"github.com/medcard/medcard/app/keys"
	"github.com/medcard/medcard/app/oauth"
	"github.com/medcard/medcard/app/server"
	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/mobile-sdk/credential"
)

// clientsCommand is for operators: which organisations' systems may talk to this server. There is no route to it.
func clientsCommand() *cli.Command {
	return &cli.Command{
		Name: "clients", Usage: "register clinics, pharmacies, auditors, reviewers and insurers, list and revoke them",
		Commands: []*cli.Command{
			{
				Name: "add", Usage: "register an organisation",
				Flags: []cli.Flag{
					&cli.StringFlag{Name: "kind", Usage: "clinic, pharmacy, auditor, reviewer or insurer", Required: true},
					&cli.StringFlag{Name: "name", Usage: "as patients shall read it in \"who saw my card\"", Required: true},
					&cli.StringSliceFlag{Name: "policies", Usage: "of an insurer: with what the numbers of its policies begin, at least two digits (their region), comma-separated"},
					&cli.StringFlag{Name: "ogrn", Usage: "its number in the state register, so that referrals to it are told to it"},
					&cli.StringFlag{Name: "jwks", Usage: "`FILE` with the organisation's public keys (JWK set); without it a key is made for it"},
					&cli.StringFlag{Name: "key", Usage: "`FILE` for the key that is made; default: <kind>-<start of the id>.jwk.json here"},
				},
				Action: addClient,
			},
			{Name: "list", Usage: "list the organisations", Action: listClients},
			{Name: "revoke", Usage: "end an organisation's access, at once", ArgsUsage: "ID", Action: revokeClient},
			{
				Name: "token", Usage: "get an access token from the running server with the key that add made, to try things", ArgsUsage: "KEYFILE",
				Flags: []cli.Flag{
					&cli.StringFlag{Name: "scope", Usage: "space-separated; all that the organisation may have if absent"},
					&cli.StringFlag{Name: "person", Usage: "the organisation's id of its employee who acts"},
					&cli.StringFlag{Name: "name", Usage: "the name of that person, as the patient shall read it"},
					&cli.StringFlag{Name: "role", Usage: "the position of that person"},
				},
				Action: fetchToken,
			},
		},
	}
}

// clientKinds are the words for --kind.
var clientKinds = map[string]identity.ActorKind{
	identity.Clinic.String(): identity.Clinic, identity.Pharmacy.String(): identity.Pharmacy, identity.Auditor.String(): identity.Auditor,
	identity.Reviewer.String(): identity.Reviewer, identity.Insurer.String(): identity.Insurer,
}

func addClient(ctx context.Context, c *cli.Command) error {
	wish := oauth.NewClient{Kind: clientKinds[c.String("kind")], Name: c.String("name"), OGRN: c.String("ogrn"), Policies: c.StringSlice("policies")}
	return withAuthority(ctx, func(authority *oauth.Service) error {
		if file := c.String("jwks"); file != "" {
			var err error
			if wish.Keys, err = os.ReadFile(filepath.Clean(file)); err != nil {
				return fmt.Errorf("read the public keys: %w", err)
			}
			client, err := authority.AddClient(ctx, wish)
			if err != nil {
				return err
			}
			fmt.Fprintf(c.Root().Writer, "%s %q is client %s.\n", client.Kind, client.Name, client.ID)
			return nil
		}
		key, err := credential.NewKey()
		if err != nil {
			return err
		}
		if wish.Keys, err = credential.JWKS(key.Public()); err != nil {
			return err
		}
		client, err := authority.AddClient(ctx, wish)
		if err != nil {
			return err
		}
		file := c.String("key")
		if file == "" {
			file = fmt.Sprintf("%s-%s.jwk.json", client.Kind, client.ID[len(client.ID)-12:])
		}
		if err := writeClientKey(file, client.ID, key); err != nil { // a client whose key is nowhere is of no use
			return errors.Join(fmt.Errorf("write the key: %w", err), authority.RevokeClient(ctx, client.ID))
		}
		fmt.Fprintf(c.Root().Writer, `%s %q is client %s.
Its private key is in %s; give it to the organisation and keep no copy.
Try it:  medcard clients token %[4]s
`, client.Kind, client.Name, client.ID, file)
		return nil
	})
}

func listClients(ctx context.Context, c *cli.Command) error {
	return withAuthority(ctx, func(authority *oauth.Service) error {
		all, err := authority.Clients(ctx)
		if err != nil {
			return err
		}
		if len(all) == 0 {
			fmt.Fprintln(c.Root().Writer, "There are no clients yet. Add one: medcard clients add --kind clinic --name 'Clinic No. 1'")
			return nil
		}
		table := tabwriter.NewWriter(c.Root().Writer, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "ID\tKIND\tSTATE\tADDED\tNAME")
		for _, client := range all {
			state := "active"
			if !client.Revoked.IsZero() {
				state = "revoked"
			}
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", client.ID, client.Kind, state, client.Added.Format(time.DateOnly), client.Name)
		}
		return table.Flush()
	})
}

func revokeClient(ctx context.Context, c *cli.Command) error {
	if c.Args().Len() != 1 {
		return errors.New("which client? `medcard clients list` shows the ids")
	}
	return withAuthority(ctx, func(authority *oauth.Service) error {
		if err := authority.RevokeClient(ctx, identity.ClientID(c.Args().First())); err != nil {
			return err
		}
		fmt.Fprintln(c.Root().Writer, "Revoked. Its tokens are refused from now on.")
		return nil
	})
}

func fetchToken(ctx context.Context, c *cli.Command) error {
	if c.Args().Len() != 1 {
		return errors.New("which key? Name the file that `medcard clients add` wrote")
	}
	cfg, err := config.Load(os.Environ())
	if err != nil {
		return err
	}
	id, key, err := readClientKey(c.Args().First())
	if err != nil {
		return err
	}
	source := credential.New(credential.Client{ID: string(id), Key: key, TokenURL: cfg.URL() + oauth.TokenPath, Scopes: strings.Fields(c.String("scope"))})
	token, err := source.As(credential.Actor{Subject: c.String("person"), Name: c.String("name"), Role: c.String("role")})(ctx)
	if err == nil {
		fmt.Fprintln(c.Root().Writer, token)
	}
	return err
}

// withAuthority opens the configured database for one piece of work on the clients.
func withAuthority(ctx context.Context, work func(*oauth.Service) error) error {
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
	authority, err := server.Authority(db, custody, cfg.URL(), time.Now)
	if err == nil {
		_, err = db.Migrate(ctx) // add may be the first thing that is done with a new installation
	}
	if err == nil {
		err = work(authority)
	}
	return errors.Join(err, db.Close())
}
