package cloudwatch

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awskit/page"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// Dashboards are of an account, whatever the region. Their bodies are JSON objects with widgets, of at most 512 KiB and 500
// widgets; what widgets say is kept as it is.

const (
	maxDashboard = 512 << 10
	maxWidgets   = 500
)

type dashboardDoc struct {
	Account  string    `json:"account"`
	Name     string    `json:"name"`
	Body     string    `json:"body"`
	Modified time.Time `json:"modified"`
}

func dashboardARN(c awswire.Caller, name string) string {
	return "arn:" + arn.Partition(c.Region) + ":cloudwatch::" + c.Account + ":dashboard/" + name
}

func noDashboard(name string) error {
	return &types.DashboardNotFoundError{Message: aws.String("Dashboard " + name + " does not exist")}
}

func badDashboard(path, message string) error {
	return &types.DashboardInvalidInputError{
		Message:                     aws.String("The dashboard body is invalid, there are validation errors: " + message),
		DashboardValidationMessages: []types.DashboardValidationMessage{{DataPath: aws.String(path), Message: aws.String(message)}},
	}
}

func checkDashboardName(name string) error {
	if name == "" || len(name) > 255 || strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != "" {
		return badDashboard("/", "The value "+name+" for field DashboardName contains invalid characters. It can only contain alphanumerics, dash (-) and underscore (_).")
	}
	return nil
}

// PutDashboard makes a dashboard, or replaces one.
func (s *Service) PutDashboard(ctx context.Context, in *cloudwatch.PutDashboardInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.PutDashboardOutput, error) {
	c, name, body := awswire.CallerFrom(ctx), aws.ToString(in.DashboardName), aws.ToString(in.DashboardBody)
	if err := checkDashboardName(name); err != nil {
		return nil, err
	}
	if len(body) > maxDashboard {
		return nil, badDashboard("/", "The dashboard body is too large.")
	}
	var d struct {
		Widgets []json.RawMessage `json:"widgets"`
	}
	if err := json.Unmarshal([]byte(body), &d); err != nil {
		return nil, badDashboard("/", "The field body must be a valid JSON object")
	}
	if len(d.Widgets) > maxWidgets {
		return nil, badDashboard("/widgets", "Should NOT have more than 500 items")
	}
	var notes []types.DashboardValidationMessage
	if d.Widgets == nil {
		notes = append(notes, types.DashboardValidationMessage{DataPath: aws.String("/"), Message: aws.String("Should have required property 'widgets'")})
	}
	tagged, err := tagsOf(in.Tags)
	if err != nil {
		return nil, err
	}
	_, err = s.dashboards.Get(c.Account, name)
	isNew := errors.Is(err, state.ErrNotFound)
	if err != nil && !isNew {
		return nil, err
	}
	if err := s.dashboards.Put(ctx, &dashboardDoc{c.Account, name, body, s.now()}, c.Account, name); err != nil {
		return nil, err
	}
	if isNew {
		if err := s.addTags(ctx, tagged, dashboardARN(c, name)); err != nil {
			return nil, err
		}
	}
	return &cloudwatch.PutDashboardOutput{DashboardValidationMessages: notes}, nil
}

// GetDashboard returns a dashboard.
func (s *Service) GetDashboard(ctx context.Context, in *cloudwatch.GetDashboardInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.GetDashboardOutput, error) {
	c, name := awswire.CallerFrom(ctx), aws.ToString(in.DashboardName)
	d, err := s.dashboards.Get(c.Account, name)
	if errors.Is(err, state.ErrNotFound) {
		return nil, noDashboard(name)
	}
	if err != nil {
		return nil, err
	}
	return &cloudwatch.GetDashboardOutput{DashboardArn: aws.String(dashboardARN(c, name)), DashboardBody: &d.Body, DashboardName: &d.Name}, nil
}

// DeleteDashboards removes dashboards: all that are named, or none if one is not there.
func (s *Service) DeleteDashboards(ctx context.Context, in *cloudwatch.DeleteDashboardsInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.DeleteDashboardsOutput, error) {
	c := awswire.CallerFrom(ctx)
	if len(in.DashboardNames) == 0 {
		return nil, missing("The parameter DashboardNames is required.")
	}
	for _, name := range in.DashboardNames {
		switch _, err := s.dashboards.Get(c.Account, name); {
		case errors.Is(err, state.ErrNotFound):
			return nil, noDashboard(name)
		case err != nil:
			return nil, err
		}
	}
	for _, name := range in.DashboardNames {
		if err := s.dashboards.Delete(ctx, c.Account, name); err != nil && !errors.Is(err, state.ErrNotFound) {
			return nil, err
		}
		if err := s.tags.Delete(ctx, dashboardARN(c, name)); err != nil {
			return nil, err
		}
	}
	return &cloudwatch.DeleteDashboardsOutput{}, nil
}

// ListDashboards lists dashboards by name.
func (s *Service) ListDashboards(ctx context.Context, in *cloudwatch.ListDashboardsInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.ListDashboardsOutput, error) {
	c := awswire.CallerFrom(ctx)
	all, err := s.dashboards.All(c.Account)
	if err != nil {
		return nil, err
	}
	var chosen []*dashboardDoc
	for _, d := range all {
		if strings.HasPrefix(d.Name, aws.ToString(in.DashboardNamePrefix)) {
			chosen = append(chosen, d)
		}
	}
	chosen, next, err := page.Of(chosen, func(d *dashboardDoc) string { return d.Name }, page.Request{Token: in.NextToken, Limit: 1000})
	if err != nil {
		return nil, invalidValue("The value %s for parameter NextToken is invalid.", aws.ToString(in.NextToken))
	}
	out := &cloudwatch.ListDashboardsOutput{DashboardEntries: []types.DashboardEntry{}, NextToken: next}
	for _, d := range chosen {
		out.DashboardEntries = append(out.DashboardEntries, types.DashboardEntry{
			DashboardArn: aws.String(dashboardARN(c, d.Name)), DashboardName: &d.Name, LastModified: &d.Modified, Size: aws.Int64(int64(len(d.Body))),
		})
	}
	return out, nil
}
