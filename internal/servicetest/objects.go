package servicetest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"github.com/brookmere/brookmere/internal/awswire"
)

// Objects is a store of objects in the shape of the SDK's client, as services use one and their
// tests stand in for one.
type Objects interface {
	HeadBucket(context.Context, *s3.HeadBucketInput, ...func(*s3.Options)) (*s3.HeadBucketOutput, error)
	PutObject(context.Context, *s3.PutObjectInput, ...func(*s3.Options)) (*s3.PutObjectOutput, error)
	GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error)
	CopyObject(context.Context, *s3.CopyObjectInput, ...func(*s3.Options)) (*s3.CopyObjectOutput, error)
	DeleteObject(context.Context, *s3.DeleteObjectInput, ...func(*s3.Options)) (*s3.DeleteObjectOutput, error)
	ListObjectsV2(context.Context, *s3.ListObjectsV2Input, ...func(*s3.Options)) (*s3.ListObjectsV2Output, error)
}

// ObjectService lets files of calls be run against a store of objects. Bodies are texts, and
// answers have what services read of them.
type ObjectService struct{ Objects Objects }

// API is that of S3, of which Direct serves the operations of Objects.
func (ObjectService) API() awswire.API { return awswire.API{Model: "s3"} }

// Direct calls an operation with an input in JSON. The status of an error is 400, whatever it
// is by HTTP.
func (o ObjectService) Direct(ctx context.Context, operation string, input []byte) (status int, answer []byte) {
	out, err := o.call(ctx, operation, input)
	if err != nil {
		var api smithy.APIError
		if !errors.As(err, &api) {
			api = &smithy.GenericAPIError{Code: "InternalError", Message: err.Error()}
		}
		status, out = http.StatusBadRequest, map[string]string{"__type": api.ErrorCode(), "message": api.ErrorMessage()}
	} else {
		status = http.StatusOK
	}
	if answer, err = json.Marshal(out); err != nil {
		return http.StatusInternalServerError, []byte(err.Error())
	}
	return status, answer
}

func (o ObjectService) call(ctx context.Context, operation string, input []byte) (any, error) {
	var in struct { // the members of all operations
		Bucket, Key, Range, CopySource, Prefix, Delimiter *string
		Body                                              string
		MaxKeys                                           *int32
	}
	d := json.NewDecoder(bytes.NewReader(input))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		return nil, err
	}
	none := struct{}{}
	switch operation {
	case "HeadBucket":
		_, err := o.Objects.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: in.Bucket})
		return none, err
	case "PutObject":
		_, err := o.Objects.PutObject(ctx, &s3.PutObjectInput{Bucket: in.Bucket, Key: in.Key, Body: strings.NewReader(in.Body), ContentLength: aws.Int64(int64(len(in.Body)))})
		return none, err
	case "CopyObject":
		_, err := o.Objects.CopyObject(ctx, &s3.CopyObjectInput{Bucket: in.Bucket, Key: in.Key, CopySource: in.CopySource})
		return none, err
	case "DeleteObject":
		_, err := o.Objects.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: in.Bucket, Key: in.Key})
		return none, err
	case "GetObject":
		got, err := o.Objects.GetObject(ctx, &s3.GetObjectInput{Bucket: in.Bucket, Key: in.Key, Range: in.Range})
		if err != nil {
			return nil, err
		}
		defer got.Body.Close()
		b, err := io.ReadAll(got.Body)
		return map[string]string{"Body": string(b)}, err
	case "ListObjectsV2":
		got, err := o.Objects.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: in.Bucket, Prefix: in.Prefix, Delimiter: in.Delimiter, MaxKeys: in.MaxKeys})
		if err != nil {
			return nil, err
		}
		var keys, prefixes []string
		for _, c := range got.Contents {
			keys = append(keys, fmt.Sprintf("%s (%d bytes)", aws.ToString(c.Key), aws.ToInt64(c.Size)))
		}
		for _, p := range got.CommonPrefixes {
			prefixes = append(prefixes, aws.ToString(p.Prefix))
		}
		return map[string]any{"Contents": keys, "CommonPrefixes": prefixes, "KeyCount": got.KeyCount, "IsTruncated": got.IsTruncated}, nil
	}
	return nil, &smithy.GenericAPIError{Code: "NotImplemented", Message: operation}
}
