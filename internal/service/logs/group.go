package logs

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	logs "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/brookmere/brookmere/internal/awskit/page"
	"github.com/brookmere/brookmere/internal/awskit/scope"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/state"
	"github.com/brookmere/brookmere/internal/engine/tags"
)

// retentions are the days that a retention may have.
var retentions = []int32{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}

// CreateLogGroup makes a log group. KMS keys are stored.
func (s *Service) CreateLogGroup(ctx context.Context, in *logs.CreateLogGroupInput, _ ...func(*logs.Options)) (*logs.CreateLogGroupOutput, error) {
	sc := scope.Of(ctx)
	name := aws.ToString(in.LogGroupName)
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	d := &groupDoc{
		Account: sc.Account, Region: sc.Region, Name: name, ID: newID(), Created: s.nowMillis(),
		KMSKey: aws.ToString(in.KmsKeyId), Class: cmp.Or(string(in.LogGroupClass), string(types.LogGroupClassStandard)),
		Protected: aws.ToBool(in.DeletionProtectionEnabled),
	}
	if len(in.Tags) > 0 {
		// By the id, which is not there before the group is.
		if err := s.addTags(ctx, d, in.Tags); err != nil {
			return nil, err
		}
	}
	if err := s.groups.Create(ctx, d, sc.Key(name)...); err != nil {
		if len(in.Tags) > 0 {
			err = errors.Join(err, s.tags.Delete(ctx, d.key()...))
		}
		return nil, err
	}
	return &logs.CreateLogGroupOutput{}, nil
}

// DeleteLogGroup removes a group with its streams, filters and events.
func (s *Service) DeleteLogGroup(ctx context.Context, in *logs.DeleteLogGroupInput, _ ...func(*logs.Options)) (*logs.DeleteLogGroupOutput, error) {
	d, err := s.group(ctx, aws.ToString(in.LogGroupName))
	if err != nil {
		return nil, err
	}
	if d.Protected {
		return nil, awswire.Validationf("Log group %s cannot be deleted because deletion protection is enabled.", d.Name)
	}
	// What is undone is marked first, so that a crash leaves nothing behind.
	if err := s.dead.Put(ctx, &deadDoc{d.Account, d.Region, d.Name, d.ID}, d.ID); err != nil {
		return nil, err
	}
	if err := s.groups.Delete(ctx, d.scope().Key(d.Name)...); err != nil {
		return nil, err
	}
	return &logs.DeleteLogGroupOutput{}, s.bury(ctx, &deadDoc{d.Account, d.Region, d.Name, d.ID})
}

// bury removes what is left of a group.
func (s *Service) bury(ctx context.Context, d *deadDoc) error {
	g := &groupDoc{Account: d.Account, Region: d.Region, ID: d.ID}
	var errs []error
	for it, err := range s.subscriptions.List(g.key()...) {
		if err == nil {
			errs = append(errs, s.removePosition(ctx, it.Value.ID))
		}
	}
	for it, err := range s.metrics.List(g.key()...) {
		if err == nil {
			errs = append(errs, s.removePosition(ctx, it.Value.ID))
		}
	}
	errs = append(errs, s.subscriptions.DeleteAll(ctx, g.key()...), s.metrics.DeleteAll(ctx, g.key()...), s.streams.DeleteAll(ctx, g.key()...),
		s.tags.Delete(ctx, g.key()...), s.store.Remove(ctx, g.in()))
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return s.dead.Delete(ctx, d.ID)
}

// removeDead ends removals that a crash has cut off.
func (s *Service) removeDead(ctx context.Context) error {
	for it, err := range s.dead.List() {
		if err != nil {
			return err
		}
		d := it.Value
		g, err := s.groups.Get(d.Account, d.Region, d.Name)
		if err != nil && !isNotFound(err) {
			return err
		}
		if err == nil && g.ID == d.ID { // it was not removed after all
			err = s.dead.Delete(ctx, d.ID)
		} else {
			err = s.bury(ctx, d)
		}
		if err != nil && !errors.Is(err, state.ErrNotFound) {
			return err
		}
	}
	return nil
}

func isNotFound(err error) bool {
	var nf *types.ResourceNotFoundException
	return errors.As(err, &nf)
}

