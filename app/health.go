package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/medcard/medcard/app/config"
)

// healthCommand lets a container ask its own server, where there is no shell and no curl.
func healthCommand() *cli.Command {
	return &cli.Command{
		Name: "health", Usage: "ask the server on this machine whether it is ready; exit code 0 = yes",
		Action: func(ctx context.Context, c *cli.Command) error {
			cfg, err := config.Load(os.Environ())
			if err != nil {
				return err
			}
			if err := askReady(ctx, cfg.Scheme(), cfg.Listen); err != nil {
				return err
			}
			_, err = fmt.Fprintln(c.Root().Writer, "ready")
			return err
		},
	}
}

func askReady(ctx context.Context, scheme, listen string) error {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return err
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost" // it listens on every address, so on this one too
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://"+net.JoinHostPort(host, port)+"/readyz", nil)
	if err != nil {
		return err
	}
	// The certificate is for the name by which the world knows this machine. Nothing is told here but the question.
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} //nolint:gosec // as said
	defer client.CloseIdleConnections()
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("the server does not answer: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return errors.New("the server is not ready: " + response.Status)
	}
	return nil
}
