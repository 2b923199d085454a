package main

import "github.com/spf13/cobra"

func newBenchCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Benchmark a node on this machine",
	}
	cmd.AddCommand(newBenchDeliveryCommand(), newBenchStreamsCommand())
	return cmd
}
