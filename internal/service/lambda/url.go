package lambda

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/brookmere/brookmere/internal/awskit/page"
	"github.com/brookmere/brookmere/internal/awskit/scope"
)

// urlTarget is what a function URL calls.
type urlTarget struct {
	scope.Scope
	name, qualifier string
}

// functionURL is the URL of that id. Its host resolves to this machine where the resolver
// knows names below localhost; requests are told by the id.
func (s *Service) functionURL(id, region string) string {
	endpoint := s.cfg.Endpoint()
	scheme, host, ok := strings.Cut(endpoint, "://")
	if !ok {
		return "https://" + id + ".lambda-url." + region + ".on.aws/"
	}
	port := ""
	if at := strings.LastIndexByte(host, ':'); at >= 0 {
		port = host[at:]
	}
	return scheme + "://" + id + ".lambda-url." + region + ".localhost" + strings.TrimSuffix(port, "/") + "/"
}

func (s *Service) describeURL(d *functionDoc, qualifier string) types.FunctionUrlConfig {
	u := d.URLs[qualifier]
	return types.FunctionUrlConfig{
		FunctionUrl: aws.String(s.functionURL(u.ID, d.Region)), FunctionArn: aws.String(d.arn(qualifier)), AuthType: types.FunctionUrlAuthType(u.Auth), Cors: u.CORS,
		InvokeMode: types.InvokeMode(u.Mode), CreationTime: aws.String(u.Created.Format(time.RFC3339Nano)), LastModifiedTime: aws.String(u.Modified.Format(time.RFC3339Nano)),
	}
}

// urlQualifier refuses what a URL cannot be of.
func urlQualifier(t target) error {
	if t.qualifier == latest || isVersion(t.qualifier) {
		return invalid("A function URL is of a function or of an alias, not of a version")
	}
	return nil
}

