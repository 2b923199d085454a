package e2e

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// A Terraform is a working directory of Terraform with the AWS provider pointed at a node.
type Terraform struct {
	Env []string // more of its environment: variables, as TF_VAR_name=value

	node *Node
	bin  string
	dir  string
}

// services are the provider's endpoints that the node serves.
var services = []string{
	"apigateway", "apigatewayv2", "athena", "cloudwatch", "cognitoidentity", "dynamodb", "eventbridge", "firehose", "glue", "iam",
	"kinesis", "kinesisanalytics", "kinesisanalyticsv2", "kms", "lambda", "logs", "s3", "s3control", "sqs", "sts",
}

// NewTerraform initializes a directory with a configuration, to which it adds the provider.
// It skips the test where Terraform or the provider is missing.
func NewTerraform(t *testing.T, n *Node, dir, config string) *Terraform {
	t.Helper()
	tf := newTerraform(t, n, dir)
	var endpoints strings.Builder
	for _, s := range services {
		fmt.Fprintf(&endpoints, "    %s = %q\n", s, n.URL)
	}
	tf.write(t, "provider.tf", fmt.Sprintf(`terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

provider "aws" {
  region                      = "us-east-1"
  access_key                  = "test"
  secret_key                  = "test"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  s3_use_path_style           = true
  endpoints {
%s  }
}
`, endpoints.String()))
	tf.write(t, "main.tf", config)
	tf.run(t, "init", "-input=false", "-no-color")
	return tf
}

// OpenTerraform initializes a directory that has a configuration, provider and all, which
// finds the node by the environment. It skips the test where NewTerraform does.
func OpenTerraform(t *testing.T, n *Node, dir string) *Terraform {
	t.Helper()
	tf := newTerraform(t, n, dir)
	tf.run(t, "init", "-input=false", "-no-color")
	return tf
}

func newTerraform(t *testing.T, n *Node, dir string) *Terraform {
	t.Helper()
	bin, err := exec.LookPath("terraform")
	if err != nil {
		t.Skip("there is no terraform on PATH")
	}
	tf := &Terraform{node: n, bin: bin, dir: dir}
	tf.write(t, "terraform.rc", fmt.Sprintf("provider_installation {\n  filesystem_mirror {\n    path = %q\n  }\n}\n", providerMirror(t)))
	return tf
}

// providerMirror finds a directory that has the AWS provider, so that a test needs no
// registry: the one that MirrorEnv names, else those that Terraform itself would look into
// (the mirrors of its configuration file, its plugin cache, its implied mirrors), else
// where images with Terraform have put one.
func providerMirror(t *testing.T) string {
	t.Helper()
	if dir := os.Getenv(MirrorEnv); dir != "" {
		if !hasProvider(dir) {
			t.Fatalf("%s, which %s names, has no provider hashicorp/aws", dir, MirrorEnv)
		}
		return dir
	}
	home, _ := os.UserHomeDir()
	dirs := configuredMirrors(cmp.Or(os.Getenv("TF_CLI_CONFIG_FILE"), filepath.Join(home, ".terraformrc")))
	dirs = append(dirs, os.Getenv("TF_PLUGIN_CACHE_DIR"),
		filepath.Join(home, ".terraform.d", "plugins"), filepath.Join(home, ".terraform.d", "plugin-cache"))
	data := []string{cmp.Or(os.Getenv("XDG_DATA_HOME"), filepath.Join(home, ".local", "share"))}
	data = append(data, filepath.SplitList(cmp.Or(os.Getenv("XDG_DATA_DIRS"), "/usr/local/share:/usr/share"))...)
	for _, dir := range data {
		dirs = append(dirs, filepath.Join(dir, "terraform", "plugins"))
	}
	dirs = append(dirs, "/opt/tf-plugins", "/opt/terraform/plugins")
	if i := slices.IndexFunc(dirs, hasProvider); i >= 0 {
		return dirs[i]
	}
	t.Skipf("no directory has the provider hashicorp/aws (looked at %s); %s names one", strings.Join(slices.DeleteFunc(dirs, func(dir string) bool { return dir == "" }), ", "), MirrorEnv)
	return ""
}

func hasProvider(mirror string) bool {
	found, _ := filepath.Glob(filepath.Join(mirror, "*", "hashicorp", "aws", "*"))
	return mirror != "" && len(found) > 0
}

// mirrorPath finds the directories in a configuration file of Terraform: a mirror's path,
// or the cache.
var mirrorPath = regexp.MustCompile(`\b(?:path|plugin_cache_dir)\s*=\s*"([^"]+)"`)

func configuredMirrors(file string) []string {
	text, _ := os.ReadFile(file)
	var dirs []string
	for _, m := range mirrorPath.FindAllSubmatch(text, -1) {
		dirs = append(dirs, os.ExpandEnv(string(m[1])))
	}
	return dirs
}

func (tf *Terraform) write(t *testing.T, name, contents string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(tf.dir, name), []byte(contents), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (tf *Terraform) run(t *testing.T, args ...string) string {
	t.Helper()
	return tf.node.Run(t, tf.dir, "env", tf.command(args...)...)
}

// command is what env runs.
func (tf *Terraform) command(args ...string) []string {
	env := append([]string{"TF_CLI_CONFIG_FILE=" + filepath.Join(tf.dir, "terraform.rc"), "CHECKPOINT_DISABLE=1"}, tf.Env...)
	return append(append(env, tf.bin), args...)
}

// ApplyAndDestroy makes what the configuration says, checks that a plan then finds
// nothing to change, and removes it all. between, if not nil, runs before the removal.
func (tf *Terraform) ApplyAndDestroy(t *testing.T, between func()) {
	t.Helper()
	tf.Apply(t)
	tf.NothingToChange(t)
	if between != nil {
		between()
	}
	tf.run(t, "destroy", "-auto-approve", "-input=false", "-no-color")
}

// Apply makes what the configuration says, and returns what Terraform says of it.
func (tf *Terraform) Apply(t *testing.T) string {
	t.Helper()
	begin := time.Now()
	out := tf.run(t, "apply", "-auto-approve", "-input=false", "-no-color")
	t.Logf("applied in %v", time.Since(begin).Round(100*time.Millisecond))
	return out
}

// NothingToChange checks that a plan finds what the configuration says.
func (tf *Terraform) NothingToChange(t *testing.T) {
	t.Helper()
	out, err := tf.node.try(t, tf.dir, "env", tf.command("plan", "-detailed-exitcode", "-input=false", "-no-color")...)
	if err != nil {
		t.Errorf("there is something left to change: %v\n%s", err, out)
	}
}

// Outputs returns the output values of the configuration.
func (tf *Terraform) Outputs(t *testing.T) map[string]string {
	t.Helper()
	var all map[string]struct{ Value any }
	if err := json.Unmarshal([]byte(tf.run(t, "output", "-json")), &all); err != nil {
		t.Fatal(err)
	}
	values := map[string]string{}
	for name, o := range all {
		values[name] = fmt.Sprint(o.Value)
	}
	return values
}

// Output returns an output value of the configuration.
func (tf *Terraform) Output(t *testing.T, name string) string {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(tf.run(t, "output", "-json", name)), &v); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(v)
}
