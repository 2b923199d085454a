package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// eachCommand calls f with every command of the program but cobra's own.
func eachCommand(cmd *cobra.Command, f func(*cobra.Command)) {
	for _, sub := range cmd.Commands() {
		f(sub)
		eachCommand(sub, f)
	}
}

// TestEveryCommandHasExamples: what a command's help shows is written as the command is.
func TestEveryCommandHasExamples(t *testing.T) {
	eachCommand(newRootCommand(), func(cmd *cobra.Command) {
		if cmd.Example == "" {
			t.Errorf("%s has no examples", cmd.CommandPath())
		}
		for line := range strings.Lines(cmd.Example) {
			if !strings.HasPrefix(line, "  ") {
				t.Errorf("%s: the example %q is not indented", cmd.CommandPath(), line)
			}
		}
		checkCommands(t, cmd.CommandPath()+" --help", "    "+strings.ReplaceAll(cmd.Example, "\n  ", "\n    "))
		if !strings.Contains(cmd.Example, cmd.CommandPath()) && cmd.CommandPath() != "brookmere demo devices" {
			t.Errorf("%s is in none of its examples:\n%s", cmd.CommandPath(), cmd.Example)
		}
	})
}

// TestArguments: an error says how the command is written, and a command that is not there is an error.
func TestArguments(t *testing.T) {
	for line, want := range map[string]string{
		"streams describe":             "an argument is missing; usage: brookmere streams describe NAME",
		"streams describe a b":         "too few or too many arguments: a b; usage: brookmere streams describe NAME",
		"streams ls clicks":            `brookmere streams ls takes no argument "clicks"; usage: brookmere streams ls`,
		"streams lst":                  `brookmere streams has no command "lst": did you mean ls?`,
		"jobs runs":                    `brookmere jobs has no command "runs": it has setup`,
		"run":                          "usage: brookmere run [flags] -- COMMAND",
		"functions setup ruby":         `invalid argument "ruby" for "brookmere functions setup"; usage: `,
		"streams ls --regoin x":        "unknown flag: --regoin: see brookmere streams ls --help",
		"demo foo":                     "",
		"generate --template /nowhere": "--template: stat /nowhere: no such file",
		"generate nothing":             "a file of that name",
	} {
		fails(t, strings.Fields(line), want)
	}
	prints(t, []string{"streams"}, "Available Commands:", "brookmere streams [command]\n\nExamples")
	if got, _ := command(t, "streams"); strings.Contains(got, "brookmere streams [flags]") {
		t.Errorf("a group says that it runs:\n%s", got)
	}
}

// TestFlagCompletion: flags with fixed values complete them, profiles come from the user's files, and what is no file
// completes no files.
func TestFlagCompletion(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(dir, "config"))
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(dir, "credentials"))
	for name, text := range map[string]string{
		"config":      "[default]\nregion = eu-west-1\n[profile work]\n[sso-session work-login]\n# [profile none]\n",
		"credentials": "[work]\n[home]\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for line, want := range map[string]string{
		"streams ls --region eu-central-": "eu-central-1\neu-central-2\n:4\n",
		"streams ls --profile=":           "default\nhome\nwork\n:4\n",
		"up --iam=":                       "off\nlog\nenforce\n:4\n",
		"demo --clock=":                   "system\noffset\nfrozen\n:4\n",
		"env --shell=":                    "sh\nfish\ngithub\n:4\n",
		"analytics start x --from=":       "now\ntrim_horizon\nlast_stopped_point\n:4\n",
		"streams tail x --from=":          "latest\ntrim_horizon\n:4\n",
		"streams tail x --count=":         ":4\n",
		"up --data=":                      ":16\n",
		"up --config=":                    ":0\n",
		"run -- x":                        ":0\n",
		"version x":                       ":4\n",
	} {
		got, err := command(t, append([]string{"__complete"}, strings.Fields(line)...)...)
		if got, _, _ = strings.Cut(got, "Completion ended"); err != nil || got != want {
			t.Errorf("%s: %v\n%s\nwant %q", line, err, got, want)
		}
	}
	used := map[string]bool{}
	eachCommand(newRootCommand(), func(cmd *cobra.Command) {
		_, path, _ := strings.Cut(cmd.CommandPath(), " ")
		for name := range flagValues {
			if cmd.LocalFlags().Lookup(name) != nil || strings.HasPrefix(name, path+" ") && cmd.LocalFlags().Lookup(strings.TrimPrefix(name, path+" ")) != nil {
				used[name] = true
			}
		}
	})
	for name := range flagValues {
		if !used[name] {
			t.Errorf("no command has the flag %s", name)
		}
	}
}
