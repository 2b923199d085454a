package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/brookmere/brookmere/internal/node"
)

// shutdownTime is how long requests in flight get to finish.
const shutdownTime = 10 * time.Second

func newUpCommand() *cobra.Command {
	var (
		file, readyFile string
		flags           nodeFlags
	)
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Start a node",
		Long: `Start a node: all services behind one address, its data below one directory.

On loopback it accepts any credentials. On any other address it verifies signatures, with
a credential that it generates at its first start, shows once and keeps in its data
directory (file credentials), or with those of the file given by --config:

  listen: 0.0.0.0:4566
  data: /var/lib/brookmere
  credentials:
    - access_key_id: AKIAEXAMPLE
      secret_access_key: a-long-secret
      account: "123456789012"

The keys of that file (a dot separates section and key, [] marks the entries of a list):

` + node.KeysHelp() + `
A node stops on Ctrl-C or SIGTERM. Killing it loses nothing that it has acknowledged.`,
		Example: `  brookmere up
  brookmere up --data /srv/lake --listen 127.0.0.1:4566
  brookmere up --data :memory: --account 123456789012     # for a test suite: keeps nothing
  brookmere up --listen 0.0.0.0:4566                       # for containers: makes a credential
  brookmere up --listen 0.0.0.0:4566 --insecure            # takes any, from anybody`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg := node.DefaultConfig()
			if file != "" {
				var err error
				if cfg, err = node.ReadConfig(file); err != nil {
					return err
				}
			}
			if err := flags.override(&cfg); err != nil {
				return err
			}
			log, err := flags.logger()
			if err != nil {
				return err
			}
			if readyFile != "" {
				// A node changes the working directory.
				if readyFile, err = filepath.Abs(readyFile); err != nil {
					return err
				}
			}
			return up(cmd.Context(), cfg, readyFile, log)
		},
	}
	cmd.Flags().StringVar(&file, "config", "", "YAML `file` with the node's configuration")
	cmd.Flags().StringVar(&readyFile, "ready-file", "", "`file` to write the node's URL to once it accepts requests")
	flags.register(cmd)
	return cmd
}

// up runs a node until ctx ends or it fails.
func up(ctx context.Context, cfg node.Config, readyFile string, log *slog.Logger) error {
	n, err := node.Start(ctx, cfg, log)
	if err != nil {
		return err
	}
	if readyFile != "" {
		if err := writeReady(readyFile, n.URL()); err != nil {
			return errors.Join(err, closeNode(n))
		}
	}
	select {
	case <-ctx.Done():
		log.Info("stopping")
	case err = <-n.Failed():
	}
	return errors.Join(err, closeNode(n))
}

// writeReady writes the URL in one step: who sees the file sees all of it.
func writeReady(file, url string) error {
	part := file + ".part"
	if err := os.WriteFile(part, []byte(url+"\n"), 0o644); err != nil {
		return fmt.Errorf("--ready-file: %w", err)
	}
	if err := os.Rename(part, file); err != nil {
		return fmt.Errorf("--ready-file: %w", err)
	}
	return nil
}

func closeNode(n *node.Node) error {
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTime)
	defer cancel()
	return n.Close(ctx)
}

// nodeFlags are the flags of every command that starts a node: those of the configuration's
// keys that have one, and of the log.
type nodeFlags struct {
	keys                []*keyFlag
	logLevel, logFormat string
}

// keyFlag is the flag of a key of the configuration.
type keyFlag struct {
	node.Key
	text  string
	given bool
}

func (f *keyFlag) String() string { return f.text }

func (f *keyFlag) Type() string {
	switch kind := f.Key.Type(); kind {
	case "text":
		return "string"
	case "true or false":
		return "bool"
	default:
		return kind
	}
}

func (f *keyFlag) Set(text string) error {
	var scratch node.Config
	if err := f.Key.Set(&scratch, text); err != nil {
		return err
	}
	f.text, f.given = text, true
	return nil
}

func (f *nodeFlags) register(cmd *cobra.Command) {
	fs := cmd.Flags()
	for _, k := range node.Keys() {
		if k.Flag == "" {
			continue
		}
		value := &keyFlag{Key: k, text: k.Default}
		f.keys = append(f.keys, value)
		if flag := fs.VarPF(value, k.Flag, "", k.Usage()); value.Type() == "bool" {
			flag.NoOptDefVal = "true"
			flag.DefValue = "false"
		}
	}
	fs.StringVar(&f.logLevel, "log-level", "info", "debug, info, warn or error; debug shows every request")
	fs.StringVar(&f.logFormat, "log-format", "text", "text or json")
}

// override puts the flags that were given over what a file says.
func (f *nodeFlags) override(cfg *node.Config) error {
	for _, k := range f.keys {
		if k.given {
			if err := k.Key.Set(cfg, k.text); err != nil {
				return fmt.Errorf("--%s %w", k.Flag, err)
			}
		}
	}
	return nil
}

func (f *nodeFlags) logger() (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(f.logLevel)); err != nil {
		return nil, fmt.Errorf("--log-level %s: want debug, info, warn or error", f.logLevel)
	}
	opts := &slog.HandlerOptions{Level: level}
	switch f.logFormat {
	case "text":
		return slog.New(slog.NewTextHandler(os.Stderr, opts)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(os.Stderr, opts)), nil
	}
	return nil, fmt.Errorf("--log-format %s: want text or json", f.logFormat)
}
