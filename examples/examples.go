// Package examples holds whole pipelines that a user copies. What demos play of them is embedded here.
package examples

import (
	"embed"
	"fmt"
	"io/fs"
	"strings"
)

// Trades are the templates and the reference data of the trades pipeline.
//
//go:embed trades/templates trades/data
var Trades embed.FS

//go:embed */dashboard.yaml
var dashboards embed.FS

// Dashboards are the names of the pipelines that have a dashboard.
func Dashboards() []string {
	files, err := fs.Glob(dashboards, "*/dashboard.yaml")
	if err != nil {
		panic(err) // the pattern is above
	}
	for i, file := range files {
		files[i] = strings.TrimSuffix(file, "/dashboard.yaml")
	}
	return files
}

// Dashboard is the file of a pipeline's dashboard, in YAML.
func Dashboard(name string) ([]byte, error) {
	text, err := dashboards.ReadFile(name + "/dashboard.yaml")
	if err != nil {
		return nil, fmt.Errorf("there is no example %q: those with a dashboard are %s", name, strings.Join(Dashboards(), ", "))
	}
	return text, nil
}
