package kinesis

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// accountSettings is the document of an account's settings in a region.
type accountSettings struct {
	Billing string    `json:"billing,omitempty"` // MinimumThroughputBillingCommitment; empty: DISABLED
	Since   time.Time `json:"since,omitzero"`    // when that was set
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
	return &kinesis.DescribeAccountSettingsOutput{MinimumThroughputBillingCommitment: a.commitment()}, nil
}

// UpdateAccountSettings keeps the account's settings in the region. They change nothing
// else. A commitment can be ended at once; Kinesis holds one to its earliest end.
func (s *Service) UpdateAccountSettings(ctx context.Context, in *kinesis.UpdateAccountSettingsInput, _ ...func(*kinesis.Options)) (*kinesis.UpdateAccountSettingsOutput, error) {
	caller := awswire.CallerFrom(ctx)
	a := &accountSettings{Billing: string(in.MinimumThroughputBillingCommitment.Status), Since: s.now()}
	if err := s.settings.Put(ctx, a, caller.Account, caller.Region); err != nil {
		return nil, err
	}
	return &kinesis.UpdateAccountSettingsOutput{MinimumThroughputBillingCommitment: a.commitment()}, nil
}

func (a *accountSettings) commitment() *types.MinimumThroughputBillingCommitmentOutput {
	out := &types.MinimumThroughputBillingCommitmentOutput{Status: types.MinimumThroughputBillingCommitmentOutputStatusDisabled}
	if a.Billing == string(types.MinimumThroughputBillingCommitmentInputStatusEnabled) {
		out.Status = types.MinimumThroughputBillingCommitmentOutputStatusEnabled
		out.StartedAt = &a.Since
	}
	return out
}
