package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/urfave/cli/v3"

	"github.com/medcard/medcard/app/config"
	"github.com/medcard/medcard/app/server"
)

func serveCommand() *cli.Command {
	return &cli.Command{Name: "serve", Usage: "serve the card (the default)", Action: func(ctx context.Context, c *cli.Command) error {
		if c.Args().Present() {
			return fmt.Errorf("there is no command %q; `medcard --help` lists them", c.Args().First())
		}
		cfg, err := config.Load(os.Environ())
		if err != nil {
			return err
		}
		if err := cfg.Serves(); err != nil {
			return err
		}
		return serve(ctx, cfg, c.Root().Writer)
	}}
}

func serve(ctx context.Context, cfg config.Config, console io.Writer) error {
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level(cfg.LogLevel)}))
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", cfg.Listen)
	if err != nil {
		if errors.Is(err, syscall.EADDRINUSE) {
			return fmt.Errorf("something already listens on %s; stop it or set MEDCARD_LISTEN to another address", cfg.Listen)
		}
		return fmt.Errorf("cannot listen on %s: %w", cfg.Listen, err)
	}
	if cfg.PublicURL == "" {
		cfg.PublicURL = cfg.Scheme() + "://" + listener.Addr().String() // the port may have been 0
	}
	s, err := server.New(ctx, cfg, server.Options{Version: version(), Log: log, Console: console})
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	welcome(console, cfg)
	return s.Run(ctx, listener)
}

func welcome(w io.Writer, cfg config.Config) {
	database := "SQLite in " + cfg.Database()
	if cfg.Postgres != "" {
		database = "PostgreSQL"
	}
	url := cfg.URL()
	fmt.Fprintf(w, `Medcard %s serves from %s.

  API          %[3]s/openapi.json
  Docs         %[3]s/docs
  Status       %[3]s/status

There are no accounts yet that you did not make. The first ones:

  a patient    curl -s %[3]s/v1/auth/register -H 'Content-Type: application/json' \
                 -d '{"phone":"+79161234567","email":"anna@example.org","password":"a long password of yours"}'
               %[4]s
  a clinic     medcard clients add --kind clinic --name 'Clinic No. 1'
  a pharmacy   medcard clients add --kind pharmacy --name 'Pharmacy No. 1'

Ctrl-C stops it.
`, version(), database, url, codes(cfg))
}

// codes says where one-time codes go.
func codes(cfg config.Config) string {
	switch {
	case cfg.SMS == "" && cfg.SMTP == "":
		return "the one-time codes appear here on the console"
	case cfg.SMS == "":
		return "codes by SMS appear here on the console, the others go by mail: set MEDCARD_SMS"
	case cfg.SMTP == "":
		return "codes by mail appear here on the console, the others go by SMS: set MEDCARD_SMTP"
	}
	return "the one-time codes go by SMS and by mail"
}

// settings lists the environment variables for --help.
func settings() string {
	names, help := config.Names()
	var b strings.Builder
	for _, name := range names {
		fmt.Fprintf(&b, "%s\n    %s\n", name, help[name])
	}
	return b.String()
}

func level(word string) slog.Level {
	var l slog.Level
	if err := l.UnmarshalText([]byte(word)); err != nil {
		return slog.LevelInfo
	}
	return l
}