// DescribeLogGroups lists groups by name.
func (s *Service) DescribeLogGroups(ctx context.Context, in *logs.DescribeLogGroupsInput, _ ...func(*logs.Options)) (*logs.DescribeLogGroupsOutput, error) {
	prefix, pattern := aws.ToString(in.LogGroupNamePrefix), aws.ToString(in.LogGroupNamePattern)
	if prefix != "" && pattern != "" {
		return nil, invalid("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.")
	}
	var wanted map[string]bool
	if len(in.LogGroupIdentifiers) > 0 {
		if prefix != "" || pattern != "" {
			return nil, invalid("LogGroupIdentifiers cannot be combined with other filters.")
		}
		wanted = map[string]bool{}
		for _, id := range in.LogGroupIdentifiers {
			name, err := groupName(ctx, id)
			if err != nil {
				return nil, err
			}
			wanted[name] = true
		}
	}
	groups, err := s.listGroups(ctx, func(d *groupDoc) bool {
		return strings.HasPrefix(d.Name, prefix) && strings.Contains(d.Name, pattern) && (wanted == nil || wanted[d.Name]) &&
			(in.LogGroupClass == "" || d.Class == string(in.LogGroupClass))
	})
	if err != nil {
		return nil, err
	}
	groups, next, err := page.Of(groups, func(d *groupDoc) string { return d.Name }, page.Request{Token: in.NextToken, Max: in.Limit, Limit: 50})
	if err != nil {
		return nil, badToken()
	}
	out := &logs.DescribeLogGroupsOutput{LogGroups: []types.LogGroup{}, NextToken: next}
	for _, d := range groups {
		if pattern != "" {
			out.LogGroups = append(out.LogGroups, types.LogGroup{
				Arn: aws.String(d.arn() + ":*"), CreationTime: &d.Created, LogGroupName: &d.Name, LogGroupArn: aws.String(d.arn()),
				LogGroupClass: types.LogGroupClass(d.Class), MetricFilterCount: aws.Int32(s.filterCount(d)),
			})
			continue
		}
		g, err := s.describeGroup(ctx, d)
		if err != nil {
			return nil, err
		}
		out.LogGroups = append(out.LogGroups, g)
	}
	return out, nil
}

// filterCount is how many metric filters a group has.
func (s *Service) filterCount(d *groupDoc) int32 {
	n := int32(0)
	for range s.metrics.Keys(d.key()...) {
		n++
	}
	return n
}

func (s *Service) describeGroup(ctx context.Context, d *groupDoc) (types.LogGroup, error) {
	info, err := s.store.Info(ctx, d.in())
	if err != nil {
		return types.LogGroup{}, err
	}
	g := types.LogGroup{
		LogGroupName: aws.String(d.Name), CreationTime: aws.Int64(d.Created), Arn: aws.String(d.arn() + ":*"), LogGroupArn: aws.String(d.arn()),
		StoredBytes: aws.Int64(info.Text), MetricFilterCount: aws.Int32(s.filterCount(d)), KmsKeyId: text(d.KMSKey), LogGroupClass: types.LogGroupClass(d.Class),
		DeletionProtectionEnabled: aws.Bool(d.Protected),
	}
	if d.Retention > 0 {
		g.RetentionInDays = aws.Int32(d.Retention)
	}
	return g, nil
}

// listGroups lists groups of the caller's, by name.
func (s *Service) listGroups(ctx context.Context, wanted func(*groupDoc) bool) ([]*groupDoc, error) {
	return s.groupsIn(scope.Of(ctx), wanted)
}

func (s *Service) groupsIn(sc scope.Scope, wanted func(*groupDoc) bool) ([]*groupDoc, error) {
	all, err := s.groups.All(sc.Key()...)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(d *groupDoc) bool { return !wanted(d) })
	slices.SortFunc(all, func(a, b *groupDoc) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}

