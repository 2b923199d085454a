package lakesql

import (
	"os"
	"testing"

	"github.com/brookmere/brookmere/internal/engine/lakesql/worker"
)

// TestMain lets this program be the process that DuckDB runs in.
func TestMain(m *testing.M) {
	worker.Main()
	os.Exit(m.Run())
}
