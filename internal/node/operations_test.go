package node

import (
	"bytes"
	"flag"
	"io"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the generated documents")

func TestOperationsDocument(t *testing.T) {
	checkDocument(t, "../../docs/operations.md", WriteOperations)
}

// checkDocument holds a generated document to what the code says, or writes it with -update.
func checkDocument(t *testing.T, file string, write func(io.Writer) error) {
	t.Helper()
	var want bytes.Buffer
	if err := write(&want); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(file, want.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want.Bytes()) {
		t.Errorf("%s is not what the code does: run make docs", file)
	}
}
