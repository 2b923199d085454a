package node

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// operationsMark ends what people write of a page about services, and names those whose operations follow it.
var operationsMark = regexp.MustCompile(`(?m)^<!-- operations: ([a-z0-9 -]+) -->\n`)

// TestServicePages wants the pages of docs/services to be about services that there are. With -update it writes what follows
// from the table of operations, and wants each service on a page; docs/operations.md is what has to be as the code at any time.
func TestServicePages(t *testing.T) {
	pages, err := filepath.Glob("../../docs/services/*.md")
	if err != nil {
		t.Fatal(err)
	}
	all, err := documentedServices()
	if err != nil {
		t.Fatal(err)
	}
	missing := ServiceNames()
	for _, page := range pages {
		if filepath.Base(page) == "README.md" {
			continue
		}
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		at := operationsMark.FindSubmatchIndex(text)
		if at == nil {
			t.Errorf("%s has no line <!-- operations: NAME -->", page)
			continue
		}
		names := strings.Fields(string(text[at[2]:at[3]]))
		written := bytes.NewBuffer(text[:at[1]:at[1]])
		for _, name := range names {
			i := slices.IndexFunc(all, func(d documented) bool { return pageName(d.name) == pageName(name) })
			if i < 0 {
				t.Errorf("%s: there is no service %q", page, name)
				continue
			}
			missing = slices.DeleteFunc(missing, func(m string) bool { return pageName(m) == pageName(name) })
			writeSummary(written, all[i])
		}
		if *update {
			if err := os.WriteFile(page, written.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	if *update && len(missing) > 0 {
		t.Errorf("no page in docs/services has the operations of %s", strings.Join(missing, ", "))
	}
}

// pageName is a service's name without what tells its model's spelling from that of health.
func pageName(name string) string { return strings.ToLower(strings.ReplaceAll(name, "-", "")) }

// writeSummary writes how many operations of a service do what, and which are stored or refused.
func writeSummary(b *bytes.Buffer, d documented) {
	by := make(map[string][]string)
	for _, r := range d.rows {
		by[r.Does] = append(by[r.Does], r.Operation)
	}
	fmt.Fprintf(b, "\n## Operations of %s\n\n%d are executed, %d are stored for read-back, %d are refused; [operations.md](../operations.md) lists all.\n",
		d.title, len(by["executes"]), len(by["stores"]), len(by["refuses"]))
	for _, part := range []struct{ does, title string }{{"stores", "Stored"}, {"refuses", "Refused"}} {
		if names := by[part.does]; len(names) > 0 {
			slices.Sort(names)
			fmt.Fprintf(b, "\n%s: `%s`.\n", part.title, strings.Join(names, "`, `"))
		}
	}
}
