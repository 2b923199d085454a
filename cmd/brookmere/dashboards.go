package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"text/tabwriter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/spf13/cobra"

	"github.com/brookmere/brookmere/examples"
	"github.com/brookmere/brookmere/internal/dashboardfile"
)

// dashboards keeps dashboards as files. They are CloudWatch's, of a node or of AWS.
type dashboards struct{ awsClient }

func newDashboardsCommand() *cobra.Command {
	d := new(dashboards)
	cmd := &cobra.Command{
		Use:   "dashboards",
		Short: "Bring dashboards into a node from files, and write them to files",
		Long: `A dashboard is a page of visuals in the console: of SQL on the lake, of live streams, of metrics.
CloudWatch keeps it, so any AWS client reads and writes it too. As a file it is YAML or JSON,
the body that CloudWatch has.`,
		Example: `  brookmere dashboards ls
  brookmere dashboards put shop.yaml
  brookmere dashboards get shop > shop.yaml`,
	}
	d.register(cmd)
	cmd.AddCommand(d.listCommand(), d.putCommand(), d.getCommand(), d.removeCommand())
	return cmd
}

func (d *dashboards) client() *cloudwatch.Client { return cloudwatch.NewFromConfig(d.config()) }

func (d *dashboards) listCommand() *cobra.Command {
	return &cobra.Command{
		Use: "ls", Short: "List dashboards with their size and when they were changed", Args: cobra.NoArgs,
		Example: `  brookmere dashboards ls`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w, some := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 8, 2, ' ', 0), false
			p := cloudwatch.NewListDashboardsPaginator(d.client(), &cloudwatch.ListDashboardsInput{})
			for p.HasMorePages() {
				page, err := p.NextPage(cmd.Context())
				if err != nil {
					return d.plain(err)
				}
				for _, e := range page.DashboardEntries {
					if !some {
						fmt.Fprintln(w, "DASHBOARD\tBYTES\tCHANGED")
						some = true
					}
					fmt.Fprintf(w, "%s\t%d\t%s\n", aws.ToString(e.DashboardName), aws.ToInt64(e.Size), aws.ToTime(e.LastModified).Local().Format("2006-01-02 15:04:05"))
				}
			}
			if !some {
				fmt.Fprintln(cmd.OutOrStdout(), "There are no dashboards. Make one with: brookmere dashboards put FILE, or in the console")
			}
			return w.Flush()
		},
	}
}

