package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
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
)

// clientsCommand is for operators: which organisations' systems may talk to this server. There is no route to it.
func clientsCommand() *cli.Command {
	return &cli.Command{
		Name: "clients", Usage: "register clinics and pharmacies, list and revoke them",
		Commands: []*cli.Command{
			{
				Name: "add", Usage: "register an organisation",
				Flags: []cli.Flag{
					&cli.StringFlag{Name: "kind", Usage: "clinic or pharmacy", Required: true},
					&cli.StringFlag{Name: "name", Usage: "as patients shall read it in \"who saw my card\"", Required: true},
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
var clientKinds = map[string]identity.ActorKind{identity.Clinic.String(): identity.Clinic, identity.Pharmacy.String(): identity.Pharmacy}

func addClient(ctx context.Context, c *cli.Command) error {
	wish := oauth.NewClient{Kind: clientKinds[c.String("kind")], Name: c.String("name")}
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
		key, public, err := oauth.NewClientKey()
		if err != nil {
			return err
		}
		wish.Keys = public
		client, err := authority.AddClient(ctx, wish)
		if err != nil {
			return err
		}
		key.Client = client.ID
		file := c.String("key")
		if file == "" {
			file = fmt.Sprintf("%s-%s.jwk.json", client.Kind, client.ID[len(client.ID)-12:])
		}
		if err := writeSecret(file, key.Document); err != nil { // a client whose key is nowhere is of no use
			return errors.Join(fmt.Errorf("write the key: %w", err), authority.RevokeClient(ctx, client.ID))
		}
		fmt.Fprintf(c.Root().Writer, `%s %q is client %s.
Its private key is in %s; give it to the organisation and keep no copy.
Try it:  medcard clients token %[4]s
`, client.Kind, client.Name, client.ID, file)
		return nil
	})
}

// writeSecret makes a file that only its owner can read. It never writes over another key.
func writeSecret(file string, content func() ([]byte, error)) error {
	text, err := content()
	if err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Clean(file), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(append(text, '\n'))
	return errors.Join(err, f.Sync(), f.Close())
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
	document, err := os.ReadFile(filepath.Clean(c.Args().First()))
	if err != nil {
		return fmt.Errorf("read the key: %w", err)
	}
	key, err := oauth.ParseClientKey(document)
	if err != nil {
		return err
	}
	token, err := requestToken(ctx, cfg.URL(), key, identity.Person{ID: c.String("person"), Name: c.String("name"), Role: c.String("role")}, c.String("scope"))
	if err == nil {
		fmt.Fprintln(c.Root().Writer, token)
	}
	return err
}

// requestToken does what an organisation's system does to get an access token.
func requestToken(ctx context.Context, address string, key oauth.ClientKey, who identity.Person, scope string) (string, error) {
	assertion, err := key.Assertion(address, who, time.Now())
	if err != nil {
		return "", err
	}
	form := url.Values{
		"grant_type": {"client_credentials"}, "scope": {scope}, "client_assertion": {assertion},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address+oauth.TokenPath, strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", fmt.Errorf("ask %s: %w", address, err)
	}
	defer response.Body.Close()
	var answer struct {
		Token string `json:"access_token"`
		Code  string `json:"error"`
		Text  string `json:"error_description"`
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, 64<<10)).Decode(&answer); err != nil {
		return "", fmt.Errorf("%s does not answer as a token endpoint does (status %d)", address, response.StatusCode)
	}
	if answer.Token == "" {
		return "", fmt.Errorf("%s: %s", answer.Code, answer.Text)
	}
	return answer.Token, nil
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
