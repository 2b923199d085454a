package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/brookmere/brookmere/test/nodetest"
)

// TestGuides follows the guides in docs, command by command, and compares what they say is printed.
func TestGuides(t *testing.T) {
	CLI(t)
	for _, needed := range []string{"bash", "curl", "python3"} {
		if _, err := exec.LookPath(needed); err != nil {
			t.Skip("there is no " + needed)
		}
	}
	guides, err := filepath.Glob(filepath.Join(sourceDir(), "..", "..", "docs", "guides", "*.md"))
	if err != nil || len(guides) < 6 {
		t.Fatalf("%d guides, %v", len(guides), err)
	}
	n := Start(t)
	bin := t.TempDir()
	if err := os.Symlink(nodetest.Binary(t), filepath.Join(bin, "brookmere")); err != nil {
		t.Fatal(err)
	}
	for _, path := range guides {
		name := strings.TrimSuffix(filepath.Base(path), ".md")
		if name == "README" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			g := parseGuide(string(text))
			if len(g) < 3 {
				t.Fatalf("%d steps", len(g))
			}
			follow(t, n, bin, g)
		})
	}
}

// step is a block of commands, and the lines that a guide shows of their output.
type step struct{ commands, shows string }

var fence = regexp.MustCompile("(?ms)^```(sh|text)\n(.*?)^```$")

func parseGuide(text string) (steps []step) {
	for _, m := range fence.FindAllStringSubmatch(text, -1) {
		if m[1] == "sh" {
			steps = append(steps, step{commands: m[2]})
		} else if len(steps) > 0 {
			steps[len(steps)-1].shows = m[2]
		}
	}
	return steps
}

// follow runs the steps in one shell, and looks for the lines in their order.
func follow(t *testing.T, n *Node, bin string, steps []step) {
	const mark = "=== end of the step ==="
	script := "set -euo pipefail\n"
	for _, s := range steps {
		script += s.commands + "\necho '" + mark + "'\n"
	}
	cmd := exec.Command("bash", "-c", script)
	cmd.Dir = t.TempDir()
	path := bin + ":" + filepath.Dir(CLI(t)) + ":" + os.Getenv("PATH")
	cmd.Env = n.Env("PATH="+path, "AWS_PAGER=")
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.WaitDelay = 10 * time.Second // for what the shell has started and left
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(10*time.Minute, func() { _ = cmd.Process.Kill() })
	defer late.Stop()
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	printed := strings.Split(out.String(), mark+"\n")
	for i, s := range steps {
		lines := strings.Split(printed[i], "\n")
		for want := range strings.Lines(s.shows) {
			pattern := "^" + strings.ReplaceAll(regexp.QuoteMeta(strings.TrimSpace(want)), regexp.QuoteMeta("..."), ".*") + "$"
			pattern = strings.ReplaceAll(pattern, " ", `\s*`)
			re := regexp.MustCompile(pattern)
			for len(lines) > 0 && !re.MatchString(strings.TrimSpace(lines[0])) {
				lines = lines[1:]
			}
			if len(lines) == 0 {
				t.Errorf("step %d does not print %q, or not in this order:\n%s\n%s", i+1, strings.TrimSpace(want), s.commands, printed[i])
				break
			}
		}
	}
}