func (d *dashboards) putCommand() *cobra.Command {
	name, example := "", false
	cmd := &cobra.Command{
		Use:   "put FILE...",
		Short: "Create or replace dashboards from files",
		Long: `Create or replace dashboards from files, of YAML or JSON. A dashboard has the name of its file,
or that of --name; a file that is called dashboard.yaml has the name of its directory. - reads
the standard input.

--example takes the names of dashboards that the program brings along, in place of files:
` + strings.Join(examples.Dashboards(), ", ") + `.`,
		Example: `  brookmere dashboards put examples/orders/dashboard.yaml   # becomes orders
  brookmere dashboards put --example orders                 # the same, without the file
  brookmere dashboards put --name shop - < body.json`,
		Args: cobra.MinimumNArgs(1),
		ValidArgsFunction: func(_ *cobra.Command, given []string, _ string) ([]string, cobra.ShellCompDirective) {
			if example {
				return examples.Dashboards(), cobra.ShellCompDirectiveNoFileComp
			}
			return []string{"yaml", "yml", "json"}, cobra.ShellCompDirectiveFilterFileExt
		},
		RunE: func(cmd *cobra.Command, files []string) error {
			if name != "" && len(files) > 1 {
				return errors.New("--name names one dashboard, and there are several files")
			}
			type dashboard struct{ name, body string }
			var all []dashboard // all are read before the first is put
			for _, file := range files {
				as, err := name, error(nil)
				switch {
				case as == "" && example:
					as = file
				case as == "":
					if as, err = dashboardName(file); err != nil {
						return err
					}
				}
				text, err := dashboardText(file, example, cmd.InOrStdin())
				if err != nil {
					return err
				}
				body, err := dashboardfile.Body(text)
				if err != nil {
					return fmt.Errorf("%s: %w", file, err)
				}
				all = append(all, dashboard{as, body})
			}
			for _, one := range all {
				if err := putDashboard(cmd.Context(), d.client(), one.name, one.body); err != nil {
					return fmt.Errorf("dashboard %s: %w", one.name, d.plain(err))
				}
				fmt.Fprintln(cmd.OutOrStdout(), one.name)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "`name` of the dashboard")
	cmd.Flags().BoolVar(&example, "example", false, "take dashboards that the program brings along, by their names")
	return cmd
}

// dashboardText reads a file, the standard input, or an example.
func dashboardText(file string, example bool, in io.Reader) ([]byte, error) {
	if example {
		return examples.Dashboard(file)
	}
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	return io.ReadAll(io.LimitReader(in, dashboardfile.MaxSize+1))
}

var notInDashboardName = regexp.MustCompile(`[^A-Za-z0-9_-]+`)

// dashboardName is the name that a file gives to its dashboard.
func dashboardName(file string) (string, error) {
	if file == "-" {
		return "", errors.New("the standard input has no name: give one by --name")
	}
	path, err := filepath.Abs(file)
	if err != nil {
		return "", err
	}
	name := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	if name == "dashboard" {
		name = filepath.Base(filepath.Dir(path))
	}
	if name = strings.Trim(notInDashboardName.ReplaceAllString(name, "-"), "-"); name == "" {
		return "", fmt.Errorf("%s makes no name of a dashboard: give one by --name", file)
	}
	return name, nil
}

func putDashboard(ctx context.Context, c *cloudwatch.Client, name, body string) error {
	_, err := c.PutDashboard(ctx, &cloudwatch.PutDashboardInput{DashboardName: &name, DashboardBody: &body})
	return err
}

func (d *dashboards) getCommand() *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use: "get NAME", Short: "Print a dashboard as YAML", Args: cobra.ExactArgs(1), ValidArgsFunction: d.complete(dashboardNames),
		Example: `  brookmere dashboards get shop > shop.yaml`,
		RunE: func(cmd *cobra.Command, args []string) error {
			out, err := d.client().GetDashboard(cmd.Context(), &cloudwatch.GetDashboardInput{DashboardName: &args[0]})
			if err != nil {
				return d.plain(err)
			}
			text := []byte(aws.ToString(out.DashboardBody) + "\n")
			if !asJSON {
				if text, err = dashboardfile.YAML(aws.ToString(out.DashboardBody)); err != nil {
					return err
				}
			}
			_, err = cmd.OutOrStdout().Write(text)
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the body as CloudWatch has it")
	return cmd
}

func (d *dashboards) removeCommand() *cobra.Command {
	return &cobra.Command{
		Use: "rm NAME...", Short: "Remove dashboards", Args: cobra.MinimumNArgs(1), ValidArgsFunction: d.complete(dashboardNames),
		Example: `  brookmere dashboards rm shop orders`,
		RunE: func(cmd *cobra.Command, names []string) error {
			_, err := d.client().DeleteDashboards(cmd.Context(), &cloudwatch.DeleteDashboardsInput{DashboardNames: names})
			return d.plain(err)
		},
	}
}

func dashboardNames(ctx context.Context, cfg aws.Config) []string {
	pages := cloudwatch.NewListDashboardsPaginator(cloudwatch.NewFromConfig(cfg), &cloudwatch.ListDashboardsInput{})
	return allPages(ctx, pages, func(p *cloudwatch.ListDashboardsOutput) (names []string) {
		for _, e := range p.DashboardEntries {
			names = append(names, aws.ToString(e.DashboardName))
		}
		return names
	})
}
