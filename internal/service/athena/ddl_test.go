package athena

import "testing"

// TestDDL runs testdata/ddl in the form of TestServiceLogs.
func TestDDL(t *testing.T) { runBlocks(t, "testdata/ddl/*.txt") }
