package functions

import (
	"bytes"
	"flag"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "rewrite docs/sql-functions.md")

const intro = `# SQL functions

The functions that queries of Athena may call here: those of Trino that this engine has. A name that is not
on this page is refused by an error that says so. ` + "`T`, `K`, `V`" + ` and other capitals stand for any type.
` + "`SHOW FUNCTIONS`" + ` gives the same table to a client.

This page is written from the code by ` + "`make docs`" + `.
`

// TestFunctionsDocument: the page says what the code does.
func TestFunctionsDocument(t *testing.T) {
	const file = "../../../../../docs/sql-functions.md"
	want := bytes.NewBufferString(intro)
	if err := All.Markdown(want); err != nil {
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

func TestFunctionsAreDescribed(t *testing.T) {
	for _, p := range All.Problems() {
		t.Error(p)
	}
}
