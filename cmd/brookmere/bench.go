package main

import "github.com/spf13/cobra"

func newBenchCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Benchmark a node on this machine",
		Example: `  brookmere bench streams
  brookmere bench delivery --records 500000`,
	}
	cmd.AddCommand(newBenchDeliveryCommand(), newBenchStreamsCommand())
	return cmd
}
