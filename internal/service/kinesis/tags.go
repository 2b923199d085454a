package kinesis

import (
	"context"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// maxTags is the most tags of a stream.
const maxTags = 50

// tag adds tags to the stream, or none of them.
func (d *stream) tag(tags map[string]string) error {
	for k, v := range tags {
		for _, text := range []string{k, v} {
			if strings.ContainsFunc(text, notInTags) {
				return invalid("Some tags contain invalid characters. Valid characters: Unicode letters, digits, white space, _ . / = + - %% @ :.")
			}
		}
		if strings.HasPrefix(strings.ToLower(k), "aws:") {
			return invalid("Failed to add tags to stream %s under account %s because tag keys that begin with aws: are reserved.", d.Name, d.Account)
		}
	}
	all := maps.Clone(d.Tags)
	if all == nil {
		all = make(map[string]string, len(tags))
	}
	maps.Copy(all, tags)
	if len(all) > maxTags {
		return invalid("Failed to add tags to stream %s under account %s because a given stream cannot have more than %d tags associated with it.", d.Name, d.Account, maxTags)
	}
	d.Tags = all
	return nil
}

func notInTags(r rune) bool {
	return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsSpace(r) && !unicode.IsMark(r) && !strings.ContainsRune("_./=+-%@:", r)
}

func (d *stream) untag(keys []string) error {
	d.Tags = maps.Clone(d.Tags)
	for _, k := range keys {
		delete(d.Tags, k)
	}
	return nil
}

func (d *stream) tagList() []types.Tag {
	tags := make([]types.Tag, 0, len(d.Tags))
	for _, k := range slices.Sorted(maps.Keys(d.Tags)) {
		tags = append(tags, types.Tag{Key: aws.String(k), Value: aws.String(d.Tags[k])})
	}
	return tags
}

// AddTagsToStream adds tags to a stream, and replaces those of the same keys.
func (s *Service) AddTagsToStream(ctx context.Context, in *kinesis.AddTagsToStreamInput, _ ...func(*kinesis.Options)) (*kinesis.AddTagsToStreamOutput, error) {
	err := s.changeTags(ctx, in.StreamName, in.StreamARN, in.StreamId, func(d *stream) error { return d.tag(in.Tags) })
	if err != nil {
		return nil, err
	}
	return &kinesis.AddTagsToStreamOutput{}, nil
}

// RemoveTagsFromStream removes tags by key; keys that the stream does not have are ignored.
func (s *Service) RemoveTagsFromStream(ctx context.Context, in *kinesis.RemoveTagsFromStreamInput, _ ...func(*kinesis.Options)) (*kinesis.RemoveTagsFromStreamOutput, error) {
	err := s.changeTags(ctx, in.StreamName, in.StreamARN, in.StreamId, func(d *stream) error { return d.untag(in.TagKeys) })
	if err != nil {
		return nil, err
	}
	return &kinesis.RemoveTagsFromStreamOutput{}, nil
}

// TagResource is AddTagsToStream for a resource by its ARN.
func (s *Service) TagResource(ctx context.Context, in *kinesis.TagResourceInput, _ ...func(*kinesis.Options)) (*kinesis.TagResourceOutput, error) {
	err := s.changeTags(ctx, nil, in.ResourceARN, in.StreamId, func(d *stream) error { return d.tag(in.Tags) })
	if err != nil {
		return nil, err
	}
	return &kinesis.TagResourceOutput{}, nil
}

// UntagResource is RemoveTagsFromStream for a resource by its ARN.
func (s *Service) UntagResource(ctx context.Context, in *kinesis.UntagResourceInput, _ ...func(*kinesis.Options)) (*kinesis.UntagResourceOutput, error) {
	err := s.changeTags(ctx, nil, in.ResourceARN, in.StreamId, func(d *stream) error { return d.untag(in.TagKeys) })
	if err != nil {
		return nil, err
	}
	return &kinesis.UntagResourceOutput{}, nil
}

func (s *Service) changeTags(ctx context.Context, name, arn, id *string, f func(*stream) error) error {
	d, err := s.find(ctx, name, arn, id)
	if err != nil {
		return err
	}
	_, err = s.modify(ctx, d, f)
	return err
}

// ListTagsForStream returns a page of a stream's tags by key, 50 unless Limit says otherwise.
func (s *Service) ListTagsForStream(ctx context.Context, in *kinesis.ListTagsForStreamInput, _ ...func(*kinesis.Options)) (*kinesis.ListTagsForStreamOutput, error) {
	d, err := s.find(ctx, in.StreamName, in.StreamARN, in.StreamId)
	if err != nil {
		return nil, err
	}
	tags := d.tagList()
	if after := aws.ToString(in.ExclusiveStartTagKey); after != "" {
		tags = slices.DeleteFunc(tags, func(t types.Tag) bool { return *t.Key <= after })
	}
	n := pageSize(in.Limit, maxTags)
	return &kinesis.ListTagsForStreamOutput{Tags: tags[:min(n, len(tags))], HasMoreTags: aws.Bool(len(tags) > n)}, nil
}

// ListTagsForResource returns all tags of a resource by its ARN.
func (s *Service) ListTagsForResource(ctx context.Context, in *kinesis.ListTagsForResourceInput, _ ...func(*kinesis.Options)) (*kinesis.ListTagsForResourceOutput, error) {
	d, err := s.find(ctx, nil, in.ResourceARN, in.StreamId)
	if err != nil {
		return nil, err
	}
	return &kinesis.ListTagsForResourceOutput{Tags: d.tagList()}, nil
}
