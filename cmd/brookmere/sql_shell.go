package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/athena"
	"github.com/peterh/liner"
)

const shellHelp = `Statements end with a semicolon and may span lines. Ctrl-C cancels the one that runs,
or drops what has been typed; Ctrl-D ends. Tab completes keywords, tables and columns.

  USE name;            take tables from this database
  \o table|csv|json    how results are shown
  \l                   list databases
  \d                   list tables          \d name    describe one
  \q                   end`

// shell reads statements from the terminal until its end.
func (s *sqlCommand) shell(ctx context.Context) error {
	// Ctrl-C is for the statement that runs, not for the shell.
	ctx = context.WithoutCancel(ctx)
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt)
	defer signal.Stop(interrupts)

	line := liner.NewLiner()
	defer line.Close()
	line.SetCtrlCAborts(true)
	line.SetTabCompletionStyle(liner.TabPrints)
	names := &completer{client: s.client}
	line.SetWordCompleter(func(text string, pos int) (string, []string, string) { return names.complete(ctx, text, pos) })
	file := historyFile()
	readHistory(line, file)
	defer saveHistory(line, file)
	return s.converse(ctx, line, names.forget)
}

// lineEditor asks the user for lines, as *liner.State does: liner.ErrPromptAborted after Ctrl-C, io.EOF after Ctrl-D.
type lineEditor interface {
	Prompt(prompt string) (string, error)
	AppendHistory(line string)
}

// converse runs what the user types until they end it. It calls ran after each statement.
func (s *sqlCommand) converse(ctx context.Context, line lineEditor, ran func()) error {
	fmt.Fprintf(s.out, "brookmere sql on %s, database %s. \\? for help.\n", s.endpoint, s.client.database)
	typed := ""
	for {
		prompt := s.client.database + "> "
		if typed != "" {
			prompt = strings.Repeat(" ", max(0, len(prompt)-3)) + "-> "
		}
		text, err := line.Prompt(prompt)
		switch {
		case errors.Is(err, liner.ErrPromptAborted):
			typed = ""
			continue
		case errors.Is(err, io.EOF):
			fmt.Fprintln(s.out)
			return nil
		case err != nil:
			return err
		}
		if typed == "" && strings.HasPrefix(strings.TrimSpace(text), "\\") {
			line.AppendHistory(text)
			if done := s.shellCommand(ctx, strings.Fields(text)); done {
				return nil
			}
			continue
		}
		if word := strings.ToLower(strings.TrimRight(strings.TrimSpace(text), ";")); typed == "" && (word == "exit" || word == "quit") {
			return nil
		} else if word == "help" && typed == "" {
			fmt.Fprintln(s.out, shellHelp)
			continue
		}
		if typed != "" {
			typed += "\n"
		}
		typed += text
		statements, rest := splitStatements(typed)
		if typed = rest; strings.TrimSpace(rest) == "" {
			typed = ""
		}
		for _, st := range statements {
			if one, ok := oneLine(st); ok {
				line.AppendHistory(one + ";")
			}
			if err := s.statement(ctx, st); err != nil {
				s.showError(st, err)
				typed = ""
				break
			}
			ran()
		}
	}
}

// shellCommand runs what begins with a backslash.
func (s *sqlCommand) shellCommand(ctx context.Context, words []string) (done bool) {
	statement := ""
	switch {
	case words[0] == `\q`:
		return true
	case words[0] == `\o` && len(words) == 2 && words[1] != "parquet" && resultFormats[words[1]] != nil:
		s.format = words[1]
		return false
	case words[0] == `\l` && len(words) == 1:
		statement = "SHOW DATABASES"
	case words[0] == `\d` && len(words) == 1:
		statement = "SHOW TABLES"
	case words[0] == `\d` && len(words) == 2:
		statement = "DESCRIBE " + words[1]
	default:
		fmt.Fprintln(s.out, shellHelp)
		return false
	}
	if err := s.statement(ctx, statement); err != nil {
		s.showError(statement, err)
	}
	return false
}

// oneLine is a statement for the history: without its line breaks, and without comments,
// which would swallow what follows them. False where a literal has a line break.
func oneLine(statement string) (string, bool) {
	var b strings.Builder
	space := false
	for i := 0; i < len(statement); i++ {
		end := i + 1
		switch c := statement[i]; {
		case c == '\'' || c == '"' || c == '`':
			if n := strings.IndexByte(statement[end:], c); n >= 0 {
				end += n + 1
			}
			if strings.Contains(statement[i:end], "\n") {
				return "", false
			}
		case strings.HasPrefix(statement[i:], "--"):
			n := strings.IndexByte(statement[i:], '\n')
			if n < 0 {
				return b.String(), true
			}
			i, space = i+n, true
			continue
		case strings.HasPrefix(statement[i:], "/*"):
			if n := strings.Index(statement[i+2:], "*/"); n >= 0 {
				i, space = i+n+3, true
				continue
			}
		case c <= ' ':
			space = true
			continue
		}
		if space && b.Len() > 0 {
			b.WriteByte(' ')
		}
		space = false
		b.WriteString(statement[i:end])
		i = end - 1
	}
	return b.String(), true
}

