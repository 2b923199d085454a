package main

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/spf13/cobra"

	"github.com/brookmere/brookmere/internal/nodeapi"
)

// functions asks a running node about its functions, over Lambda's API and the node's own
// endpoints.
type functions struct {
	awsClient
	account string
	json    bool
}

func newFunctionsCommand() *cobra.Command {
	f := new(functions)
	cmd := &cobra.Command{
		Use:   "functions",
		Short: "List, invoke, develop and debug the functions of a running node",
		Long: `Functions (Lambda) run as processes of the node's machine: Python, Node and any
program that speaks the Lambda Runtime API. The SDKs that AWS's runtimes include, boto3
and the AWS SDKs for JavaScript, are installed once by "setup", or found on the machine.`,
		Example: `  brookmere functions setup
  brookmere functions ls
  brookmere functions invoke orders --payload '{"id": 1}'
  brookmere functions logs orders --follow
  brookmere functions dev ./orders
  brookmere functions dev orders ./src --runtime python3.12 --handler app.handler
  brookmere functions attach orders -- go run .`,
	}
	f.register(cmd)
	fs := cmd.PersistentFlags()
	fs.StringVar(&f.account, "account", "", "`account` of the function (default: the node's)")
	fs.BoolVar(&f.json, "json", false, "print JSON")
	cmd.AddCommand(f.listCommand(), f.logsCommand(), f.invokeCommand(), f.attachCommand(), f.devCommand(), newSetupCommand())
	completeArguments(cmd, f.complete(functionNames), "logs", "invoke", "attach", "dev")
	return cmd
}

// query names the region and account of the functions that an endpoint is asked about.
func (f *functions) query() url.Values {
	q := url.Values{"region": {f.region}}
	if f.account != "" {
		q.Set("account", f.account)
	}
	return q
}

// client is Lambda's API at the node.
func (f *functions) client() *lambda.Client {
	cfg := f.config()
	if !f.known && f.account != "" {
		cfg.Credentials = credentials.NewStaticCredentialsProvider(f.account, "test", "")
	}
	return lambda.NewFromConfig(cfg, func(o *lambda.Options) {
		o.RetryMaxAttempts = 1
		o.HTTPClient = &http.Client{Timeout: 16 * time.Minute}
	})
}

