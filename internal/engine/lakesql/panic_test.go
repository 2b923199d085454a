package lakesql

import (
	"errors"
	"strings"
	"testing"

	"github.com/brookmere/brookmere/internal/engine/lakesql/udf"
	"github.com/brookmere/brookmere/internal/engine/lakesql/worker"
)

// TestPanicOfFunction: a fault of a function is not told as a mistake of the statement, and where it was is kept for the log.
func TestPanicOfFunction(t *testing.T) {
	err := queryError(t.Context(), &worker.Error{Message: "Invalid Input Error: database/sql/driver: API error: " + udf.Panicked + "index out of range\ngoroutine 1"})
	if _, user := errors.AsType[*Error](err); user || !strings.Contains(err.Error(), "index out of range\ngoroutine 1") {
		t.Errorf("%T: %v", err, err)
	}
}
