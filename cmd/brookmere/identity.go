package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/brookmere/brookmere/internal/authorize"
	"github.com/brookmere/brookmere/internal/node"
)

// identityFlags say which node is asked, and by whom.
type identityFlags struct {
	awsClient
	data string
}

func newIdentityCommand() *cobra.Command {
	var f identityFlags
	cmd := &cobra.Command{
		Use:   "identity",
		Short: "Explain access decisions, and create policies and tokens",
		Example: `  brookmere identity explain 8f14e45f-ceea-467f-9f3a-6b1d0f1f2f3a
  brookmere identity least-policy --role loader --since 1h
  brookmere identity token --subject repo:octo-org/octo-repo:ref:refs/heads/main`,
		Long: `Explain the decisions of a node that evaluates IAM policies (brookmere up --iam log, or
enforce), and sign identity tokens.

A node that has credentials or enforces policies answers only its owner: whoever can
read the key in its data directory (--data).`,
	}
	f.register(cmd)
	cmd.PersistentFlags().StringVar(&f.data, "data", node.DefaultConfig().Data, "`directory` of the node's data")
	cmd.AddCommand(newExplainCommand(&f), newLeastPolicyCommand(&f), newTokenCommand(&f))
	return cmd
}

// ask calls an endpoint of the node, as its owner where the data directory can be read.
func (f *identityFlags) ask(cmd *cobra.Command, method, path string, query url.Values, body io.Reader) ([]byte, error) {
	ctx, cancel := context.WithTimeout(cmd.Context(), 30*time.Second)
	defer cancel()
	r, err := f.request(ctx, method, "identity/"+path, query, body)
	if err != nil {
		return nil, err
	}
	if token, err := node.LocalToken(f.data); err == nil {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return f.read(r)
}

func newExplainCommand(f *identityFlags) *cobra.Command {
	return &cobra.Command{
		Use:     "explain REQUEST-ID",
		Short:   "Show the caller of a request and the statement that decided",
		Example: "  brookmere identity explain 8f14e45f-ceea-467f-9f3a-6b1d0f1f2f3a",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := f.ask(cmd, http.MethodGet, "explain", url.Values{"request": {args[0]}}, nil)
			if err != nil {
				return err
			}
			var list []authorize.Decision
			if err := json.Unmarshal(text, &list); err != nil {
				return fmt.Errorf("the node's answer: %w", err)
			}
			for _, d := range list {
				printDecision(cmd.OutOrStdout(), d)
			}
			return nil
		},
	}
}

func printDecision(w io.Writer, d authorize.Decision) {
	verdict := "allowed"
	switch {
	case !d.Allowed && d.Explicit:
		verdict = "denied by a statement"
	case !d.Allowed:
		verdict = "denied: no " + d.Source + " allows it"
	}
	fmt.Fprintf(w, "%s\n  who       %s\n  action    %s\n  resource  %s\n", verdict, d.Who, d.Action, d.Resource)
	if d.Policy != "" {
		statement := fmt.Sprintf("statement %d", d.Statement)
		if d.Sid != "" {
			statement += " (" + d.Sid + ")"
		}
		fmt.Fprintf(w, "  decided   %s of %s, a %s\n", statement, d.Policy, d.Source)
	} else if d.Allowed {
		fmt.Fprintln(w, "  decided   it is the account's root")
	}
	fmt.Fprintf(w, "  at        %s\n", d.Time.Format(time.RFC3339))
}

func newLeastPolicyCommand(f *identityFlags) *cobra.Command {
	var principal, since string
	cmd := &cobra.Command{
		Use:   "least-policy",
		Short: "Print the least policy that allows what a role or user has done",
		Example: `  brookmere identity least-policy --role arn:aws:iam::000000000000:role/loader --since 1h
  brookmere identity least-policy --role loader`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !strings.HasPrefix(principal, "arn:") {
				principal = "arn:aws:iam::" + node.DefaultConfig().Account + ":role/" + principal
			}
			text, err := f.ask(cmd, http.MethodGet, "least-policy", url.Values{"principal": {principal}, "since": {since}}, nil)
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(text)
			return err
		},
	}
	cmd.Flags().StringVar(&principal, "role", "", "`name` of a role of the account 000000000000, or ARN of a role or user")
	cmd.Flags().StringVar(&since, "since", "", "how far back to look, such as 1h (default: everything recorded)")
	cmd.MarkFlagRequired("role")
	return cmd
}

func newTokenCommand(f *identityFlags) *cobra.Command {
	var (
		issuer, subject, audience string
		lasts                     time.Duration
		claims                    map[string]string
	)
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Sign an identity token, as an OpenID Connect provider does",
		Long: `Sign an identity token for sts:AssumeRoleWithWebIdentity. The node takes tokens that it
has signed for any issuer, so that a deployment which has a token of GitHub Actions on
AWS runs here unchanged.`,
		Example: `  brookmere identity token --subject repo:octo-org/octo-repo:ref:refs/heads/main
  aws sts assume-role-with-web-identity --role-arn $ROLE --role-session-name deploy \
    --web-identity-token "$(brookmere identity token --subject repo:octo-org/octo-repo:ref:refs/heads/main)"`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			now := time.Now()
			all := map[string]any{}
			for k, v := range claims {
				all[k] = v
			}
			all["iss"], all["sub"], all["aud"] = issuer, subject, audience
			all["iat"], all["nbf"], all["exp"] = now.Unix(), now.Unix(), now.Add(lasts).Unix()
			body, err := json.Marshal(all)
			if err != nil {
				return err
			}
			text, err := f.ask(cmd, http.MethodPost, "token", nil, bytes.NewReader(body))
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(text)
			return err
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&issuer, "issuer", "https://token.actions.githubusercontent.com", "`URL` of the issuer")
	fs.StringVar(&subject, "subject", "", "subject of the token")
	fs.StringVar(&audience, "audience", "sts.amazonaws.com", "audience of the token")
	fs.DurationVar(&lasts, "lasts", 10*time.Minute, "how long the token is valid")
	fs.StringToStringVar(&claims, "claim", nil, "additional claim `name=value`; may be repeated")
	cmd.MarkFlagRequired("subject")
	return cmd
}