func (f *functions) listCommand() *cobra.Command {
	return &cobra.Command{
		Use: "ls", Short: "List functions with their processes and sources", Args: cobra.NoArgs,
		Example: `  brookmere functions ls
  brookmere functions ls --json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			resp, err := f.get(cmd.Context(), "functions", f.query())
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			var list []nodeapi.Function
			if err := json.NewDecoder(resp.Body).Decode(&list); err != nil {
				return err
			}
			if f.json {
				return printJSON(cmd.OutOrStdout(), list)
			}
			rows := [][]string{{"NAME", "RUNTIME", "HANDLER", "MEMORY", "TIMEOUT", "MODIFIED", "PROCESSES", "SOURCES"}}
			for _, l := range list {
				processes := fmt.Sprint(len(l.Instances))
				for _, i := range l.Instances {
					if i.Attached {
						processes = "attached"
					}
				}
				var sources []string
				for _, m := range l.Mappings {
					sources = append(sources, m[strings.LastIndexByte(m, ':')+1:])
				}
				rows = append(rows, []string{l.Name, l.Runtime, l.Handler, fmt.Sprint(l.Memory, " MB"), fmt.Sprint(l.Timeout, " s"), ago(l.Modified), processes, strings.Join(sources, ", ")})
			}
			if len(list) == 0 {
				fmt.Fprintln(cmd.OutOrStdout(), "There are no functions. Make one with: brookmere functions dev DIR, or aws lambda create-function")
				return nil
			}
			printTable(cmd.OutOrStdout(), rows)
			return nil
		},
	}
}

func (f *functions) logsCommand() *cobra.Command {
	var follow bool
	cmd := &cobra.Command{
		Use: "logs NAME", Short: "Print a function's recent log lines", Args: cobra.ExactArgs(1),
		Example: `  brookmere functions logs orders
  brookmere functions logs orders --follow`,
		RunE: func(cmd *cobra.Command, args []string) error {
			query := f.query()
			if follow {
				query.Set("follow", "true")
			}
			resp, err := f.get(cmd.Context(), "functions/"+url.PathEscape(args[0])+"/logs", query)
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			for dec := json.NewDecoder(resp.Body); ; {
				var e nodeapi.LogLine
				if err := dec.Decode(&e); errors.Is(err, io.EOF) || cmd.Context().Err() != nil {
					return nil
				} else if err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s %s\n", e.Time.Local().Format("15:04:05.000"), strings.ReplaceAll(e.Message, "\r", "\n    "))
			}
		},
	}
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "keep printing new lines")
	return cmd
}

func (f *functions) invokeCommand() *cobra.Command {
	var payload string
	var event, tail bool
	cmd := &cobra.Command{
		Use: "invoke NAME", Short: "Invoke a function and print its result", Args: cobra.ExactArgs(1),
		Example: `  brookmere functions invoke orders --payload '{"id": 1}'
  brookmere functions invoke orders --payload @event.json --log
  brookmere functions invoke orders --event`,
		Long: `Invoke a function and print its result. The exit status is 1 if the function failed.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			body := []byte(payload)
			if name, ok := strings.CutPrefix(payload, "@"); ok {
				var err error
				if name == "-" {
					body, err = io.ReadAll(cmd.InOrStdin())
				} else {
					body, err = os.ReadFile(name)
				}
				if err != nil {
					return fmt.Errorf("--payload: %w", err)
				}
			}
			in := &lambda.InvokeInput{FunctionName: &args[0], Payload: body}
			if event {
				in.InvocationType = types.InvocationTypeEvent
			} else if tail {
				in.LogType = types.LogTypeTail
			}
			out, err := f.client().Invoke(cmd.Context(), in)
			if err != nil {
				return f.plain(err)
			}
			if out.LogResult != nil {
				if log, err := base64.StdEncoding.DecodeString(*out.LogResult); err == nil {
					fmt.Fprint(cmd.ErrOrStderr(), strings.ReplaceAll(string(log), "\r", "\n    "))
				}
			}
			if len(out.Payload) > 0 {
				fmt.Fprintln(cmd.OutOrStdout(), string(out.Payload))
			}
			if out.FunctionError != nil {
				return errors.New("the function failed")
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&payload, "payload", "{}", "`JSON` payload; @FILE reads it from a file, @- from standard input")
	cmd.Flags().BoolVar(&event, "event", false, "invoke asynchronously: return at once; failures are retried")
	cmd.Flags().BoolVar(&tail, "log", false, "also print the last 4 KB of its log")
	return cmd
}

func (f *functions) attachCommand() *cobra.Command {
	return &cobra.Command{
		Use: "attach NAME [-- COMMAND...]", Short: "Let your own process handle a function's invocations", Args: cobra.MinimumNArgs(1),
		Long: `Let a process that you start, for instance in a debugger, handle the invocations of a
function instead of the node's own processes, while this command runs. A command is
started with the function's environment; without one, the variables are printed.`,
		Example: `  brookmere functions attach orders -- go run .`,
		RunE: func(cmd *cobra.Command, args []string) error {
			req, err := f.request(cmd.Context(), http.MethodPost, "functions/"+url.PathEscape(args[0])+"/attach", f.query(), nil)
			if err != nil {
				return err
			}
			resp, err := f.do(req)
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			r := bufio.NewReader(resp.Body)
			var at nodeapi.Attachment
			line, err := r.ReadBytes('\n')
			if err != nil {
				return err
			}
			if err := json.Unmarshal(line, &at); err != nil {
				return err
			}
			env := append(at.Environment, "AWS_LAMBDA_RUNTIME_API="+at.Address)
			if len(args) == 1 {
				for _, kv := range env {
					name, value, _ := strings.Cut(kv, "=")
					fmt.Fprintf(cmd.OutOrStdout(), "export %s='%s'\n", name, strings.ReplaceAll(value, "'", `'\''`))
				}
				_, err := io.Copy(io.Discard, r) // until this command or the node ends
				if cmd.Context().Err() != nil {
					return nil
				}
				return err
			}
			child := exec.CommandContext(cmd.Context(), args[1], args[2:]...)
			child.Env = append(os.Environ(), env...)
			child.Stdin, child.Stdout, child.Stderr = cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr()
			child.Cancel = func() error { return child.Process.Signal(os.Interrupt) }
			child.WaitDelay = 5 * time.Second
			return child.Run()
		},
	}
}
