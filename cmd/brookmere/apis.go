package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/spf13/cobra"
)

func newAPIsCommand() *cobra.Command {
	var c awsClient
	cmd := &cobra.Command{
		Use:   "apis",
		Short: "Look at the deployed APIs of a running node",
		Long: `Look at the REST APIs and HTTP APIs of a running node, or of anything else that speaks
the API Gateway API: --endpoint names it, and AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY
are the credentials (any will do on loopback).`,
		Example: `  brookmere apis ls
  brookmere apis ls --json`,
	}
	c.register(cmd)
	cmd.AddCommand(newAPIsListCommand(&c))
	return cmd
}

func newAPIsListCommand(c *awsClient) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "ls",
		Short: "List APIs, with the URL of each stage",
		Example: `  brookmere apis ls
  brookmere apis ls --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg := c.config()
			base := strings.TrimSuffix(c.endpoint, "/")
			if c.endpoint == realAWS {
				base = ""
			}
			return c.plain(listAPIs(cmd.Context(), cfg, base, cmd.OutOrStdout(), asJSON))
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// apiLine is a stage of an API in the list; an API without stages has a line of its own.
type apiLine struct {
	ID         string `json:"id"`
	Name       string `json:"name"`
	Kind       string `json:"kind"` // "REST" or "HTTP"
	Stage      string `json:"stage,omitempty"`
	Deployment string `json:"deployment,omitempty"`
	URL        string `json:"url,omitempty"`
}

// stageURL is where a stage is reached: at the node's own address, or at AWS where base is empty. The stage
// $default has no name in it.
func stageURL(base, region, id, stage string) string {
	if base == "" {
		base = "https://" + id + ".execute-api." + region + ".amazonaws.com"
	} else {
		base += "/_aws/execute-api/" + id
	}
	if stage == "$default" {
		return base + "/"
	}
	return base + "/" + stage
}

// listAPIs lists REST APIs, then HTTP APIs, each by name.
func listAPIs(ctx context.Context, cfg aws.Config, base string, out io.Writer, asJSON bool) error {
	lines := []apiLine{}
	rest := apigateway.NewFromConfig(cfg)
	pages := apigateway.NewGetRestApisPaginator(rest, &apigateway.GetRestApisInput{Limit: aws.Int32(500)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, a := range page.Items {
			l := apiLine{ID: aws.ToString(a.Id), Name: aws.ToString(a.Name), Kind: "REST"}
			stages, err := rest.GetStages(ctx, &apigateway.GetStagesInput{RestApiId: a.Id})
			if err != nil {
				return err
			}
			for _, st := range stages.Item {
				l.Stage, l.Deployment = aws.ToString(st.StageName), aws.ToString(st.DeploymentId)
				l.URL = stageURL(base, cfg.Region, l.ID, l.Stage)
				lines = append(lines, l)
			}
			if len(stages.Item) == 0 {
				lines = append(lines, l)
			}
		}
	}
	http := apigatewayv2.NewFromConfig(cfg)
	for token := (*string)(nil); ; {
		page, err := http.GetApis(ctx, &apigatewayv2.GetApisInput{NextToken: token})
		if err != nil {
			return err
		}
		for _, a := range page.Items {
			l := apiLine{ID: aws.ToString(a.ApiId), Name: aws.ToString(a.Name), Kind: string(a.ProtocolType)}
			stages, err := http.GetStages(ctx, &apigatewayv2.GetStagesInput{ApiId: a.ApiId, MaxResults: aws.String("100")})
			if err != nil {
				return err
			}
			for _, st := range stages.Items {
				l.Stage, l.Deployment = aws.ToString(st.StageName), aws.ToString(st.DeploymentId)
				l.URL = stageURL(base, cfg.Region, l.ID, l.Stage)
				lines = append(lines, l)
			}
			if len(stages.Items) == 0 {
				lines = append(lines, l)
			}
		}
		if token = page.NextToken; token == nil {
			break
		}
	}
	slices.SortStableFunc(lines, func(a, b apiLine) int {
		return cmp.Or(-strings.Compare(a.Kind, b.Kind), strings.Compare(a.Name, b.Name), strings.Compare(a.ID, b.ID), strings.Compare(a.Stage, b.Stage))
	})
	if asJSON {
		return printJSON(out, lines)
	}
	if len(lines) == 0 {
		fmt.Fprintln(out, "There are no APIs. Make one with: aws apigatewayv2 create-api, or aws apigateway create-rest-api")
		return nil
	}
	rows := [][]string{{"API", "KIND", "ID", "STAGE", "URL"}}
	for _, l := range lines {
		stage := l.Stage
		if stage != "" && l.Deployment == "" {
			stage += " (not deployed)"
		}
		rows = append(rows, []string{l.Name, l.Kind, l.ID, stage, l.URL})
	}
	printTable(out, rows)
	return nil
}
