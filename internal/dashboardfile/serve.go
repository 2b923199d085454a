package dashboardfile

import (
	"errors"
	"io"
	"net/http"
)

// Serve answers POST dashboard-file: the body that the file in the request holds, or, with ?to=yaml, the file of the
// body in the request. Nothing is kept. What cannot be read is answered by 400 and why.
func Serve(w http.ResponseWriter, r *http.Request) {
	in, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxSize))
	if err != nil {
		status := http.StatusBadRequest
		if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
			status = http.StatusRequestEntityTooLarge
		}
		http.Error(w, err.Error(), status)
		return
	}
	var out []byte
	kind := "application/json"
	if r.URL.Query().Get("to") == "yaml" {
		kind = "application/yaml"
		out, err = YAML(string(in))
	} else {
		var body string
		body, err = Body(in)
		out = []byte(body)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(out) // an error says that the client has gone
}
