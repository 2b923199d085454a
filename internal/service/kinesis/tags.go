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
func (d *stream) tag(tags map[string]string) (err error) {
	d.Tags, err = addTags(d.Tags, tags, "stream "+d.Name, d.Account)
	return err
}

// addTags returns the old tags with new ones, or the old ones and an error. what is the
// resource in the error's words.
func addTags(old, tags map[string]string, what, account string) (map[string]string, error) {
	if err := checkLimitsTag(tags); err != nil {
		return old, err
	}
	for k, v := range tags {
		for _, text := range []string{k, v} {
			if strings.ContainsFunc(text, notInTags) {
				return old, badTagText()
			}
		}
		if strings.HasPrefix(strings.ToLower(k), "aws:") {
			return old, invalid("Failed to add tags to %s under account %s because tag keys that begin with aws: are reserved.", what, account)
		}
	}
	all := maps.Clone(old)
	if all == nil {
		all = make(map[string]string, len(tags))
	}
	maps.Copy(all, tags)
	if len(all) > maxTags {
		return old, invalid("Failed to add tags to %s under account %s because it cannot have more than %d tags associated with it.", what, account, maxTags)
	}
	return all, nil
}

func badTagText() error {
	return invalid("Some tags contain invalid characters. Valid characters: Unicode letters, digits, white space, _ . / = + - %% @ :.")
}

func notInTags(r rune) bool {
	return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsSpace(r) && !unicode.IsMark(r) && !strings.ContainsRune("_./=+-%@:", r)
}

func removeTags(old map[string]string, keys []string) map[string]string {
	left := maps.Clone(old)
	for _, k := range keys {
		delete(left, k)
	}
	return left
}

func tagList(tags map[string]string) []types.Tag {
	list := make([]types.Tag, 0, len(tags))
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		list = append(list, types.Tag{Key: aws.String(k), Value: aws.String(tags[k])})
	}
	return list
}

// AddTagsToStream adds tags to a stream, and replaces those of the same keys.
func (s *Service) AddTagsToStream(ctx context.Context, in *kinesis.AddTagsToStreamInput, _ ...func(*kinesis.Options)) (*kinesis.AddTagsToStreamOutput, error) {
	err := s.change(ctx, in.StreamName, in.StreamARN, in.StreamId, func(d *stream) error { return d.tag(in.Tags) })
	if err != nil {
		return nil, err
	}
	return &kinesis.AddTagsToStreamOutput{}, nil
}

// RemoveTagsFromStream removes tags by key; keys that the stream does not have are ignored.
func (s *Service) RemoveTagsFromStream(ctx context.Context, in *kinesis.RemoveTagsFromStreamInput, _ ...func(*kinesis.Options)) (*kinesis.RemoveTagsFromStreamOutput, error) {
	if slices.ContainsFunc(in.TagKeys, func(k string) bool { return strings.ContainsFunc(k, notInTags) }) {
		return nil, badTagText()
	}
	err := s.change(ctx, in.StreamName, in.StreamARN, in.StreamId, func(d *stream) error {
		d.Tags = removeTags(d.Tags, in.TagKeys)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &kinesis.RemoveTagsFromStreamOutput{}, nil
}

// change changes the document of an ACTIVE stream.
func (s *Service) change(ctx context.Context, name, arn, id *string, f func(*stream) error) error {
	d, err := s.find(ctx, name, arn, id)
	if err != nil {
		return err
	}
	_, err = s.modify(ctx, d, f)
	return err
}

// TagResource adds tags to a stream or a consumer.
func (s *Service) TagResource(ctx context.Context, in *kinesis.TagResourceInput, _ ...func(*kinesis.Options)) (*kinesis.TagResourceOutput, error) {
	err := s.changeResourceTags(ctx, in.ResourceARN, in.StreamId, func(old map[string]string, what, account string) (map[string]string, error) {
		return addTags(old, in.Tags, what, account)
	})
	if err != nil {
		return nil, err
	}
	return &kinesis.TagResourceOutput{}, nil
}

// UntagResource removes tags by key from a stream or a consumer.
func (s *Service) UntagResource(ctx context.Context, in *kinesis.UntagResourceInput, _ ...func(*kinesis.Options)) (*kinesis.UntagResourceOutput, error) {
	err := s.changeResourceTags(ctx, in.ResourceARN, in.StreamId, func(old map[string]string, _, _ string) (map[string]string, error) {
		return removeTags(old, in.TagKeys), nil
	})
	if err != nil {
		return nil, err
	}
	return &kinesis.UntagResourceOutput{}, nil
}

func (s *Service) changeResourceTags(ctx context.Context, arn, id *string, f func(old map[string]string, what, account string) (map[string]string, error)) error {
	if _, name, _ := splitConsumerARN(aws.ToString(arn)); name != "" {
		d, c, err := s.findConsumer(ctx, arn, nil, nil, id)
		if err != nil {
			return err
		}
		return s.modifyConsumer(ctx, d, c, func(c *consumer) (err error) {
			c.Tags, err = f(c.Tags, "consumer "+c.Name, d.Account)
			return err
		})
	}
	return s.change(ctx, nil, arn, id, func(d *stream) (err error) {
		d.Tags, err = f(d.Tags, "stream "+d.Name, d.Account)
		return err
	})
}

// ListTagsForStream returns a page of a stream's tags by key, 50 unless Limit says otherwise.
func (s *Service) ListTagsForStream(ctx context.Context, in *kinesis.ListTagsForStreamInput, _ ...func(*kinesis.Options)) (*kinesis.ListTagsForStreamOutput, error) {
	d, err := s.find(ctx, in.StreamName, in.StreamARN, in.StreamId)
	if err != nil {
		return nil, err
	}
	tags := tagList(d.Tags)
	if after := aws.ToString(in.ExclusiveStartTagKey); after != "" {
		tags = slices.DeleteFunc(tags, func(t types.Tag) bool { return *t.Key <= after })
	}
	n := pageSize(in.Limit, maxTags)
	return &kinesis.ListTagsForStreamOutput{Tags: tags[:min(n, len(tags))], HasMoreTags: aws.Bool(len(tags) > n)}, nil
}

// ListTagsForResource returns all tags of a stream or a consumer.
func (s *Service) ListTagsForResource(ctx context.Context, in *kinesis.ListTagsForResourceInput, _ ...func(*kinesis.Options)) (*kinesis.ListTagsForResourceOutput, error) {
	if _, name, _ := splitConsumerARN(aws.ToString(in.ResourceARN)); name != "" {
		_, c, err := s.findConsumer(ctx, in.ResourceARN, nil, nil, in.StreamId)
		if err != nil {
			return nil, err
		}
		return &kinesis.ListTagsForResourceOutput{Tags: tagList(c.Tags)}, nil
	}
	d, err := s.find(ctx, nil, in.ResourceARN, in.StreamId)
	if err != nil {
		return nil, err
	}
	return &kinesis.ListTagsForResourceOutput{Tags: tagList(d.Tags)}, nil
}
