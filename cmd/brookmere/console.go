package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/spf13/cobra"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/console"
	"github.com/brookmere/brookmere/internal/console/remote"
	"github.com/brookmere/brookmere/internal/dashboardfile"
	"github.com/brookmere/brookmere/internal/generate"
	"github.com/brookmere/brookmere/internal/node"
	"github.com/brookmere/brookmere/internal/nodeapi"
	"github.com/brookmere/brookmere/internal/server"
)

func newConsoleCommand() *cobra.Command {
	var client awsClient
	var listen string
	cmd := &cobra.Command{
		Use:   "console",
		Short: "Show the console of AWS itself, or of a node elsewhere, on this machine",
		Long: `Serve the console on this machine for the account that the AWS credentials here are of: with
--endpoint aws for AWS itself, else for the node of --endpoint. The page gets no keys; what
it asks is signed here. Only a browser that opens the printed address is let in.

A node has a console of its own, at /console of its address.`,
		Example: `  brookmere console --endpoint aws --profile work --region eu-west-1
  brookmere console --endpoint https://node.example.com:4566`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return serveConsole(cmd, &client, listen) },
	}
	client.register(cmd)
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:4567", "loopback `address` to listen on, host:port; port 0 picks a free one")
	return cmd
}

func serveConsole(cmd *cobra.Command, client *awsClient, listen string) error {
	host, _, err := net.SplitHostPort(listen)
	if ip := net.ParseIP(host); err != nil || host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("--listen %s: whoever speaks to this server acts as you, so it listens on loopback addresses alone", listen)
	}
	ctx, stop := context.WithTimeout(cmd.Context(), 30*time.Second)
	defer stop()
	who, err := sts.NewFromConfig(client.config()).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return fmt.Errorf("who the credentials are of: %w", client.plain(err))
	}
	files, err := console.New(console.Node{Version: node.Version, Open: true, Account: aws.ToString(who.Account), Region: client.region, Services: consoleServices, Remote: true})
	if err != nil {
		return err
	}
	cfg := remote.Config{Credentials: client.config().Credentials, Files: files, Own: consoleEndpoints()}
	if client.endpoint != realAWS {
		cfg.Endpoint, cfg.Transport = client.endpoint, direct.Transport
	}
	handler, err := remote.New(cfg)
	if err != nil {
		return fmt.Errorf("--endpoint: %w", err)
	}
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "The console of %s in account %s: %s\nCtrl-C ends it.\n", client.endpoint, aws.ToString(who.Account), handler.Address(l.Addr().String()))
	s := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 256 << 10}
	defer context.AfterFunc(cmd.Context(), func() { _ = s.Close() })()
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// consoleServices are those that pages are there for, by the names that a node's health has for them.
var consoleServices = []string{"kinesis", "firehose", "lambda", "dynamodb", "glue", "athena", "apigateway", "kinesisanalytics", "sqs", "sns", "logs", "cloudwatch", "iam", "sts", "s3"}

// consoleEndpoints are those of a node's own endpoints that are of no node.
func consoleEndpoints() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+server.NodePrefix+"health", func(w http.ResponseWriter, _ *http.Request) {
		h := nodeapi.Health{Status: "ok", Version: node.Version, Services: map[string]string{}}
		for name := range slices.Values(consoleServices) {
			h.Services[name] = "running"
		}
		awswire.WriteJSON(w, h)
	})
	mux.Handle("GET "+server.NodePrefix+"generate", new(generate.Streams))
	mux.HandleFunc("GET "+server.NodePrefix+"generators", generate.ServeBuiltins)
	mux.HandleFunc("GET "+server.NodePrefix+"sql-functions", node.ServeFunctions)
	mux.HandleFunc("POST "+server.NodePrefix+"dashboard-file", dashboardfile.Serve)
	return mux
}
