package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/brookmere/brookmere/internal/clientenv"
	"github.com/brookmere/brookmere/internal/node"
)

func newRunCommand() *cobra.Command {
	var (
		f         clientFlags
		up, quiet bool
	)
	cmd := &cobra.Command{
		Use:   "run [flags] -- COMMAND [ARGUMENT...]",
		Short: "Run a command whose AWS clients use a node",
		Long: `Run a command (a script, terraform apply, a compiled program, a browser) unchanged in an
environment where requests to AWS reach a node, whichever SDK it uses. See "brookmere env
--help" for the variables. Java is led by JAVA_TOOL_OPTIONS, and a browser of the Chromium
family by arguments, with a profile of its own. The exit code is that of the command, as a
shell has it: 128 and the signal that ended it, 127 where there is no such command.

The node's proxy accepts AWS's host names, which all lead to the node, and the hosts in the
node's configuration (proxy.pass). Nothing reaches AWS by mistake.

With --up it starts a temporary node for the command, in memory and on a free port.`,
		Example: `  brookmere run -- python pipeline.py
  brookmere run -- terraform apply -auto-approve
  brookmere run --up -- go test ./...
  brookmere run -- mvn test
  brookmere run -- chromium https://ID.execute-api.us-east-1.amazonaws.com/prod/orders`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			dir, err := os.Getwd() // a node changes it
			if err != nil {
				return err
			}
			if up {
				n, err := startPrivateNode(cmd.Context())
				if err != nil {
					return err
				}
				defer func() { err = errors.Join(err, closeNode(n)) }()
				f.lead(n.URL())
			}
			n, err := f.find(cmd.Context())
			if err != nil {
				return err
			}
			files, err := f.filesDir()
			if up && f.dir == "" {
				files, err = os.MkdirTemp("", "brookmere-run-")
				defer os.RemoveAll(files)
			}
			if err != nil {
				return err
			}
			e, err := clientenv.Make(n, files, os.Environ())
			if err != nil {
				return err
			}
			if args, err = clientenv.Command(n, files, args); err != nil {
				return err
			}
			if !quiet {
				sayEnvironment(cmd.ErrOrStderr(), n)
			}
			return runCommand(cmd, args, dir, e.Apply(os.Environ()))
		},
	}
	f.register(cmd)
	cmd.Flags().SetInterspersed(false)
	cmd.Flags().BoolVar(&up, "up", false, "start a temporary node for the command, in memory")
	cmd.Flags().BoolVarP(&quiet, "quiet", "q", false, "do not print which variables are set")
	return cmd
}

// startPrivateNode starts a node for the time of one command.
func startPrivateNode(ctx context.Context) (*node.Node, error) {
	cfg := node.DefaultConfig()
	cfg.Data, cfg.Listen = node.InMemory, "127.0.0.1:0"
	log, err := (&nodeFlags{logLevel: "warn", logFormat: "text"}).logger()
	if err != nil {
		return nil, err
	}
	return node.Start(ctx, cfg, log)
}

func sayEnvironment(w io.Writer, n clientenv.Node) {
	fmt.Fprintf(w, "brookmere: AWS is %s in %s, as %s: AWS_ENDPOINT_URL, credentials and region are set.\n", n.URL, n.Region, n.AccessKey)
	if n.Authority == nil {
		fmt.Fprintf(w, "brookmere: the node is not a proxy (proxy.mode): clients that do not read AWS_ENDPOINT_URL reach AWS itself.\n")
		return
	}
	fmt.Fprintf(w, "brookmere: HTTPS_PROXY and certificates (AWS_CA_BUNDLE, SSL_CERT_FILE, NODE_EXTRA_CA_CERTS, REQUESTS_CA_BUNDLE, JAVA_TOOL_OPTIONS, PHP_INI_SCAN_DIR) are for what knows AWS's names alone: SDKs for Go v1, JavaScript v2 and Java v1, Terraform's provider before 5, curl.\n")
}

// notStartedError is why a command did not start.
type notStartedError struct{ err error }

func (e *notStartedError) Error() string { return "run: " + e.err.Error() }

func (e *notStartedError) Unwrap() error { return e.err }

// exitCode returns what the program exits with after an error, and whether the user has been told of it. For the command of
// "run" it is what a shell has for it: its own code, 128 and the number of the signal that ended it, 127 where
// there is no such command and 126 where it cannot be started.
func exitCode(err error) (code int, told bool) {
	var ended *exec.ExitError
	var notStarted *notStartedError
	switch {
	case err == nil:
		return 0, true
	case errors.As(err, &notStarted):
		if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
			return 127, false
		}
		return 126, false
	case !errors.As(err, &ended):
		return 1, false
	}
	if status, ok := ended.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal()), false
	}
	return ended.ExitCode(), true
}

// runCommand runs a command in dir with an environment, and returns its *exec.ExitError.
func runCommand(cmd *cobra.Command, args []string, dir string, environ []string) error {
	c := exec.Command(args[0], args[1:]...)
	c.Dir, c.Env = dir, environ
	c.Stdin, c.Stdout, c.Stderr = cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr()
	// A terminal sends Ctrl-C to the command too, which decides what it means.
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)
	if err := c.Start(); err != nil {
		return &notStartedError{err}
	}
	ended := make(chan struct{})
	defer close(ended)
	go func() {
		for {
			select {
			case s := <-signals:
				_ = c.Process.Signal(s) // an error says that it has ended
			case <-ended:
				return
			}
		}
	}()
	return c.Wait()
}
