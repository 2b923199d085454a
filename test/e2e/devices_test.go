package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/brookmere/brookmere/test/nodetest"
)

// TestDevicesPipeline runs examples/devices as a user does, where policies count: readings by the generator,
// Parquet in folders by hour, a crawler on the bucket's root, and every reading once by SQL.
func TestDevicesPipeline(t *testing.T) {
	t.Parallel()
	aws := CLI(t)
	n := Start(t, "--iam", "enforce")
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(sourceDir(), "..", "..", "examples", "devices"))); err != nil {
		t.Fatal(err)
	}
	bin := nodetest.Binary(t)
	tf := OpenTerraform(t, n, dir)
	tf.ApplyAndDestroy(t, func() {
		n.Run(t, dir, bin, "generate", "devices", "--to", "firehose:devices", "--endpoint", n.URL, "--rate", "5000", "--count", "3000", "--no-newline")
		n.Run(t, dir, bin, "deliveries", "flush", "devices", "--endpoint", n.URL)
		if objects := n.Run(t, dir, aws, "s3", "ls", "--recursive", "s3://"+tf.Output(t, "bucket")+"/data/"); !strings.Contains(objects, "data/2") || strings.Contains(objects, "errors/") {
			t.Errorf("objects:\n%s", objects)
		}
		n.Run(t, dir, aws, "glue", "start-crawler", "--name", "devices-lake")
		for deadline := time.Now().Add(3 * time.Minute); !strings.Contains(n.Run(t, dir, aws, "glue", "get-crawler", "--name", "devices-lake"), `"State": "READY"`); {
			if time.Now().After(deadline) {
				t.Fatal("the crawl does not end")
			}
		}
		got := n.Run(t, dir, bin, "sql", "--endpoint", n.URL, "--database", "devices", "--output", "csv",
			"SELECT count(*), count(DISTINCT id_device), min(partition_1) = min(timestamp_sent) FROM "+strings.ReplaceAll(tf.Output(t, "bucket"), "-", "_"))
		if !strings.Contains(got, "3000,11,true") {
			t.Errorf("the table says %s", got)
		}
	})
}
