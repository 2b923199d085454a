package dynamodb

import (
	"context"
	"maps"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

const maxTags = 50

// checkTags returns the tags of a table with others added.
func checkTags(in []types.Tag, have map[string]string) (map[string]string, error) {
	if err := tagsFirst(in); err != nil || len(in) == 0 {
		return have, err
	}
	out := maps.Clone(have)
	if out == nil {
		out = map[string]string{}
	}
	for _, t := range in {
		out[*t.Key] = *t.Value
	}
	if len(out) > maxTags {
		return nil, invalid("Number of Tags exceed the current limit for the provided ResourceArn")
	}
	return out, nil
}

// tagsFirst checks each tag of a request, before what the model says of them.
func tagsFirst(in []types.Tag) error {
	seen := map[string]bool{}
	for _, t := range in {
		if err := tagKey(t.Key); err != nil {
			return err
		}
		switch k := *t.Key; {
		case t.Value == nil || utf8.RuneCountInString(*t.Value) > 256 || !tagText(*t.Value):
			return invalid("The Tag Value provided is invalid, Value: %s", orNull(t.Value))
		case strings.HasPrefix(strings.ToLower(k), "aws:"):
			return invalid("Tag Key cannot be prefixed with aws:, Key: %s", k)
		case seen[k]:
			return invalid("Duplicate Tag Keys provided as input: Duplicate Tag Key found %s", k)
		}
		seen[*t.Key] = true
	}
	return nil
}

func tagKey(k *string) error {
	if k == nil || *k == "" || utf8.RuneCountInString(*k) > 128 || !tagText(*k) {
		return invalid("The Tag Key provided is invalid, Key: %s", orNull(k))
	}
	return nil
}

// tagText reports whether a text has the characters of tags alone.
func tagText(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.IsMark(r) && !unicode.Is(unicode.Z, r) && !strings.ContainsRune("_.:/=+-@", r)
	})
}

func orNull(s *string) string {
	if s == nil {
		return "null"
	}
	return *s
}

// TagResource adds tags to a table.
func (s *Service) TagResource(ctx context.Context, in *dynamodb.TagResourceInput, _ ...func(*dynamodb.Options)) (*dynamodb.TagResourceOutput, error) {
	d, err := s.arnOwner(ctx, "TagResource", in.ResourceArn)
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
	d, err := s.arnOwner(ctx, "UntagResource", in.ResourceArn)
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
	d, err := s.arnOwner(ctx, "ListTagsOfResource", in.ResourceArn)
	if err != nil {
		return nil, err
	}
	out := &dynamodb.ListTagsOfResourceOutput{Tags: []types.Tag{}}
	for _, k := range sortedKeys(d.Tags) {
		out.Tags = append(out.Tags, types.Tag{Key: aws.String(k), Value: aws.String(d.Tags[k])})
	}
	return out, nil
}
