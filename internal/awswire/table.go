package awswire

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// String is the word of the operations table.
func (m Mode) String() string {
	if m == ModeStores {
		return "stores"
	}
	return "executes"
}

// TableRow is a row of docs/operations.md: what Brookmere does with one operation.
type TableRow struct {
	Service   string // as AWS names it, "Kinesis"
	Operation string
	Does      string // executes, stores or refuses
}

// OperationsTable returns the rows of one service, in the order of the operations' names.
func OperationsTable(api API) ([]TableRow, error) {
	m, api, err := api.load()
	if err != nil {
		return nil, err
	}
	does := map[string]string{}
	for name := range m.Operations {
		does[name] = "refuses"
	}
	for _, op := range api.Operations {
		does[op.Name] = op.Mode.String()
	}
	rows := make([]TableRow, 0, len(does))
	for name, what := range does {
		rows = append(rows, TableRow{Service: m.ID, Operation: name, Does: what})
	}
	slices.SortFunc(rows, func(a, b TableRow) int { return strings.Compare(a.Operation, b.Operation) })
	return rows, nil
}

// WriteOperationsTable writes rows as a Markdown table.
func WriteOperationsTable(w io.Writer, rows []TableRow) error {
	var b strings.Builder
	b.WriteString("| service | operation | Brookmere |\n|---|---|---|\n")
	for _, r := range rows {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", r.Service, r.Operation, r.Does)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
