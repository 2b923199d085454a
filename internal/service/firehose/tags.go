package firehose

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/aws/aws-sdk-go-v2/service/firehose/types"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/state"
)

const maxTags = 50

// TagDeliveryStream adds tags, or changes those of the same key.
func (s *Service) TagDeliveryStream(ctx context.Context, in *firehose.TagDeliveryStreamInput, _ ...func(*firehose.Options)) (*firehose.TagDeliveryStreamOutput, error) {
	if err := s.checkCompaction(in.Tags); err != nil {
		return nil, err
	}
	err := s.tag(ctx, aws.ToString(in.DeliveryStreamName), func(d *streamDoc) (err error) {
		d.Tags, err = addTags(d.Tags, in.Tags)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &firehose.TagDeliveryStreamOutput{}, nil
}

// UntagDeliveryStream removes tags; keys that are not there are no error.
func (s *Service) UntagDeliveryStream(ctx context.Context, in *firehose.UntagDeliveryStreamInput, _ ...func(*firehose.Options)) (*firehose.UntagDeliveryStreamOutput, error) {
	err := s.tag(ctx, aws.ToString(in.DeliveryStreamName), func(d *streamDoc) error {
		d.Tags = slices.DeleteFunc(slices.Clone(d.Tags), func(t tag) bool { return slices.Contains(in.TagKeys, t.Key) })
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &firehose.UntagDeliveryStreamOutput{}, nil
}

// ListTagsForDeliveryStream lists tags in the order in which they were added, fifty at a
// time unless told otherwise, after the start key if there is one of that key.
func (s *Service) ListTagsForDeliveryStream(ctx context.Context, in *firehose.ListTagsForDeliveryStreamInput, _ ...func(*firehose.Options)) (*firehose.ListTagsForDeliveryStreamOutput, error) {
	st, err := s.lookup(ctx, aws.ToString(in.DeliveryStreamName))
	if err != nil {
		return nil, err
	}
	limit := maxTags
	if in.Limit != nil {
		limit = int(*in.Limit)
	}
	out := &firehose.ListTagsForDeliveryStreamOutput{Tags: []types.Tag{}, HasMoreTags: aws.Bool(false)}
	tags := st.doc.Load().Tags
	tags = tags[tagIndex(tags, aws.ToString(in.ExclusiveStartTagKey))+1:]
	for _, t := range tags {
		if len(out.Tags) == limit {
			out.HasMoreTags = aws.Bool(true)
			break
		}
		out.Tags = append(out.Tags, types.Tag{Key: aws.String(t.Key), Value: t.Value})
	}
	return out, nil
}

// tagIndex is the place of the tag of a key, or -1.
func tagIndex(tags []tag, key string) int {
	return slices.IndexFunc(tags, func(t tag) bool { return t.Key == key })
}

// tag changes the tags of the caller's delivery stream, and what they say is done.
func (s *Service) tag(ctx context.Context, name string, f func(*streamDoc) error) error {
	st, err := s.lookup(ctx, name)
	if err != nil {
		return err
	}
	if err := s.modify(ctx, name, f); err != nil {
		return err
	}
	s.runner.Refresh(st.doc.Load().path()...)
	return nil
}

// addTags returns old with the tags added at its end, or changed where they are.
func addTags(old []tag, add []types.Tag) ([]tag, error) {
	tags := slices.Clone(old)
	for _, a := range add {
		k := aws.ToString(a.Key)
		if strings.HasPrefix(strings.ToLower(k), "aws:") {
			return nil, invalid("Tag key %s is reserved: keys must not begin with aws:", k)
		}
		if i := tagIndex(tags, k); i >= 0 {
			tags[i].Value = a.Value
		} else {
			tags = append(tags, tag{k, a.Value})
		}
	}
	if len(tags) > maxTags {
		m := "A delivery stream cannot have more than 50 tags"
		return nil, &types.LimitExceededException{Message: &m}
	}
	return tags, checkLimitsTag(tags)
}

// modify changes the document of the caller's delivery stream.
func (s *Service) modify(ctx context.Context, name string, f func(*streamDoc) error) error {
	st, err := s.lookup(ctx, name)
	if err != nil {
		return err
	}
	id := st.doc.Load().ID
	st.docMu.Lock()
	defer st.docMu.Unlock()
	d, err := s.docs.Modify(ctx, func(d *streamDoc) error {
		if d.ID != id || d.Deleting {
			return notFound(d.Account, d.Name)
		}
		return f(d)
	}, st.doc.Load().path()...)
	if errors.Is(err, state.ErrNotFound) { // removed meanwhile
		return notFound(awswire.CallerFrom(ctx).Account, name)
	}
	if err != nil {
		return err
	}
	st.doc.Store(d)
	return nil
}