// ListLogGroups lists groups by parts of their names: "a|^b" are those with a in them, or with b at their beginning.
func (s *Service) ListLogGroups(ctx context.Context, in *logs.ListLogGroupsInput, _ ...func(*logs.Options)) (*logs.ListLogGroupsOutput, error) {
	if len(in.DataSources)+len(in.FieldIndexNames)+len(in.LogGroupTags) > 0 {
		return nil, invalid("Listing log groups by data sources, field indexes or tags is not supported.")
	}
	pattern := aws.ToString(in.LogGroupNamePattern)
	groups, err := s.listGroups(ctx, func(d *groupDoc) bool {
		if in.LogGroupClass != "" && d.Class != string(in.LogGroupClass) {
			return false
		}
		for p := range strings.SplitSeq(pattern, "|") {
			if rest, ok := strings.CutPrefix(p, "^"); ok && strings.HasPrefix(d.Name, rest) || !ok && strings.Contains(d.Name, p) {
				return true
			}
		}
		return false
	})
	if err != nil {
		return nil, err
	}
	groups, next, err := page.Of(groups, func(d *groupDoc) string { return d.Name }, page.Request{Token: in.NextToken, Max: in.Limit, Limit: 1000})
	if err != nil {
		return nil, badToken()
	}
	out := &logs.ListLogGroupsOutput{LogGroups: []types.LogGroupSummary{}, NextToken: next}
	for _, d := range groups {
		out.LogGroups = append(out.LogGroups, types.LogGroupSummary{LogGroupName: aws.String(d.Name), LogGroupArn: aws.String(d.arn()), LogGroupClass: types.LogGroupClass(d.Class)})
	}
	return out, nil
}

// change changes a group of the caller's; f may run more than once.
func (s *Service) change(ctx context.Context, name string, f func(*groupDoc) error) (*groupDoc, error) {
	return s.groups.Modify(ctx, f, scope.Of(ctx).Key(name)...)
}

// PutRetentionPolicy sets for how many days events are kept. Those that are older go at once.
func (s *Service) PutRetentionPolicy(ctx context.Context, in *logs.PutRetentionPolicyInput, _ ...func(*logs.Options)) (*logs.PutRetentionPolicyOutput, error) {
	days := aws.ToInt32(in.RetentionInDays)
	if !slices.Contains(retentions, days) {
		return nil, invalid("1 validation error detected: Value '%d' at 'retentionInDays' failed to satisfy constraint: Member must satisfy enum value set: %s",
			days, strings.ReplaceAll(strings.Trim(strings.Join(strings.Fields(sprint(retentions)), ", "), "[]"), ",,", ","))
	}
	return &logs.PutRetentionPolicyOutput{}, s.retain(ctx, in.LogGroupName, days)
}

// DeleteRetentionPolicy lets events stay for ever.
func (s *Service) DeleteRetentionPolicy(ctx context.Context, in *logs.DeleteRetentionPolicyInput, _ ...func(*logs.Options)) (*logs.DeleteRetentionPolicyOutput, error) {
	return &logs.DeleteRetentionPolicyOutput{}, s.retain(ctx, in.LogGroupName, 0)
}

func (s *Service) retain(ctx context.Context, name *string, days int32) error {
	d, err := s.change(ctx, aws.ToString(name), func(d *groupDoc) error { d.Retention = days; return nil })
	if err != nil {
		return err
	}
	return s.store.SetRetention(ctx, d.in(), d.retention())
}

// PutLogGroupDeletionProtection guards a group from DeleteLogGroup, or no longer.
func (s *Service) PutLogGroupDeletionProtection(ctx context.Context, in *logs.PutLogGroupDeletionProtectionInput, _ ...func(*logs.Options)) (*logs.PutLogGroupDeletionProtectionOutput, error) {
	name, err := groupName(ctx, aws.ToString(in.LogGroupIdentifier))
	if err != nil {
		return nil, err
	}
	_, err = s.change(ctx, name, func(d *groupDoc) error { d.Protected = aws.ToBool(in.DeletionProtectionEnabled); return nil })
	return &logs.PutLogGroupDeletionProtectionOutput{}, err
}

// AssociateKmsKey stores the key of a group.
func (s *Service) AssociateKmsKey(ctx context.Context, in *logs.AssociateKmsKeyInput, _ ...func(*logs.Options)) (*logs.AssociateKmsKeyOutput, error) {
	name, err := kmsGroup(ctx, in.LogGroupName, in.ResourceIdentifier)
	if err != nil {
		return nil, err
	}
	_, err = s.change(ctx, name, func(d *groupDoc) error { d.KMSKey = aws.ToString(in.KmsKeyId); return nil })
	return &logs.AssociateKmsKeyOutput{}, err
}

// DisassociateKmsKey forgets the key of a group.
func (s *Service) DisassociateKmsKey(ctx context.Context, in *logs.DisassociateKmsKeyInput, _ ...func(*logs.Options)) (*logs.DisassociateKmsKeyOutput, error) {
	name, err := kmsGroup(ctx, in.LogGroupName, in.ResourceIdentifier)
	if err != nil {
		return nil, err
	}
	_, err = s.change(ctx, name, func(d *groupDoc) error { d.KMSKey = ""; return nil })
	return &logs.DisassociateKmsKeyOutput{}, err
}

