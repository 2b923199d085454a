package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/brookmere/brookmere/test/nodetest"
)

// TestTradesPipeline runs examples/trades as a user does, where policies count: templates of the Kinesis
// Data Generator into two deliveries, sent with keys that IAM made; tables, views and a join by a script that
// does not wait; and the sums by area, which have every trade once.
func TestTradesPipeline(t *testing.T) {
	t.Parallel()
	python := Python(t, "boto3")
	n := Start(t, "--iam", "enforce")
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(sourceDir(), "..", "..", "examples", "trades"))); err != nil {
		t.Fatal(err)
	}
	tf := OpenTerraform(t, n, dir)
	tf.Env = []string{"AWS_REGION=eu-west-2"}
	tf.ApplyAndDestroy(t, func() {
		var keys map[string]struct{ ID, Secret string }
		if err := json.Unmarshal([]byte(tf.run(t, "output", "-json", "keys")), &keys); err != nil {
			t.Fatal(err)
		}
		as := func(who string, args ...string) string {
			t.Helper()
			return n.Run(t, dir, "env", append([]string{"AWS_REGION=eu-west-2", "AWS_DEFAULT_REGION=eu-west-2",
				"AWS_ACCESS_KEY_ID=" + keys[who].ID, "AWS_SECRET_ACCESS_KEY=" + keys[who].Secret}, args...)...)
		}
		out := as("producer", nodetest.Binary(t), "generate", "--endpoint", n.URL, "--region", "eu-west-2", "--for", "2s", "--seed", "5",
			"--feed", "templates/price.tpl=firehose:price_hose@1000", "--feed", "templates/transaction.tpl=firehose:transaction_hose@100")
		if !strings.Contains(out, "2000 records made, 2000 taken") || !strings.Contains(out, "200 records made, 200 taken") {
			t.Fatalf("the generator says %s", out)
		}
		for _, hose := range []string{"price_hose", "transaction_hose"} {
			n.Run(t, dir, "env", "AWS_REGION=eu-west-2", nodetest.Binary(t), "deliveries", "flush", hose, "--endpoint", n.URL)
		}
		rows := as("analyst", python, "build_athena.py", "--buckets", tf.run(t, "output", "-json", "buckets"))
		trades := 0
		for _, m := range regexp.MustCompile(`(?m)^[A-Z][A-Za-z ]+\t(\d+)\t`).FindAllStringSubmatch(rows, -1) {
			v, _ := strconv.Atoi(m[1])
			trades += v
		}
		if trades != 200 || !strings.Contains(rows, "Equities") {
			t.Errorf("the areas have %d trades, want 200:\n%s", trades, rows)
		}
		t.Log(rows)
	})
}
