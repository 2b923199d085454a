package e2e

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/brookmere/brookmere/test/nodetest"
)

// OrdersEnv is how many orders TestOrdersPipeline posts; 60 without it.
const OrdersEnv = "BROOKMERE_E2E_ORDERS"

// TestOrdersPipeline runs examples/orders as a user does, where policies count: from the API
// to the table by a function, and to the lake by four deliveries with functions. What a plan
// finds, each order, the sums of the queries, a deployment by a token and what is left in the
// end are what it is about.
func TestOrdersPipeline(t *testing.T) {
	t.Parallel()
	python := Python(t, "boto3")
	orders := 60
	if v := os.Getenv(OrdersEnv); v != "" {
		var err error
		if orders, err = strconv.Atoi(v); err != nil {
			t.Fatalf("%s: %v", OrdersEnv, err)
		}
	}
	n := Start(t, "--iam", "enforce")
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(sourceDir(), "..", "..", "examples", "orders"))); err != nil {
		t.Fatal(err)
	}
	n.Run(t, dir, python, "package.py")
	tf := OpenTerraform(t, n, dir)
	tf.Env = []string{"TF_VAR_batch_window_seconds=1"}
	tf.ApplyAndDestroy(t, func() {
		token := strings.TrimSpace(n.Run(t, dir, nodetest.Binary(t), "identity", "token", "--endpoint", n.URL, "--data", n.Data,
			"--subject", "repo:octo-org/orders:ref:refs/heads/main"))
		t.Log(n.Run(t, dir, python, filepath.Join(sourceDir(), "python", "orders.py"), tf.run(t, "output", "-json"), dir, strconv.Itoa(orders), token))
	})
	n.Python(t, "orders_gone.py")
}
