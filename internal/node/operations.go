package node

import (
	"fmt"
	"io"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/awswire/model"
	"github.com/brookmere/brookmere/internal/service/s3"
)

const operationsIntro = `# Operations

What Brookmere does with each operation of each API: it **executes** it, it **stores** its settings for
read-back and nothing acts on them, or it **refuses** it with an error that says so. An API that is not here
is refused whole.

This page is written from the code by ` + "`make docs`" + `.
`

// WriteOperations writes docs/operations.md.
func WriteOperations(w io.Writer) error {
	if _, err := io.WriteString(w, operationsIntro); err != nil {
		return err
	}
	for _, e := range catalog {
		api := e.zero.API()
		m, err := model.Load(api.Model)
		if err != nil {
			return err
		}
		rows, err := awswire.OperationsTable(api)
		if err != nil {
			return err
		}
		if err := writeOperations(w, m.FullName, rows); err != nil {
			return err
		}
	}
	return writeOperations(w, "Amazon Simple Storage Service", s3.OperationsTable())
}

func writeOperations(w io.Writer, title string, rows []awswire.TableRow) error {
	count := make(map[string]int)
	for _, r := range rows {
		count[r.Does]++
	}
	if _, err := fmt.Fprintf(w, "\n## %s\n\n%d executed, %d stored, %d refused.\n\n",
		title, count["executes"], count["stores"], count["refuses"]); err != nil {
		return err
	}
	return awswire.WriteOperationsTable(w, rows)
}
