package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/config"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/brookmere/brookmere/internal/awswire"
)

// group marks a command that has commands and does nothing itself.
const group = "group"

// finishCommands gives the commands below root what all have in common: errors of arguments that say how the command is
// written; an error, where cobra prints help and succeeds, for a command that a group has not; and completions of
// flags with fixed values, while those that are neither files nor directories complete no names of files.
func finishCommands(root *cobra.Command) {
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w: see %s --help", err, cmd.CommandPath())
	})
	root.SetUsageTemplate(strings.Replace(root.UsageTemplate(), "{{if .Runnable}}", `{{if and .Runnable (not (index .Annotations "`+group+`"))}}`, 1))
	for _, cmd := range root.Commands() {
		finishCommand(cmd)
	}
}

func finishCommand(cmd *cobra.Command) {
	switch {
	case cmd.HasSubCommands() && !cmd.Runnable():
		cmd.Annotations = map[string]string{group: "true"}
		cmd.Args = refuseUnknownCommand
		cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() } // not reached: see Args
	case cmd.Args != nil:
		takes := cmd.Args
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if err := takes(cmd, args); err != nil {
				return argumentsError(cmd, args, err)
			}
			return nil
		}
		if cmd.ValidArgsFunction == nil && len(cmd.ValidArgs) == 0 && !cmd.HasSubCommands() && takes(cmd, []string{"x"}) != nil {
			cmd.ValidArgsFunction = cobra.NoFileCompletions
		}
	}
	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) { completeFlag(cmd, f) })
	for _, sub := range cmd.Commands() {
		finishCommand(sub)
	}
}

// refuseUnknownCommand checks the arguments of a group. It has no command of that name, or cobra would have run it.
func refuseUnknownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return pflag.ErrHelp
	}
	cmd.SuggestionsMinimumDistance = 2 // as cobra's own suggestions
	message := fmt.Sprintf("%s has no command %q", cmd.CommandPath(), args[0])
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		return fmt.Errorf("%s: did you mean %s?", message, strings.Join(near, " or "))
	}
	var names []string
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			names = append(names, sub.Name())
		}
	}
	return fmt.Errorf("%s: it has %s", message, strings.Join(names, ", "))
}

// argumentsError says how a command is written whose arguments are not what it takes. The words of cobra's own validators
// count arguments; those of a validator that looks at values stay.
func argumentsError(cmd *cobra.Command, args []string, err error) error {
	text := err.Error()
	counted := strings.HasPrefix(text, "accepts ") || strings.HasPrefix(text, "requires ")
	switch {
	case counted && len(args) == 0:
		text = "an argument is missing"
	case counted:
		text = fmt.Sprintf("these are too few or too many arguments: %s", strings.Join(args, " "))
	case strings.HasPrefix(text, "unknown command "):
		text = fmt.Sprintf("%s takes no argument %q", cmd.CommandPath(), args[0])
	}
	return errors.New(text + "; usage: " + cmd.UseLine())
}

// flagValues are what flags with fixed values take, by name; by the command's path and the name where commands differ.
var flagValues = map[string][]string{
	"shell":                   {"sh", "fish", "github"},
	"iam":                     {"off", "log", "enforce"},
	"limits":                  {"off", "enforce"},
	"clock":                   {"system", "offset", "frozen"},
	"log-level":               {"debug", "info", "warn", "error"},
	"log-format":              {"text", "json"},
	"state":                   {"OK", "ALARM", "INSUFFICIENT_DATA"},
	"runtime":                 {"python3.12", "python3.13", "nodejs20.x", "nodejs22.x", "provided.al2023"},
	"analytics discover from": {"now", "trim_horizon"},
	"analytics start from":    {"now", "trim_horizon", "last_stopped_point"},
	"streams tail from":       {"latest", "trim_horizon"},
}

// completeFlag completes a flag of a command, unless the command does.
func completeFlag(cmd *cobra.Command, f *pflag.Flag) {
	if _, has := cmd.GetFlagCompletionFunc(f.Name); has || f.NoOptDefVal != "" {
		return
	}
	_, path, _ := strings.Cut(cmd.CommandPath(), " ")
	values := flagValues[path+" "+f.Name]
	if values == nil {
		values = flagValues[f.Name]
	}
	complete := cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)
	if values == nil {
		switch kind, _ := pflag.UnquoteUsage(f); kind {
		case "file", "SOURCE=TARGET@RATE":
			return
		case "directory":
			complete = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
				return nil, cobra.ShellCompDirectiveFilterDirs
			}
		}
	}
	_ = cmd.RegisterFlagCompletionFunc(f.Name, complete) // there is such a flag
}

// completeRegion completes one of the regions that AWS has buckets in.
func completeRegion(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	names := []string{awswire.DefaultRegion}
	for _, r := range s3types.BucketLocationConstraint("").Values() {
		if strings.Contains(string(r), "-") { // EU is another name of eu-west-1
			names = append(names, string(r))
		}
	}
	names = slices.DeleteFunc(names, func(name string) bool { return !strings.HasPrefix(name, typed) })
	slices.Sort(names)
	return slices.Compact(names), cobra.ShellCompDirectiveNoFileComp
}

// completeProfile completes the name of a profile of the AWS configuration files.
func completeProfile(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	var names []string
	for _, file := range []string{
		cmp.Or(os.Getenv("AWS_CONFIG_FILE"), config.DefaultSharedConfigFilename()),
		cmp.Or(os.Getenv("AWS_SHARED_CREDENTIALS_FILE"), config.DefaultSharedCredentialsFilename()),
	} {
		for _, name := range profilesIn(file) {
			if strings.HasPrefix(name, typed) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names), cobra.ShellCompDirectiveNoFileComp
}

// profilesIn reads the names of profiles of a file; none of one that cannot be read.
func profilesIn(file string) (names []string) {
	f, err := os.Open(file)
	if err != nil {
		return nil
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		section, ok := strings.CutPrefix(strings.TrimSpace(s.Text()), "[")
		section, _, closed := strings.Cut(section, "]")
		if !ok || !closed || strings.HasPrefix(section, "sso-session ") || strings.HasPrefix(section, "services ") {
			continue
		}
		names = append(names, strings.TrimSpace(strings.TrimPrefix(section, "profile ")))
	}
	return names
}