// CreateFunctionUrlConfig gives a function, or an alias, a URL.
func (s *Service) CreateFunctionUrlConfig(ctx context.Context, in *lambda.CreateFunctionUrlConfigInput, _ ...func(*lambda.Options)) (*lambda.CreateFunctionUrlConfigOutput, error) {
	var id [20]byte
	rand.Read(id[:])
	u := &urlDoc{
		ID: strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(id[:])), Auth: string(in.AuthType), Mode: string(types.InvokeModeBuffered),
		CORS: in.Cors, Created: s.clock.Now().UTC(),
	}
	u.Modified = u.Created
	if in.InvokeMode != "" {
		u.Mode = string(in.InvokeMode)
	}
	d, t, err := s.change(ctx, in.FunctionName, in.Qualifier, func(d *functionDoc, t target) error {
		if err := urlQualifier(t); err != nil {
			return err
		}
		if d.URLs[t.qualifier] != nil {
			return conflict("Failed to create function url config for [functionArn = %s]. Error message:  FunctionUrlConfig exists for this Lambda function", d.arn(t.qualifier))
		}
		if d.URLs == nil {
			d.URLs = map[string]*urlDoc{}
		}
		d.URLs[t.qualifier] = u
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.learn(d)
	c := s.describeURL(d, t.qualifier)
	return &lambda.CreateFunctionUrlConfigOutput{FunctionUrl: c.FunctionUrl, FunctionArn: c.FunctionArn, AuthType: c.AuthType, Cors: c.Cors, InvokeMode: c.InvokeMode, CreationTime: c.CreationTime}, nil
}

// GetFunctionUrlConfig describes a URL.
func (s *Service) GetFunctionUrlConfig(ctx context.Context, in *lambda.GetFunctionUrlConfigInput, _ ...func(*lambda.Options)) (*lambda.GetFunctionUrlConfigOutput, error) {
	d, t, err := s.find(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	if d.URLs[t.qualifier] == nil {
		return nil, notFound("The resource you requested does not exist.")
	}
	c := s.describeURL(d, t.qualifier)
	return &lambda.GetFunctionUrlConfigOutput{FunctionUrl: c.FunctionUrl, FunctionArn: c.FunctionArn, AuthType: c.AuthType, Cors: c.Cors, InvokeMode: c.InvokeMode, CreationTime: c.CreationTime, LastModifiedTime: c.LastModifiedTime}, nil
}

// UpdateFunctionUrlConfig changes a URL's settings.
func (s *Service) UpdateFunctionUrlConfig(ctx context.Context, in *lambda.UpdateFunctionUrlConfigInput, _ ...func(*lambda.Options)) (*lambda.UpdateFunctionUrlConfigOutput, error) {
	d, t, err := s.change(ctx, in.FunctionName, in.Qualifier, func(d *functionDoc, t target) error {
		u := d.URLs[t.qualifier]
		if u == nil {
			return notFound("The resource you requested does not exist.")
		}
		if in.AuthType != "" {
			u.Auth = string(in.AuthType)
		}
		if in.InvokeMode != "" {
			u.Mode = string(in.InvokeMode)
		}
		if in.Cors != nil {
			u.CORS = in.Cors
		}
		u.Modified = s.clock.Now().UTC()
		return nil
	})
	if err != nil {
		return nil, err
	}
	c := s.describeURL(d, t.qualifier)
	return &lambda.UpdateFunctionUrlConfigOutput{FunctionUrl: c.FunctionUrl, FunctionArn: c.FunctionArn, AuthType: c.AuthType, Cors: c.Cors, InvokeMode: c.InvokeMode, CreationTime: c.CreationTime, LastModifiedTime: c.LastModifiedTime}, nil
}

// DeleteFunctionUrlConfig takes a URL away.
func (s *Service) DeleteFunctionUrlConfig(ctx context.Context, in *lambda.DeleteFunctionUrlConfigInput, _ ...func(*lambda.Options)) (*lambda.DeleteFunctionUrlConfigOutput, error) {
	var id string
	_, _, err := s.change(ctx, in.FunctionName, in.Qualifier, func(d *functionDoc, t target) error {
		u := d.URLs[t.qualifier]
		if u == nil {
			return notFound("The resource you requested does not exist.")
		}
		id = u.ID
		delete(d.URLs, t.qualifier)
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.urls.Delete(id)
	return &lambda.DeleteFunctionUrlConfigOutput{}, nil
}

// ListFunctionUrlConfigs lists the URLs of a function and its aliases.
func (s *Service) ListFunctionUrlConfigs(ctx context.Context, in *lambda.ListFunctionUrlConfigsInput, _ ...func(*lambda.Options)) (*lambda.ListFunctionUrlConfigsOutput, error) {
	d, _, err := s.find(ctx, in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	keys, next, err := page.Of(sortedKeys(d.URLs), func(k string) string { return k + " " }, page.Request{Token: in.Marker, Max: in.MaxItems, Limit: 50})
	if err != nil {
		return nil, badMarker()
	}
	out := &lambda.ListFunctionUrlConfigsOutput{NextMarker: next, FunctionUrlConfigs: []types.FunctionUrlConfig{}}
	for _, k := range keys {
		out.FunctionUrlConfigs = append(out.FunctionUrlConfigs, s.describeURL(d, k))
	}
	return out, nil
}

// Downloads of packages: GetFunction and GetLayerVersion answer with a URL of this node that
// is good for ten minutes, until the node restarts.

const downloadTime = 10 * time.Minute

func (s *Service) downloadURL(digest string) string {
	until := strconv.FormatInt(s.clock.Now().Add(downloadTime).Unix(), 10)
	return s.cfg.Endpoint() + "/_brookmere/function-packages/" + digest + "?until=" + until + "&signature=" + s.downloadSignature(digest, until)
}

func (s *Service) downloadSignature(digest, until string) string {
	h := hmac.New(sha256.New, s.secret)
	fmt.Fprintf(h, "%s %s", digest, until)
	return hex.EncodeToString(h.Sum(nil))
}

func (s *Service) serveDownload(w http.ResponseWriter, r *http.Request) {
	digest, until := r.PathValue("digest"), r.URL.Query().Get("until")
	end, err := strconv.ParseInt(until, 10, 64)
	if err != nil || !hmac.Equal([]byte(s.downloadSignature(digest, until)), []byte(r.URL.Query().Get("signature"))) || s.clock.Now().Unix() > end {
		http.Error(w, "the URL has expired, or its signature is not this node's", http.StatusForbidden)
		return
	}
	data, err := s.cfg.Engine.PackageZip(digest)
	if err != nil {
		http.Error(w, "there is no such package", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "application/zip")
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	w.Write(data)
}
