package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/peterh/liner"
)

// typist types lines; ^C is what a terminal makes of Ctrl-C. It ends with Ctrl-D.
type typist struct {
	lines   []string
	prompts []string
	history []string
}

func (p *typist) Prompt(prompt string) (string, error) {
	p.prompts = append(p.prompts, prompt)
	if len(p.lines) == 0 {
		return "", io.EOF
	}
	line := p.lines[0]
	p.lines = p.lines[1:]
	if line == "^C" {
		return "", liner.ErrPromptAborted
	}
	return line, nil
}

func (p *typist) AppendHistory(line string) { p.history = append(p.history, line) }

// session has a shell on the shared node take lines, and returns what it shows.
func session(t *testing.T, lines ...string) (shown, errors string, p *typist) {
	t.Helper()
	url, _ := sharedNode(t)
	var out, errOut bytes.Buffer
	s := &sqlCommand{awsClient: awsClient{endpoint: url}, format: "table", out: &out, errOut: &errOut}
	if err := s.resolve(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.client = newSQLClient(&s.awsClient)
	s.client.workgroup, s.client.database = "primary", "default"
	p = &typist{lines: lines}
	if err := s.converse(t.Context(), p, func() {}); err != nil {
		t.Errorf("the shell ends with %v", err)
	}
	return out.String(), errOut.String(), p
}

func TestShell(t *testing.T) {
	shown, errs, p := session(t,
		"SELECT 1 AS one,", "  'x' AS letter;", // over two lines
		"SELECT 'dropped", "^C", // what was typed is forgotten
		"CREATE DATABASE shop; USE shop;",
		`\l`, `\d`, "CREATE VIEW v AS SELECT 2 AS two;", `\d v`,
		`\o json`, "SELECT two FROM v; SELECT nope FROM v; SELECT 3 AS unrun;",
		`\o parquet`, "help", "quit;", "SELECT 4 AS unread;")
	for _, want := range []string{"brookmere sql on http://", "one | letter", "(1 row, ", "shop", "two", `{"two":2}`, "Statements end with a semicolon"} {
		if !strings.Contains(shown, want) {
			t.Errorf("the shell does not show %q:\n%s", want, shown)
		}
	}
	for _, unwanted := range []string{"unrun", "unread", "dropped"} {
		if strings.Contains(shown, unwanted) {
			t.Errorf("the shell ran %q:\n%s", unwanted, shown)
		}
	}
	if !strings.Contains(errs, "  SELECT nope FROM v\n         ^\nerror:") {
		t.Errorf("the error does not point to its column:\n%s", errs)
	}
	if want := []string{"default> ", "      -> ", "default> ", "      -> ", "default> ", "shop> "}; !slices.Equal(p.prompts[:len(want)], want) {
		t.Errorf("prompts %q, want %q", p.prompts[:len(want)], want)
	}
	if !slices.Contains(p.history, "SELECT 1 AS one, 'x' AS letter;") || slices.Contains(p.history, "quit;") {
		t.Errorf("the history is %q", p.history)
	}
	// What is there is completed.
	s := &sqlCommand{}
	url, _ := sharedNode(t)
	s.endpoint = url
	if err := s.resolve(t.Context()); err != nil {
		t.Fatal(err)
	}
	c := &completer{client: newSQLClient(&s.awsClient)}
	c.client.database = "shop"
	if _, found, _ := c.complete(t.Context(), "SELECT tw", 9); !slices.Equal(found, []string{"two"}) {
		t.Errorf("tw is completed to %q", found)
	}
	if _, found, _ := c.complete(t.Context(), "USE sh", 6); !slices.Contains(found, "shop") {
		t.Errorf("sh is completed to %q", found)
	}
}

func TestShellEnds(t *testing.T) {
	if shown, _, _ := session(t); !strings.HasSuffix(shown, "help.\n\n") {
		t.Errorf("Ctrl-D leaves the prompt's line: %q", shown)
	}
	for _, last := range []string{`\q`, "exit", "QUIT;"} {
		if shown, _, _ := session(t, last, "SELECT 1 AS unread;"); strings.Contains(shown, "unread") {
			t.Errorf("%s ends nothing", last)
		}
	}
	if shown, errs, _ := session(t, "USE nowhere;", `\x`); !strings.Contains(errs, "nowhere") || !strings.Contains(shown, `\q`) {
		t.Errorf("a database that is not there:\n%s%s", shown, errs)
	}
}

func TestHistoryFile(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("XDG_STATE_HOME", "")
	t.Setenv("HOME", dir)
	if got := historyFile(); got != filepath.Join(dir, ".local", "state", "brookmere", "sql_history") {
		t.Error(got)
	}
	t.Setenv("XDG_STATE_HOME", dir)
	file := historyFile()
	line := liner.NewLiner()
	defer line.Close()
	line.AppendHistory("SELECT 1;")
	saveHistory(line, file)
	if b, err := os.ReadFile(file); err != nil || string(b) != "SELECT 1;\n" {
		t.Errorf("%q, %v", b, err)
	}
	readHistory(line, filepath.Join(dir, "none"))
	readHistory(line, file)
	saveHistory(line, file)
	if b, _ := os.ReadFile(file); string(b) != "SELECT 1;\nSELECT 1;\n" {
		t.Errorf("read and written again: %q", b)
	}
}

// TestSQLScripts runs files of statements, and what comes from standard input.
func TestSQLScripts(t *testing.T) {
	url, _ := sharedNode(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "script.sql")
	if err := os.WriteFile(file, []byte("-- two\nSELECT 1 AS a;\nSELECT 'b' AS b"), 0o644); err != nil {
		t.Fatal(err)
	}
	prints(t, words(url, "sql --output json --file "+file), "{\"a\":1}\n{\"b\":\"b\"}\n")
	if got, err := typed(t, "SELECT 5 AS five;", words(url, "sql")...); err != nil || got != "five\n5\n" {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := typed(t, "CREATE DATABASE scripted; USE scripted; CREATE VIEW w AS SELECT 6 AS six; SELECT six FROM w", words(url, "sql -f -")...); err != nil || !strings.HasSuffix(got, "six\n6\n") {
		t.Errorf("%q, %v", got, err)
	}
	fails(t, words(url, "sql"), "there is no statement to run")
	fails(t, append(words(url, "sql -f "+file), "SELECT 1"), "give a statement or --file")
	fails(t, words(url, "sql -f "+filepath.Join(dir, "none.sql")), "no such file")
	fails(t, append(words(url, "sql --output parquet"), "SELECT 1; SELECT 2"), "one statement at a time")
	fails(t, append(words(url, "sql"), "SELECT 1; SELECT a_column_that_is_not_there FROM a_table_that_is_not_there_either"), "SELECT a_column_that_is_not_there FROM a_table_that_is_no...: ")
	fails(t, append(words(url, "sql --workgroup none"), "SELECT 1"), "none")
	fails(t, []string{"sql", "--endpoint", "http://127.0.0.1:1", "SELECT 1"}, "nothing answers at")
}
