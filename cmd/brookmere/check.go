package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/brookmere/brookmere/internal/node"
)

func newCheckCommand() *cobra.Command {
	var repair, yes bool
	cmd := &cobra.Command{
		Use:   "check DIR",
		Short: "Check the data directory of a stopped node for damage",
		Long: `Check reads the whole log and state of a stopped node and verifies that no file is
missing or changed, that every record is as it was written, and that every stream has its
shards. It reports damage file by file, with the data that is lost.

What it calls lost, by file, shard and frame, are records that were damaged on the disk: a
node starts, and readers get an error where they were and go on behind. What it calls
damaged is more: a node does not start on such a directory. The best remedy is a backup of the
directory. Without one, --repair shows what would have to be discarded for the node to
start with the rest, and --repair --yes does it. The files that it changes are kept below
DIR/damaged.`,
		Example: `  brookmere check ./brookmere-data
  brookmere check --repair --yes ./brookmere-data`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if yes && !repair {
				return errors.New("--yes goes with --repair")
			}
			return check(cmd, args[0], repair, yes)
		},
	}
	cmd.Flags().BoolVar(&repair, "repair", false, "show what would be discarded so that a node can start with the rest")
	cmd.Flags().BoolVar(&yes, "yes", false, "with --repair: carry it out")
	return cmd
}

// errDamaged ends the command with a status that scripts can go by.
var errDamaged = errors.New("the data directory is damaged")

func check(cmd *cobra.Command, dir string, repair, yes bool) error {
	out := cmd.OutOrStdout()
	c, err := node.Check(cmd.Context(), dir)
	if err != nil {
		return err
	}
	for _, f := range c.Damage {
		fmt.Fprintf(out, "damaged  %s\n         %s\n         %s\n", f.File, f.What, f.Consequence)
	}
	for _, f := range c.Packs {
		fmt.Fprintf(out, "damaged  %s\n         %s\n         %s\n", f.File, f.What, f.Consequence)
	}
	for _, f := range c.Lost {
		fmt.Fprintf(out, "lost     %s\n         %s\n         %s\n", f.File, f.What, f.Consequence)
	}
	if c.State != nil {
		fmt.Fprintf(out, "damaged  %v\n", c.State)
	}
	for _, s := range c.Strays {
		fmt.Fprintf(out, "stray    the shard %s belongs to nothing; it is kept\n", s)
	}
	switch {
	case c.OK() && len(c.Lost) > 0:
		fmt.Fprintln(out, "A node starts on this directory, without what is named above as lost.")
		return nil
	case c.OK():
		fmt.Fprintln(out, "No damage was found.")
		return nil
	}
	if !repair || len(c.Damage) == 0 && len(c.Packs) == 0 {
		return errDamaged
	}
	if !yes {
		fmt.Fprintln(out, "\nA repair gives up what is named above as lost, and keeps the rest. Nothing was changed: --repair --yes does it.")
		return errDamaged
	}
	saved, left, err := node.Repair(dir, c)
	if err != nil {
		return err
	}
	for _, f := range left {
		fmt.Fprintf(out, "left     %s: this needs the file from a copy of the directory\n", f.File)
	}
	fmt.Fprintf(out, "\nWhat was changed is kept in %s\n", saved)
	if len(left) > 0 {
		return errDamaged
	}
	return check(cmd, dir, false, false)
}
