package dynamodb

import (
	"context"
	"maps"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

const maxTags = 50

// checkTags returns the tags of a table with others added.
func checkTags(in []types.Tag, have map[string]string) (map[string]string, error) {
	if len(in) == 0 {
		return have, nil
	}
	out := maps.Clone(have)
	if out == nil {
		out = map[string]string{}
	}
	seen := map[string]bool{}
	for _, t := range in {
		k, v := aws.ToString(t.Key), aws.ToString(t.Value)
		switch {
		case k == "" || utf8.RuneCountInString(k) > 128:
			return nil, invalidValue("Tag keys must be between 1 and 128 characters")
		case utf8.RuneCountInString(v) > 256:
			return nil, invalidValue("Tag values must be at most 256 characters")
		case strings.HasPrefix(strings.ToLower(k), "aws:"):
			return nil, invalidValue("Tag keys cannot begin with aws:")
		case seen[k]:
			return nil, invalidValue("Duplicate tag key found: %s", k)
		}
		seen[k] = true
		out[k] = v
	}
	if len(out) > maxTags {
		return nil, invalidValue("Too many tags: Number of tags exceeds the limit of %d", maxTags)
	}
	return out, nil
}

// TagResource adds tags to a table.
func (s *Service) TagResource(ctx context.Context, in *dynamodb.TagResourceInput, _ ...func(*dynamodb.Options)) (*dynamodb.TagResourceOutput, error) {
	d, err := s.arnOwner(ctx, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	if len(in.Tags) == 0 {
		return nil, invalid("Atleast one Tag needs to be provided as Input.")
	}
	_, err = s.modify(ctx, d, func(d *table) (err error) {
		d.Tags, err = checkTags(in.Tags, d.Tags)
		return err
	})
	return &dynamodb.TagResourceOutput{}, err
}

// UntagResource removes tags of a table.
func (s *Service) UntagResource(ctx context.Context, in *dynamodb.UntagResourceInput, _ ...func(*dynamodb.Options)) (*dynamodb.UntagResourceOutput, error) {
	d, err := s.arnOwner(ctx, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	if len(in.TagKeys) == 0 {
		return nil, invalid("Atleast one Tag Key needs to be provided as Input.")
	}
	_, err = s.modify(ctx, d, func(d *table) error {
		for _, k := range in.TagKeys {
			delete(d.Tags, k)
		}
		return nil
	})
	return &dynamodb.UntagResourceOutput{}, err
}

// ListTagsOfResource lists the tags of a table.
func (s *Service) ListTagsOfResource(ctx context.Context, in *dynamodb.ListTagsOfResourceInput, _ ...func(*dynamodb.Options)) (*dynamodb.ListTagsOfResourceOutput, error) {
	d, err := s.arnOwner(ctx, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	out := &dynamodb.ListTagsOfResourceOutput{Tags: []types.Tag{}}
	for _, k := range sortedKeys(d.Tags) {
		out.Tags = append(out.Tags, types.Tag{Key: aws.String(k), Value: aws.String(d.Tags[k])})
	}
	return out, nil
}
