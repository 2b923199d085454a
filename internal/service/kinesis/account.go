package kinesis

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// accountSettings is the document of an account's settings in a region.
type accountSettings struct {
	Billing string `json:"billing,omitempty"` // MinimumThroughputBillingCommitment; empty: DISABLED
}

// DescribeAccountSettings returns the account's settings in the region.
func (s *Service) DescribeAccountSettings(ctx context.Context, _ *kinesis.DescribeAccountSettingsInput, _ ...func(*kinesis.Options)) (*kinesis.DescribeAccountSettingsOutput, error) {
	caller := awswire.CallerFrom(ctx)
	a, err := s.settings.Get(caller.Account, caller.Region)
	if errors.Is(err, state.ErrNotFound) {
		a, err = new(accountSettings), nil
	}
	if err != nil {
		return nil, err
	}
	status := types.MinimumThroughputBillingCommitmentOutputStatusDisabled
	if a.Billing != "" {
		status = types.MinimumThroughputBillingCommitmentOutputStatus(a.Billing)
	}
	return &kinesis.DescribeAccountSettingsOutput{
		MinimumThroughputBillingCommitment: &types.MinimumThroughputBillingCommitmentOutput{Status: status},
	}, nil
}
