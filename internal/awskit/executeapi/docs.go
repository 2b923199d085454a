package executeapi

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"path"
	"time"

	"github.com/aws/smithy-go"

	"github.com/brookmere/brookmere/internal/awswire"
)

//go:embed docs
var docs embed.FS

// docsPolicy is the Content-Security-Policy of the page of an API: its own files, and requests to its own origin.
const docsPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Describe is the description of what a stage serves, as OpenAPI 3.0, without extensions. An error of the API's says
// that there is none.
type Describe func(ctx context.Context, api, stage string) (map[string]any, error)

// DocsEndpoints are a page about each deployed API, where requests can be tried, and what it is made of. The page asks
// nothing of other hosts.
func DocsEndpoints(describe Describe) []awswire.Endpoint {
	const at = "apis/{api}/{stage}/docs"
	return []awswire.Endpoint{
		{Method: "GET", Path: at, Serve: func(w http.ResponseWriter, r *http.Request) { serveDocs(w, r, describe, "page.html") }},
		{Method: "GET", Path: at + "/{file}", Serve: func(w http.ResponseWriter, r *http.Request) { serveDocs(w, r, describe, r.PathValue("file")) }},
	}
}

func serveDocs(w http.ResponseWriter, r *http.Request, describe Describe, file string) {
	h := w.Header()
	h.Set("Content-Security-Policy", docsPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	api, stage := r.PathValue("api"), r.PathValue("stage")
	tree, err := describe(r.Context(), api, stage)
	var refused smithy.APIError
	switch {
	case errors.As(err, &refused):
		http.Error(w, refused.ErrorMessage(), http.StatusNotFound)
		return
	case err != nil:
		http.Error(w, "The API cannot be read.", http.StatusInternalServerError)
		return
	}
	if file == "openapi.json" {
		url := "/_aws/execute-api/" + api
		if stage != "$default" {
			url += "/" + stage
		}
		tree["servers"] = []any{map[string]any{"url": url}}
		body, err := json.MarshalIndent(tree, "", "  ")
		if err != nil {
			http.Error(w, "The API cannot be described.", http.StatusInternalServerError)
			return
		}
		h.Set("Content-Type", "application/json")
		_, _ = w.Write(body) // the client has gone: nobody to tell
		return
	}
	body, err := fs.ReadFile(docs, path.Join("docs", path.Base(file)))
	if err != nil {
		http.Error(w, "There is no such file.", http.StatusNotFound)
		return
	}
	http.ServeContent(w, r, file, time.Time{}, bytes.NewReader(body))
}
