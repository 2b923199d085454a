package recordplan

import (
	"flag"
	"os"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write what the commands give into their testdata files")

// runCommands runs a file of commands: a line of command and argument, lines of input, a
// line of dashes, lines of expected output, an empty line. Lines that begin with # are
// comments.
func runCommands(t *testing.T, path string, run func(cmd, arg, input string) string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for i, block := range strings.Split(strings.TrimSpace(string(text)), "\n\n") {
		if i > 0 {
			out.WriteString("\n")
		}
		for strings.HasPrefix(block, "#") {
			line, rest, _ := strings.Cut(block, "\n")
			out.WriteString(line + "\n")
			block = rest
		}
		block = strings.Trim(block, "\n")
		if block == "" {
			continue
		}
		head, rest, _ := strings.Cut(block, "\n")
		input, want, _ := strings.Cut(rest, "----")
		cmd, arg, _ := strings.Cut(head, " ")
		input, want = strings.TrimSuffix(input, "\n"), strings.TrimSpace(want)
		got := strings.TrimSpace(run(cmd, arg, input))
		if got != want && !*rewrite {
			t.Errorf("%s: %s\n%s\ngives\n%s\nwant\n%s", path, head, input, got, want)
		}
		for _, part := range []string{head, input, "----", got} {
			if part != "" {
				out.WriteString(part + "\n")
			}
		}
	}
	if *rewrite {
		if err := os.WriteFile(path, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