func kmsGroup(ctx context.Context, name, resource *string) (string, error) {
	switch {
	case name != nil && resource != nil:
		return "", invalid("LogGroupName and ResourceIdentifier are mutually exclusive parameters.")
	case name != nil:
		return *name, nil
	case resource == nil:
		return "", invalid("At least one of LogGroupName or ResourceIdentifier must be provided.")
	case strings.Contains(*resource, ":query-result:"):
		return "", invalid("Keys of query results are not supported.")
	}
	return groupName(ctx, *resource)
}

func (s *Service) addTags(ctx context.Context, d *groupDoc, t map[string]string) error {
	err := s.tags.Add(ctx, t, d.key()...)
	if errors.Is(err, tags.ErrTooMany) {
		return &types.TooManyTagsException{Message: aws.String("The resource has too many tags."), ResourceName: aws.String(d.arn())}
	}
	return err
}

func checkTags(t map[string]string) error {
	if len(t) > tags.Max {
		return invalid("A log group cannot have more than %d tags.", tags.Max)
	}
	for k := range t {
		if strings.HasPrefix(strings.ToLower(k), "aws:") {
			return invalid("Tag keys cannot begin with aws:")
		}
	}
	return nil
}

// tagged is the group of an ARN, of which operations on tags know none with :* behind it.
func (s *Service) tagged(ctx context.Context, resource *string) (*groupDoc, error) {
	r := aws.ToString(resource)
	if !strings.Contains(r, ":log-group:") {
		return nil, notFound("The specified resource does not exist.")
	}
	return s.byIdentifier(ctx, r)
}

// TagResource adds tags to a group.
func (s *Service) TagResource(ctx context.Context, in *logs.TagResourceInput, _ ...func(*logs.Options)) (*logs.TagResourceOutput, error) {
	d, err := s.tagged(ctx, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	return &logs.TagResourceOutput{}, s.addTags(ctx, d, in.Tags)
}

// UntagResource takes tags away.
func (s *Service) UntagResource(ctx context.Context, in *logs.UntagResourceInput, _ ...func(*logs.Options)) (*logs.UntagResourceOutput, error) {
	d, err := s.tagged(ctx, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	return &logs.UntagResourceOutput{}, s.tags.Remove(ctx, in.TagKeys, d.key()...)
}

// ListTagsForResource lists the tags of a group.
func (s *Service) ListTagsForResource(ctx context.Context, in *logs.ListTagsForResourceInput, _ ...func(*logs.Options)) (*logs.ListTagsForResourceOutput, error) {
	d, err := s.tagged(ctx, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	return &logs.ListTagsForResourceOutput{Tags: s.tags.Of(d.key()...)}, nil
}

// TagLogGroup is TagResource by the group's name.
func (s *Service) TagLogGroup(ctx context.Context, in *logs.TagLogGroupInput, _ ...func(*logs.Options)) (*logs.TagLogGroupOutput, error) {
	d, err := s.group(ctx, aws.ToString(in.LogGroupName))
	if err != nil {
		return nil, err
	}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	return &logs.TagLogGroupOutput{}, s.addTags(ctx, d, in.Tags)
}

// UntagLogGroup is UntagResource by the group's name.
func (s *Service) UntagLogGroup(ctx context.Context, in *logs.UntagLogGroupInput, _ ...func(*logs.Options)) (*logs.UntagLogGroupOutput, error) {
	d, err := s.group(ctx, aws.ToString(in.LogGroupName))
	if err != nil {
		return nil, err
	}
	return &logs.UntagLogGroupOutput{}, s.tags.Remove(ctx, in.Tags, d.key()...)
}

// ListTagsLogGroup is ListTagsForResource by the group's name.
func (s *Service) ListTagsLogGroup(ctx context.Context, in *logs.ListTagsLogGroupInput, _ ...func(*logs.Options)) (*logs.ListTagsLogGroupOutput, error) {
	d, err := s.group(ctx, aws.ToString(in.LogGroupName))
	if err != nil {
		return nil, err
	}
	return &logs.ListTagsLogGroupOutput{Tags: s.tags.Of(d.key()...)}, nil
}
