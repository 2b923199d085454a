package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// sqlCommand runs SQL over the Athena API, so that it does the same with a node and with AWS.
type sqlCommand struct {
	awsClient
	workgroup, database, location string
	format, file                  string

	client *sqlClient
	out    io.Writer
	errOut io.Writer
}

func newSQLCommand() *cobra.Command {
	s := &sqlCommand{}
	cmd := &cobra.Command{
		Use:   "sql [STATEMENT]",
		Short: "Run SQL: one statement, a file of them, or a shell",
		Long: `Run SQL over the Athena API of a node, or of AWS with --endpoint aws.

With a statement, or a file of statements that end in semicolons, the results go to standard
output. Without either it is a shell with history and completion of table and column names;
statements may span lines and end with a semicolon, Ctrl-C cancels the one that runs.`,
		Example: `  brookmere sql "SELECT count(*) FROM demo.data"
  brookmere sql -f tables.sql --database demo
  brookmere sql --output parquet "SELECT * FROM demo.data" > data.parquet
  brookmere sql --database demo                                   # a shell`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			s.out, s.errOut = cmd.OutOrStdout(), cmd.ErrOrStderr()
			return s.plain(s.run(cmd, args))
		},
	}
	s.register(cmd)
	f := cmd.Flags()
	f.StringVar(&s.workgroup, "workgroup", "primary", "workgroup")
	f.StringVarP(&s.database, "database", "d", "default", "`name` of the database for unqualified table names")
	f.StringVar(&s.location, "output-location", "", "s3:// `location` of results (default: the workgroup's, or a bucket of their own)")
	f.StringVarP(&s.format, "output", "o", "", "table, csv, json (a row a line) or parquet (default: table on a terminal, csv elsewhere)")
	f.StringVarP(&s.file, "file", "f", "", "`file` of statements; - for standard input")
	_ = cmd.RegisterFlagCompletionFunc("database", s.complete(databaseNames)) // there is such a flag
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"table", "csv", "json", "parquet"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func isTerminal(v any) bool {
	f, ok := v.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

func (s *sqlCommand) run(cmd *cobra.Command, args []string) (err error) {
	terminal := isTerminal(s.out)
	if s.format == "" {
		if s.format = "csv"; terminal {
			s.format = "table"
		}
	}
	if _, ok := resultFormats[s.format]; !ok {
		return fmt.Errorf("--output %s: want table, csv, json or parquet", s.format)
	}
	if s.format == "parquet" && terminal {
		return errors.New("--output parquet: a terminal cannot show it: send the output to a file")
	}
	if s.file != "" && len(args) > 0 {
		return errors.New("give a statement or --file, not both")
	}
	s.client = newSQLClient(&s.awsClient)
	s.client.workgroup, s.client.database, s.client.location = s.workgroup, strings.ToLower(s.database), s.location
	text := ""
	switch {
	case len(args) > 0:
		text = args[0]
	case s.file == "-" || s.file == "" && !isTerminal(cmd.InOrStdin()):
		b, err := io.ReadAll(cmd.InOrStdin())
		if err != nil {
			return err
		}
		text = string(b)
	case s.file != "":
		b, err := os.ReadFile(s.file)
		if err != nil {
			return err
		}
		text = string(b)
	default:
		return s.shell(cmd.Context())
	}
	return s.script(cmd.Context(), text)
}

// script runs statements one after the other and ends at the first that fails.
func (s *sqlCommand) script(ctx context.Context, text string) error {
	statements, rest := splitStatements(text)
	if strings.TrimSpace(rest) != "" {
		statements = append(statements, rest)
	}
	if len(statements) == 0 {
		return errors.New("there is no statement to run")
	}
	if s.format == "parquet" && len(statements) > 1 {
		return errors.New("--output parquet: one statement at a time")
	}
	for _, text := range statements {
		if err := s.statement(ctx, text); err != nil {
			if len(statements) > 1 {
				return fmt.Errorf("%s: %w", shorten(text), err)
			}
			return err
		}
	}
	return nil
}

func shorten(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if r := []rune(text); len(r) > 60 {
		text = string(r[:57]) + "..."
	}
	return text
}

// statement runs one statement and prints its result. Ctrl-C cancels it.
func (s *sqlCommand) statement(ctx context.Context, text string) error {
	if name, ok := useStatement(text); ok {
		return s.client.use(ctx, name)
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	q, err := s.client.query(ctx, text)
	if err != nil {
		return err
	}
	if q.columns == nil { // nothing to show
		if s.format == "table" {
			fmt.Fprintln(s.out, q.outcome())
		}
		return nil
	}
	w := resultFormats[s.format](s.out)
	rows, err := s.client.rows(ctx, q, w)
	if err != nil {
		return err
	}
	if s.format == "table" {
		fmt.Fprintf(s.out, "(%s, %s)\n", plural(rows, "row"), q.timing())
	}
	return nil
}

func plural(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// useStatement is USE database, which the API does not have.
func useStatement(text string) (string, bool) {
	words := strings.Fields(strings.TrimSuffix(strings.TrimSpace(text), ";"))
	if len(words) == 2 && strings.EqualFold(words[0], "use") {
		return strings.ToLower(strings.Trim(words[1], "\"`")), true
	}
	return "", false
}

// splitStatements parts text at the semicolons that are in no literal and no comment;
// rest is what no semicolon ends.
func splitStatements(text string) (statements []string, rest string) {
	start, blank := 0, true // blank: nothing but space and comments since start
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\'' || c == '"' || c == '`':
			blank = false
			end := strings.IndexByte(text[i+1:], c)
			if end < 0 {
				return statements, text[start:]
			}
			i += end + 1 // a doubled quote begins another literal at once
		case strings.HasPrefix(text[i:], "--"):
			end := strings.IndexByte(text[i:], '\n')
			if end < 0 {
				i = len(text)
			} else {
				i += end
			}
		case strings.HasPrefix(text[i:], "/*"):
			end := strings.Index(text[i+2:], "*/")
			if end < 0 {
				return statements, text[start:]
			}
			i += end + 3
		case c == ';':
			if !blank {
				statements = append(statements, strings.TrimSpace(text[start:i]))
			}
			start, blank = i+1, true
		case c > ' ':
			blank = false
		}
	}
	if blank {
		return statements, ""
	}
	return statements, text[start:]
}
