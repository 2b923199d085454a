package e2e

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
)

// A terraformPart is the resources of one service, as a module of the configuration that TestTerraform
// applies. One start of the provider costs ten seconds of a processor, whatever it makes, and many of its
// resources wait for long: together they cost one start and one wait.
//
// Names of what it makes start with "tf-" or are its own otherwise: all parts share a node.
type terraformPart struct {
	config  func(t *testing.T) string // the module's text
	outputs []string                  // names of the module's outputs that checks ask for
	before  func(t *testing.T, n *Node)
	made    func(t *testing.T, n *Node, output func(string) string) // checks what the first apply has made

	// changed, if any, is the text of what is then changed in place: nothing is added or destroyed.
	changed func(t *testing.T) string
	updated func(t *testing.T, n *Node) // checks what the second apply has changed
}

// text is a configuration that needs nothing of the test.
func text(config string) func(*testing.T) string {
	return func(*testing.T) string { return config }
}

// terraformParts has every service that the provider makes resources of.
var terraformParts = map[string]terraformPart{
	"analytics":  analyticsTerraform,
	"apigateway": {config: text(restConfig), outputs: []string{"api"}, made: putByREST},
	"athena":     {config: text(athenaConfig)},
	"cloudwatch": {config: text(cloudwatchConfig), made: watchAlarms},
	"dynamodb":   dynamodbTerraform,
	"events":     {config: text(eventsConfig), outputs: []string{"queue"}, made: putOnBus},
	"firehose":   firehoseTerraform,
	"fleet":      fleetTerraform,
	"functions":  functionsTerraform,
	"glue":       glueTerraform,
	"gluejobs":   {config: text(glueJobsConfig)},
	"httpapi":    {config: text(httpConfig), outputs: []string{"api"}, made: callHTTPAPI},
	"identity":   {config: text(identityConfig), outputs: []string{"me", "trust"}, made: checkIdentities},
	"kinesis":    kinesisTerraform,
	"kms":        {config: text(kmsConfig), outputs: []string{"key"}, made: encryptByAlias},
	"logs":       {config: text(logsConfig), made: putLogs},
	"s3":         {config: text(s3Config)},
	"sns":        {config: text(snsConfig), outputs: []string{"topic", "queue"}, made: publishToTopic},
	"sqs":        {config: text(sqsConfig), made: sendToQueue},
}

// TestTerraform applies the resources of all services, sees that a plan finds nothing to change, uses what
// was made, changes in place what can be, sees no difference again, and destroys.
func TestTerraform(t *testing.T) {
	t.Parallel()
	n := Start(t)
	names := slices.Sorted(maps.Keys(terraformParts))
	dir := t.TempDir()
	write := func(name, text string) {
		module := filepath.Join(dir, name)
		if err := os.MkdirAll(module, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(module, "main.tf"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var root strings.Builder
	for _, name := range names {
		part := terraformParts[name]
		write(name, part.config(t))
		fmt.Fprintf(&root, "module %q {\n  source = %q\n}\n", name, "./"+name)
		for _, o := range part.outputs {
			fmt.Fprintf(&root, "output %q {\n  value = module.%s.%s\n}\n", name+"_"+o, name, o)
		}
		if part.before != nil {
			part.before(t, n)
		}
	}
	tf := NewTerraform(t, n, dir, root.String())
	tf.ApplyAndDestroy(t, func() {
		outputs := tf.Outputs(t)
		for _, name := range names {
			if part := terraformParts[name]; part.made != nil {
				t.Run(name, func(t *testing.T) {
					part.made(t, n, func(output string) string { return outputs[name+"_"+output] })
				})
			}
		}
		for _, name := range names {
			if part := terraformParts[name]; part.changed != nil {
				write(name, part.changed(t))
			}
		}
		if out := tf.Apply(t); !strings.Contains(out, "Resources: 0 added, ") || !strings.Contains(out, " 0 destroyed") {
			t.Errorf("update: %s", out)
		}
		tf.NothingToChange(t)
		for _, name := range names {
			if part := terraformParts[name]; part.updated != nil {
				t.Run(name+" updated", func(t *testing.T) { part.updated(t, n) })
			}
		}
	})
}

// createStream makes a stream of one shard without Terraform, which takes its time over one.
func (n *Node) createStream(t *testing.T, name string) {
	t.Helper()
	if _, err := n.kinesis().CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: aws.String(name), ShardCount: aws.Int32(1)}); err != nil {
		t.Fatal(err)
	}
}
