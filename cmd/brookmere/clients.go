package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/brookmere/brookmere/internal/clientenv"
	"github.com/brookmere/brookmere/internal/node"
	"github.com/brookmere/brookmere/internal/nodeapi"
)

// clientFlags say which node the environment of a client leads to, and as whom.
type clientFlags struct {
	awsClient
	data, dir string
}

func (f *clientFlags) register(cmd *cobra.Command) {
	f.replaces = true
	f.awsClient.register(cmd)
	fs := cmd.Flags()
	fs.StringVar(&f.data, "data", node.DefaultConfig().Data, "`directory` of the node's data, with the credential that the node generated")
	fs.StringVar(&f.dir, "dir", "", "`directory` for the files that the variables point to (default: in the user's cache)")
}

// ask reads one of the node's own endpoints that are for everybody.
func (f *clientFlags) ask(ctx context.Context, path string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	r, err := f.request(ctx, http.MethodGet, path, nil, nil)
	if err != nil {
		return nil, err
	}
	return f.read(r)
}

// find asks the node what its clients need.
func (f *clientFlags) find(ctx context.Context) (n clientenv.Node, err error) {
	text, err := f.ask(ctx, "clients")
	if err != nil {
		return n, err
	}
	var about nodeapi.Clients
	if err := json.Unmarshal(text, &about); err != nil {
		return n, fmt.Errorf("%s is not a node: %w", f.endpoint, err)
	}
	n = clientenv.Node{URL: strings.TrimSuffix(f.endpoint, "/"), Region: f.region}
	if !f.regionKnown {
		n.Region = about.Region
	}
	if f.known {
		keys, err := f.config().Credentials.Retrieve(ctx)
		if err != nil {
			return n, err
		}
		n.AccessKey, n.SecretKey, n.SessionToken = keys.AccessKeyID, keys.SecretAccessKey, keys.SessionToken
	} else {
		n.AccessKey, n.SecretKey, n.SessionToken = "test", "test", ""
		made, err := node.ReadCredential(f.data)
		switch {
		case err == nil:
			n.AccessKey, n.SecretKey = made.AccessKeyID, made.SecretAccessKey
		case about.Credentials && errors.Is(err, fs.ErrNotExist):
			return n, errors.New("this node takes only credentials that it knows: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile with --profile or its data directory with --data")
		case about.Credentials:
			return n, err
		}
	}
	if about.Credentials {
		n.ProxyUser, n.ProxyPassword = n.AccessKey, node.ProxyPassword(n.SecretKey)
	}
	if about.Proxy {
		if n.Authority, err = f.ask(ctx, "ca.pem"); err != nil {
			return n, err
		}
	}
	return n, nil
}

// filesDir is where the files that an environment names are kept.
func (f *clientFlags) filesDir() (string, error) {
	if f.dir != "" {
		return filepath.Abs(f.dir)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	return clientenv.Dir(cache, f.endpoint)
}

func newEnvCommand() *cobra.Command {
	var (
		f              clientFlags
		shell, profile string
	)
	cmd := &cobra.Command{
		Use:   "env",
		Short: "Print environment variables that point AWS clients at a node",
		Long: `Print environment variables that make programs use a node instead of AWS. Current AWS SDKs
find it by AWS_ENDPOINT_URL. Programs without an endpoint setting (the Go SDK v1, the
JavaScript SDK v2, the Java SDK v1, old Terraform providers, browsers, curl) find it by the
node's forward proxy and its certificates.

With --config-profile it writes a profile for the AWS CLI and the SDKs instead. A profile
cannot contain a proxy.`,
		Example: `  eval "$(brookmere env)"
  brookmere env --shell fish | source
  brookmere env --shell github >> "$GITHUB_ENV"
  brookmere env --config-profile brookmere && aws --profile brookmere s3 ls`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if shell != "sh" && shell != "fish" && shell != "github" {
				return fmt.Errorf("--shell %s: want sh (for bash and zsh too), fish or github", shell)
			}
			n, err := f.find(cmd.Context())
			if err != nil {
				return err
			}
			if profile != "" {
				file := os.Getenv("AWS_CONFIG_FILE")
				if file == "" {
					home, err := os.UserHomeDir()
					if err != nil {
						return err
					}
					file = filepath.Join(home, ".aws", "config")
				}
				if err := clientenv.WriteProfile(file, profile, n, ""); err != nil {
					return fmt.Errorf("write the profile: %w", err)
				}
				fmt.Fprintf(cmd.OutOrStdout(), "Wrote the profile %s to %s.\n", profile, file)
				return nil
			}
			dir, err := f.filesDir()
			if err != nil {
				return err
			}
			e, err := clientenv.Make(n, dir, os.Environ())
			if err != nil {
				return err
			}
			_, err = io.WriteString(cmd.OutOrStdout(), e.Shell(shell))
			return err
		},
	}
	f.register(cmd)
	cmd.Flags().StringVar(&shell, "shell", "sh", "sh (for bash and zsh too), fish, or github for lines of $GITHUB_ENV")
	cmd.Flags().StringVar(&profile, "config-profile", "", "write a profile of this `name` to ~/.aws/config, or $AWS_CONFIG_FILE, instead")
	return cmd
}

func newCACommand() *cobra.Command {
	var f clientFlags
	cmd := &cobra.Command{
		Use:   "ca",
		Short: "The certificate authority of a node's proxy",
		Example: `  brookmere ca print > brookmere-ca.pem
  brookmere ca install`,
		Long: `The proxy of a node speaks TLS for AWS's names, with certificates of an authority that
the node makes at the first use. Its key is in the node's data directory, readable by its
owner alone; its certificate limits what it can sign to names of AWS and of this machine.`,
	}
	print := &cobra.Command{
		Use:     "print",
		Short:   "Print the authority's certificate",
		Example: `  brookmere ca print > brookmere-ca.pem`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			text, err := f.ask(cmd.Context(), "ca.pem")
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(text)
			return err
		},
	}
	f.register(print)
	install := &cobra.Command{
		Use:     "install",
		Short:   "Explain how to trust the authority; changes nothing",
		Example: `  brookmere ca install`,
		Long: `What "brookmere run" starts trusts the authority without this. To have everything on a
machine trust it, as root:

  Debian, Ubuntu   brookmere ca print > /usr/local/share/ca-certificates/brookmere.crt && update-ca-certificates
  Fedora, RHEL     brookmere ca print > /etc/pki/ca-trust/source/anchors/brookmere.pem && update-ca-trust
  macOS            brookmere ca print > /tmp/brookmere.pem && security add-trusted-cert -d -k /Library/Keychains/System.keychain /tmp/brookmere.pem
  Chromium, Linux  brookmere ca print > brookmere.pem && certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n brookmere -i brookmere.pem
  Java             brookmere ca print > brookmere.pem && keytool -importcert -cacerts -storepass changeit -noprompt -alias brookmere -file brookmere.pem

and take it away again when the node goes.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(print, install)
	return cmd
}
