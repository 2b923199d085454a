package node

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"

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

// documented is one service of the operations document.
type documented struct {
	name  string // "kinesis"
	title string
	rows  []awswire.TableRow
}

// documentedServices lists all services, in the order of the document.
func documentedServices() ([]documented, error) {
	var all []documented
	for _, e := range catalog {
		api := e.zero.API()
		m, err := model.Load(api.Model)
		if err != nil {
			return nil, err
		}
		rows, err := awswire.OperationsTable(api)
		if err != nil {
			return nil, err
		}
		all = append(all, documented{m.Name, m.FullName, rows})
	}
	control, err := awswire.OperationsTable(s3.ControlAPI())
	if err != nil {
		return nil, err
	}
	return append(all, documented{"s3", "Amazon Simple Storage Service", s3.OperationsTable()}, documented{"s3control", "AWS S3 Control", control}), nil
}

// ServiceNames are the names of all services, as health shows them.
func ServiceNames() []string {
	names := make([]string, 0, len(catalog)+1)
	for _, e := range catalog {
		names = append(names, e.zero.API().Model)
	}
	return append(names, "s3")
}

// WriteOperations writes docs/operations.md.
func WriteOperations(w io.Writer) error {
	if _, err := io.WriteString(w, operationsIntro); err != nil {
		return err
	}
	all, err := documentedServices()
	if err != nil {
		return err
	}
	for _, d := range all {
		if err := writeOperations(w, d.title, d.rows); err != nil {
			return err
		}
	}
	return nil
}

// WriteServiceOperations writes what is done with the operations of one service, by its name in any letter case.
func WriteServiceOperations(w io.Writer, name string) error {
	all, err := documentedServices()
	if err != nil {
		return err
	}
	var names []string
	for _, d := range all {
		if strings.EqualFold(d.name, name) {
			return writeOperations(w, d.title, d.rows)
		}
		names = append(names, d.name)
	}
	return fmt.Errorf("there is no service %q; there are %s", name, strings.Join(names, ", "))
}

// serveOperations answers with the table of operations, of one service where the path names it.
func serveOperations(w http.ResponseWriter, r *http.Request) {
	var b bytes.Buffer
	var err error
	if name := r.PathValue("service"); name != "" {
		err = WriteServiceOperations(&b, name)
	} else {
		err = WriteOperations(&b)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "text/markdown; charset=utf-8")
	_, _ = w.Write(b.Bytes())
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
