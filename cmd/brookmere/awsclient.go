package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/smithy-go"
	"github.com/spf13/cobra"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/node"
)

// realAWS as --endpoint is AWS itself, with the SDK's whole chain of credentials.
const realAWS = "aws"

// awsClient is how all commands that are clients find their node, as the AWS CLI would: by
// flags, the AWS_* variables, and a profile of the shared configuration files.
//
// The fields are resolved when the command runs. A node is never asked for with what would
// need another host first: the metadata of an instance, and roles, single sign-on or
// processes of a profile that nobody has named.
type awsClient struct {
	endpoint string // of the node, or realAWS
	region   string
	profile  string

	regionFlag  bool // --region was given
	regionKnown bool // a flag, a variable or a profile has said the region
	known       bool // credentials were found; else any are used
	replaces    bool // the command makes an environment of its own: a profile that the present one names need not exist
	resolved    aws.Config
}

// register adds the flags to cmd and what is below it, and resolves them before any of it runs.
func (c *awsClient) register(cmd *cobra.Command) {
	f := cmd.PersistentFlags()
	f.StringVar(&c.endpoint, "endpoint", "", "`URL` of the node, or "+realAWS+" for AWS itself (default $AWS_ENDPOINT_URL, endpoint_url of the profile, or "+defaultEndpoint+")")
	f.StringVar(&c.region, "region", "", "AWS `region` (default $AWS_REGION, $AWS_DEFAULT_REGION, that of the profile, or "+awswire.DefaultRegion+")")
	f.StringVar(&c.profile, "profile", "", "`name` of a profile of the AWS configuration files (default $AWS_PROFILE)")
	_ = cmd.RegisterFlagCompletionFunc("region", completeRegion) // there are such flags
	_ = cmd.RegisterFlagCompletionFunc("profile", completeProfile)
	_ = cmd.RegisterFlagCompletionFunc("endpoint", cobra.FixedCompletions([]string{defaultEndpoint, realAWS}, cobra.ShellCompDirectiveNoFileComp))
	cmd.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		c.regionFlag = cmd.Flags().Changed("region")
		return c.resolve(cmd.Context())
	}
}

// defaultEndpoint is the node that commands speak to where nothing names another.
var defaultEndpoint = "http://" + node.DefaultConfig().Listen

// resolve fills in what the flags leave open.
func (c *awsClient) resolve(ctx context.Context) error {
	profile := cmp.Or(c.profile, os.Getenv("AWS_PROFILE"), os.Getenv("AWS_DEFAULT_PROFILE"))
	// The SDK for Go reads AWS_REGION alone, the AWS CLI both.
	region := cmp.Or(c.region, os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION"))
	options := []func(*config.LoadOptions) error{config.WithRegion(region)}
	if c.profile != "" {
		options = append(options, config.WithSharedConfigProfile(c.profile))
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	var missing config.SharedConfigProfileNotExistError
	if c.replaces && c.profile == "" && errors.As(err, &missing) {
		for _, name := range []string{"AWS_PROFILE", "AWS_DEFAULT_PROFILE"} {
			if err := os.Unsetenv(name); err != nil { // the SDK takes no other way to leave it out
				return err
			}
		}
		profile = ""
		cfg, err = config.LoadDefaultConfig(ctx, options...)
	}
	if err != nil {
		return fmt.Errorf("AWS configuration: %w", err)
	}
	c.regionKnown = cfg.Region != ""
	cfg.Region = cmp.Or(cfg.Region, awswire.DefaultRegion)
	c.region = cfg.Region
	switch {
	case c.endpoint == realAWS:
		cfg.BaseEndpoint, cfg.ConfigSources, c.known = nil, nil, true
	case c.endpoint != "":
		cfg.ConfigSources = nil // the flag goes before endpoints of single services
		fallthrough
	default:
		c.endpoint = cmp.Or(c.endpoint, aws.ToString(cfg.BaseEndpoint), defaultEndpoint)
		cfg.BaseEndpoint = &c.endpoint
		var found aws.CredentialsProvider
		if found, err = credentialsFor(ctx, profile, c.profile != "", cfg.Credentials); err != nil {
			return err
		}
		if c.known = found != nil; !c.known {
			found = credentials.NewStaticCredentialsProvider("test", "test", "")
		}
		cfg.Credentials = found
	}
	c.resolved = cfg
	return nil
}

// credentialsFor are those that the environment or a profile has; nil where there are none.
// chain are those that the SDK would use. As in the AWS CLI, a profile's flag goes before
// the environment's keys, and these before the profile that the environment names.
func credentialsFor(ctx context.Context, profile string, byFlag bool, chain aws.CredentialsProvider) (aws.CredentialsProvider, error) {
	env, err := config.NewEnvConfig()
	if err != nil {
		return nil, fmt.Errorf("AWS configuration: %w", err)
	}
	if env.Credentials.HasKeys() && !byFlag {
		return credentials.StaticCredentialsProvider{Value: env.Credentials}, nil
	}
	shared, err := config.LoadSharedConfigProfile(ctx, cmp.Or(profile, "default"), func(o *config.LoadSharedConfigOptions) {
		if env.SharedConfigFile != "" {
			o.ConfigFiles = []string{env.SharedConfigFile}
		}
		if env.SharedCredentialsFile != "" {
			o.CredentialsFiles = []string{env.SharedCredentialsFile}
		}
	})
	var missing config.SharedConfigProfileNotExistError
	if err != nil && !(profile == "" && errors.As(err, &missing)) {
		return nil, fmt.Errorf("AWS configuration: %w", err)
	}
	indirect := shared.RoleARN != "" || shared.SSOAccountID != "" || shared.CredentialProcess != ""
	if profile != "" && indirect {
		return chain, nil
	}
	if shared.Credentials.HasKeys() {
		return credentials.StaticCredentialsProvider{Value: shared.Credentials}, nil
	}
	return nil, nil
}

// config is the configuration of an SDK client of the node.
func (c *awsClient) config() aws.Config { return c.resolved }

// lead leads to another node from now on.
func (c *awsClient) lead(url string) {
	c.endpoint = url
	c.resolved.BaseEndpoint, c.resolved.ConfigSources = &c.endpoint, nil
}

// sign signs a request without a body to one of the node's own endpoints. A client without
// credentials is of an open node that this program has started.
func (c *awsClient) sign(ctx context.Context, r *http.Request) error {
	if c.resolved.Credentials == nil {
		return nil
	}
	return signOwn(ctx, c.resolved, r)
}

func signOwn(ctx context.Context, cfg aws.Config, r *http.Request) error {
	keys, err := cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return err
	}
	empty := sha256.Sum256(nil)
	return v4.NewSigner().SignHTTP(ctx, keys, r, hex.EncodeToString(empty[:]), "brookmere", awswire.DefaultRegion, time.Now())
}

// plain is what a user is told of an error of a call: what the node said, or that there is
// no node.
func (c *awsClient) plain(err error) error {
	var api smithy.APIError
	var dial *net.OpError
	switch {
	case errors.As(err, &api):
		return fmt.Errorf("%s: %s", api.ErrorCode(), api.ErrorMessage())
	case errors.As(err, &dial) && dial.Op == "dial":
		return fmt.Errorf("nothing answers at %s: start a node with brookmere up, or name another with --endpoint (%w)", c.endpoint, dial)
	}
	return err
}
