package main

import (
	"github.com/spf13/cobra"

	"github.com/brookmere/brookmere/internal/node"
)

func newOperationsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "operations [SERVICE]",
		Short: "List which operations of each AWS API are implemented",
		Long: `List what this program does with each operation of each API: it executes it, it stores its
settings for read-back, or it refuses it. A node answers the same at /_brookmere/operations.`,
		Example: `  brookmere operations
  brookmere operations kinesis`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: cobra.FixedCompletions(node.ServiceNames(), cobra.ShellCompDirectiveNoFileComp),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return node.WriteOperations(cmd.OutOrStdout())
			}
			return node.WriteServiceOperations(cmd.OutOrStdout(), args[0])
		},
	}
}
