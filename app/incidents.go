package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"
	"github.com/urfave/cli/v3"

	"github.com/medcard/medcard/app/alerting"
	"github.com/medcard/medcard/app/server"
	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/incident"
)

// incidentsCommand is for operators: what happened to health data that should not have.
func incidentsCommand() *cli.Command {
	as := &cli.StringFlag{Name: "as", Usage: "your name, as it is remembered", Required: true}
	return &cli.Command{
		Name: "incidents", Usage: "write down what happened to health data, tell those concerned, keep the law's terms",
		Description: `Within 24 hours of when an incident was found the supervisory authority hears what happened, within 72 what the inquiry found
out (152-FZ, article 21). This remembers the terms and what was done; it sends the authority nothing.`,
		Commands: []*cli.Command{
			{Name: "list", Usage: "list incidents with their terms, those with something owed first", Action: listIncidents},
			{
				Name: "open", Usage: "write one down; nobody is told yet", Action: openIncident,
				Flags: []cli.Flag{
					&cli.StringFlag{Name: "found", Usage: "when somebody saw that it had happened, e.g. 2026-11-30T09:00:00+03:00", Required: true},
					&cli.StringFlag{Name: "ru", Usage: "to those concerned, in Russian: what happened, what to do; nobody's data", Required: true},
					&cli.StringFlag{Name: "en", Usage: "the same in English", Required: true}, as,
				},
			},
			{
				Name: "tell", Usage: "tell those whom it concerns; given again it goes on where it was stopped", ArgsUsage: "INCIDENT", Action: tellOfIncident,
				Flags: []cli.Flag{
					&cli.StringFlag{Name: "cards", Usage: "file with a card's id in each line: whoever owns it or acts for its patient"},
					&cli.BoolFlag{Name: "all", Usage: "everybody who has an account"},
				},
			},
			{
				Name: "done", Usage: "note that the authority has the report, or the conclusion", ArgsUsage: "INCIDENT report|conclude", Action: doneOfIncident,
				Flags: []cli.Flag{as, &cli.StringFlag{Name: "at", Usage: "when; now if it is not said"}},
			},
		},
	}
}

func listIncidents(ctx context.Context, c *cli.Command) error {
	return withAlerting(ctx, c, func(alert *alerting.Service) error {
		list, err := alert.List(ctx)
		if err != nil {
			return err
		}
		now := time.Now()
		table := tabwriter.NewWriter(c.Root().Writer, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "INCIDENT\tFOUND\tREPORT\tCONCLUSION\tCONCERNS\tMAILED\tREAD")
		for _, l := range list {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%d\t%d\t%d\n", l.ID, l.Found.Format(time.RFC3339), howStands(l.Incident, incident.Report, now), howStands(l.Incident, incident.Conclude, now),
				l.Concerned, l.Mailed, l.Read)
		}
		return table.Flush()
	})
}

// howStands says how a duty stands.
func howStands(i incident.Incident, d incident.Duty, now time.Time) string {
	text := "by " + i.Due(d).Format(time.RFC3339)
	if at, done := i.Done[d]; done {
		text = "done " + at.Format(time.RFC3339)
	}
	if i.Late(d, now) {
		text += ", LATE"
	}
	return text
}

func openIncident(ctx context.Context, c *cli.Command) error {
	found, err := instant(c.String("found"))
	if err != nil {
		return err
	}
	return withAlerting(ctx, c, func(alert *alerting.Service) error {
		i, err := alert.Open(ctx, found, c.String("as"), map[account.Language]string{account.Russian: c.String("ru"), account.English: c.String("en")})
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(c.Root().Writer, "%s\nThe authority has to have the report by %s, the conclusion by %s.\nTell those concerned: medcard incidents tell %[1]s --cards FILE\n",
			i.ID, i.Due(incident.Report).Format(time.RFC3339), i.Due(incident.Conclude).Format(time.RFC3339))
		return err
	})
}

func instant(text string) (time.Time, error) {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return at, errors.New("write the time as 2026-11-30T09:00:00+03:00")
	}
	return at, nil
}

func tellOfIncident(ctx context.Context, c *cli.Command) error {
	id, err := incidentNamed(c, 1)
	if err != nil {
		return err
	}
	file, all := c.String("cards"), c.Bool("all")
	if all == (file != "") {
		return errors.New("whom does it concern? Say --cards FILE or --all")
	}
	return withAlerting(ctx, c, func(alert *alerting.Service) error {
		var told int
		var err error
		if all {
			screen := newProgress(os.Stderr, 0)
			told, err = alert.ConcernAll(ctx, id, func(done, told int) { screen.note(fmt.Sprintf("%d accounts, %d told", done, told)) })
			screen.clear()
		} else {
			var cards []card.ID
			if cards, err = readCards(file); err != nil {
				return err
			}
			screen := newProgress(os.Stderr, len(cards))
			told, err = alert.Concern(ctx, id, cards, func(int, int) { screen.step() })
			screen.clear()
		}
		if err != nil {
			return fmt.Errorf("%d people were told, give the command again to go on: %w", told, err)
		}
		_, err = fmt.Fprintf(c.Root().Writer, "%d people are told who were not before.\n", told)
		return err
	})
}

// readCards reads ids, one a line, and refuses the whole file for one that is none: a line that was left out is somebody who is not told.
func readCards(name string) (list []card.ID, err error) {
	file, err := os.Open(filepath.Clean(name))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for n := 1; lines.Scan(); n++ {
		id := strings.ToLower(strings.TrimSpace(lines.Text()))
		if id == "" {
			continue
		}
		if uuid.Validate(id) != nil {
			return nil, fmt.Errorf("line %d of the file is no card's id; nobody was told", n)
		}
		list = append(list, card.ID(id))
	}
	return list, lines.Err()
}

func doneOfIncident(ctx context.Context, c *cli.Command) error {
	id, err := incidentNamed(c, 2)
	if err != nil {
		return err
	}
	at := time.Now()
	if c.String("at") != "" {
		if at, err = instant(c.String("at")); err != nil {
			return err
		}
	}
	return withAlerting(ctx, c, func(alert *alerting.Service) error {
		d := incident.Duty(c.Args().Get(1))
		i, err := alert.Do(ctx, id, d, at, c.String("as"))
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(c.Root().Writer, "%s: %s\n", d, howStands(i, d, time.Now()))
		return err
	})
}

func incidentNamed(c *cli.Command, words int) (incident.ID, error) {
	if id := c.Args().First(); c.Args().Len() == words && uuid.Validate(id) == nil {
		return incident.ID(strings.ToLower(id)), nil
	}
	return "", errors.New("which incident? `medcard incidents list` shows them")
}

func withAlerting(ctx context.Context, c *cli.Command, work func(*alerting.Service) error) error {
	cfg, custody, err := openCustody()
	if err != nil {
		return err
	}
	return withDatabase(ctx, cfg, custody, func(db *store.DB) error {
		alert, err := server.Alert(db, cfg, c.Root().Writer, time.Now)
		if err != nil {
			return err
		}
		return work(alert)
	})
}