var errorPosition = regexp.MustCompile(`line (\d+):(\d+)`)

// showError prints an error, and the place that it names.
func (s *sqlCommand) showError(statement string, err error) {
	if m := errorPosition.FindStringSubmatch(err.Error()); m != nil {
		n, _ := strconv.Atoi(m[1])
		column, _ := strconv.Atoi(m[2])
		if lines := strings.Split(statement, "\n"); n >= 1 && n <= len(lines) && column >= 1 && column <= len(lines[n-1])+1 {
			fmt.Fprintf(s.errOut, "  %s\n  %s^\n", lines[n-1], strings.Repeat(" ", column-1))
		}
	}
	fmt.Fprintln(s.errOut, "error:", err)
}

// historyFile is where the shell's history is kept.
func historyFile() string {
	if dir := os.Getenv("XDG_STATE_HOME"); dir != "" {
		return filepath.Join(dir, "brookmere", "sql_history")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	return filepath.Join(home, ".local", "state", "brookmere", "sql_history")
}

// readHistory does nothing if there is no history or it cannot be read: that keeps nobody from working.
func readHistory(line *liner.State, file string) {
	f, err := os.Open(file)
	if err != nil {
		return
	}
	_, _ = line.ReadHistory(f)
	f.Close()
}

func saveHistory(line *liner.State, file string) {
	if file == "" || os.MkdirAll(filepath.Dir(file), 0o700) != nil {
		return
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return
	}
	_, _ = line.WriteHistory(f)
	f.Close()
}

// completer knows the names that Tab completes. They are looked up when they are first
// asked for after a statement.
type completer struct {
	client *sqlClient
	known  bool
	of     string // the database that columns and tables are of
	names  []string
}

var keywords = strings.Fields(`ALTER AND AS ASC BETWEEN BY CASE CAST COUNT CREATE CROSS DATABASE DATABASES DELETE DESC DESCRIBE
	DISTINCT DROP ELSE END EXISTS EXPLAIN EXTERNAL FALSE FROM FULL GROUP HAVING IN INNER INSERT INTO IS JOIN LEFT LIKE LIMIT LOCATION
	MSCK NOT NULL OFFSET ON OR ORDER OVER PARTITION PARTITIONED REPAIR REPLACE RIGHT SELECT SHOW STORED TABLE TABLES TBLPROPERTIES THEN
	TRUE UNION UNLOAD UNNEST USE USING VALUES VIEW VIEWS WHEN WHERE WITH`)

func (c *completer) forget() { c.known = false }

// complete finds what the word before the cursor may be the beginning of.
func (c *completer) complete(ctx context.Context, text string, pos int) (string, []string, string) {
	runes := []rune(text)
	pos = min(pos, len(runes))
	start := pos
	for start > 0 && (runes[start-1] == '_' || runes[start-1] == '.' || runes[start-1] == '$' || runes[start-1] > 0x7f ||
		'0' <= runes[start-1] && runes[start-1] <= '9' || 'a' <= runes[start-1]|0x20 && runes[start-1]|0x20 <= 'z') {
		start--
	}
	head, word, tail := string(runes[:start]), string(runes[start:pos]), string(runes[pos:])
	if word == "" {
		return head, nil, tail
	}
	if !c.known || c.of != c.client.database {
		c.load(ctx)
	}
	lower := strings.ToLower(word)
	var found []string
	for _, n := range c.names {
		if strings.HasPrefix(n, lower) {
			found = append(found, n)
		}
	}
	for _, k := range keywords {
		if strings.HasPrefix(k, strings.ToUpper(word)) {
			if word == lower {
				k = strings.ToLower(k)
			}
			found = append(found, k)
		}
	}
	return head, found, tail
}

// maxNames bounds what is looked up for completion.
const maxNames = 20_000

// load looks databases, tables and columns up. What fails completes nothing.
func (c *completer) load(ctx context.Context) {
	c.known, c.of, c.names = true, c.client.database, nil
	catalog := aws.String("AwsDataCatalog")
	databases := athena.NewListDatabasesPaginator(c.client.athena, &athena.ListDatabasesInput{CatalogName: catalog})
	for databases.HasMorePages() && len(c.names) < maxNames {
		page, err := databases.NextPage(ctx)
		if err != nil {
			break
		}
		for _, d := range page.DatabaseList {
			c.names = append(c.names, aws.ToString(d.Name))
		}
	}
	tables := athena.NewListTableMetadataPaginator(c.client.athena, &athena.ListTableMetadataInput{CatalogName: catalog, DatabaseName: aws.String(c.of)})
	for tables.HasMorePages() && len(c.names) < maxNames {
		page, err := tables.NextPage(ctx)
		if err != nil {
			break
		}
		for _, t := range page.TableMetadataList {
			name := aws.ToString(t.Name)
			c.names = append(c.names, name, c.of+"."+name)
			for _, col := range slices.Concat(t.Columns, t.PartitionKeys) {
				c.names = append(c.names, strings.ToLower(aws.ToString(col.Name)))
			}
		}
	}
	slices.Sort(c.names)
	c.names = slices.Compact(c.names)
}
