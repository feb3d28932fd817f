// Command medcard is the server of the electronic medical card, and its tools.
//
// Main only reads flags and signals and sets the exit code; everything else is in the packages below.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/urfave/cli/v3"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := command().Run(ctx, os.Args)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "medcard:", err)
		os.Exit(1)
	}
}

func command() *cli.Command {
	return &cli.Command{
		Name:            "medcard",
		Usage:           "the backend of an electronic medical card",
		Version:         version(),
		DefaultCommand:  "serve",
		HideHelpCommand: true,
		Description:     "Without a command it serves. Settings come from the environment:\n\n" + settings(),
		ExitErrHandler:  func(context.Context, *cli.Command, error) {}, // main prints the error, once
		Commands: []*cli.Command{
			serveCommand(),
			demoCommand(),
			clientsCommand(),
			keysCommand(),
			receiptsCommand(),
			emergenciesCommand(),
			accountsCommand(),
			ordersCommand(),
			ownersCommand(),
			documentsCommand(),
			incidentsCommand(),
			auditCommand(),
			importCommand(),
			scanCommand(),
			verifyCommand(),
			migrateCommand(),
			backupCommand(),
			restoreCommand(),
			epochCommand(),
			healthCommand(),
			versionCommand(),
		},
	}
}

func versionCommand() *cli.Command {
	return &cli.Command{
		Name: "version", Usage: "print the version",
		Action: func(_ context.Context, c *cli.Command) error {
			_, err := fmt.Fprintln(c.Root().Writer, version())
			return err
		},
	}
}

// release is set by the linker: -X main.release=1.2.3.
var release string

func version() string {
	if release != "" {
		return release
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return "dev-" + s.Value[:12]
		}
	}
	return "dev"
}
