package main

import (
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/brookmere/brookmere/internal/engine/jobscript"
	"github.com/brookmere/brookmere/internal/node"
)

func newJobsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "jobs", Short: "Install what the scripts of Glue jobs run with",
		Example: `  brookmere jobs setup`,
		Long: `Visual jobs run by the node alone. Scripts of jobs need Python on the node's machine; scripts
on Spark need Spark, which "setup" installs into the node's data directory, and Java 17 or
later, which the machine must have.`,
	}
	var data, python string
	setup := &cobra.Command{
		Use: "setup [MODULE...]", Short: "Install Spark, or Python modules for scripts, into a data directory",
		Long: `Install Spark (pyspark), Arrow, pandas and boto3 with pip into a node's data directory: about
900 MB. With modules named, as pip names them, install those beside it: a job's
--additional-python-modules must be there, since runs fetch nothing. Nothing needs to be
restarted.`,
		Example: `  brookmere jobs setup
  brookmere jobs setup 'awswrangler==3.9.0' pyyaml`,
		RunE: func(cmd *cobra.Command, args []string) error {
			dir, err := filepath.Abs(filepath.Join(data, "jobs"))
			if err != nil {
				return err
			}
			return jobscript.Setup(cmd.Context(), dir, python, args, cmd.OutOrStdout())
		},
	}
	setup.Flags().StringVar(&data, "data", node.DefaultConfig().Data, "data `directory` of the node")
	setup.Flags().StringVar(&python, "python", "", "`interpreter` that scripts run with (default python3)")
	cmd.AddCommand(setup)
	return cmd
}
