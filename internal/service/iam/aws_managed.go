package iam

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// The policies that AWS manages, for the services here and those that pipelines have beside them: their
// names, paths, versions and documents are facts of AWS.

//go:embed data/aws_managed.json.gz
var awsManagedData []byte

// awsManaged are AWS's policies, by name, read when they are first asked for.
var awsManaged = sync.OnceValue(func() []*policyDoc {
	var list []struct {
		Name     string    `json:"name"`
		Path     string    `json:"path"`
		Version  string    `json:"version"`
		Created  time.Time `json:"created"`
		Updated  time.Time `json:"updated"`
		Document string    `json:"document"`
	}
	zr, err := gzip.NewReader(bytes.NewReader(awsManagedData))
	if err == nil {
		err = json.NewDecoder(zr).Decode(&list)
	}
	if err != nil {
		panic(fmt.Sprintf("iam: AWS's policies: %v", err)) // the program was built wrong
	}
	out := make([]*policyDoc, len(list))
	for i, p := range list {
		out[i] = &policyDoc{
			Name: p.Name, Path: p.Path, ID: stableID("ANPA", p.Name), Created: p.Created, Updated: p.Updated, Default: p.Version,
			Versions: []version{{ID: p.Version, Document: p.Document, Created: p.Updated}},
		}
	}
	slices.SortFunc(out, func(a, b *policyDoc) int { return strings.Compare(lower(a.Name), lower(b.Name)) })
	return out
})

func awsManagedPolicy(path, name string) *policyDoc {
	for _, p := range awsManaged() {
		if p.Name == name && p.Path == path {
			return p
		}
	}
	return nil
}
