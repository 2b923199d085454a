package wildrydes

import (
	"embed"
	"encoding/json"
	"io/fs"
	"net/http"
)

//go:embed page
var pageFiles embed.FS

// PageSettings are what the page has to know: it asks for credentials, and reads the streams, by itself.
type PageSettings struct {
	Endpoint string `json:"endpoint"` // of Cognito and Kinesis; empty: AWS's of the region
	Region   string `json:"region"`
	PoolID   string `json:"poolId"`
	Stream   string `json:"stream"`
}

// Page serves the map: files, and the settings as settings.json. What the map shows does not come from here.
func Page(settings PageSettings) http.Handler {
	files, err := fs.Sub(pageFiles, "page")
	if err != nil {
		panic(err) // the folder is embedded
	}
	mux := http.NewServeMux()
	mux.Handle("GET /", http.FileServerFS(files))
	mux.HandleFunc("GET /settings.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(settings) // the client has gone
	})
	return mux
}
