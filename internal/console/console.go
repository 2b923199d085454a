// Package console serves the web console: the files that "make console" builds of web/, which
// the program embeds, and a description of the node that they begin with.
//
// The console is a client of the AWS APIs like any other. Its files hold no secrets, and change
// nothing, so they are served without a signature. What the page asks for afterwards it signs.
//
// A page may load scripts, styles and images from its own origin alone, be in no frame, and
// send requests nowhere else. There are no inline scripts and no inline styles.
package console

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
)

// dist always exists, so that the program can be built without Node.
//
//go:embed dist
var dist embed.FS

// Path is where the console is.
const Path = "/console"

// policy is the Content-Security-Policy of all that is served.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; " +
	"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// nodeMark is where the page has what its node is, so that a browser asks for nothing before it shows the page.
const nodeMark = `<meta name="node" content="">`

// Node is what the console has to know of its node before it can ask anything.
type Node struct {
	Version string `json:"version"`
	// Open says that the node takes any credentials: nobody has to sign in.
	Open bool `json:"open"`
	// Account is that of the node: empty where callers have to sign in.
	Account string `json:"account,omitempty"`
	// Region is the first that a page shows; empty means us-east-1.
	Region string `json:"region,omitempty"`
	// Services are the names of those that there are, as the node's health has them.
	Services []string `json:"services,omitempty"`
	// Remote says that another signs for the page, as one account: see package remote.
	Remote bool `json:"remote,omitempty"`
}

// Console serves the files. It is an http.Handler.
type Console struct {
	files map[string]file // by path of a request
	built bool
}

type file struct {
	kind, tag     string
	plain, zipped []byte
}

// New returns the console of a node, of the files that the program holds.
func New(n Node) (*Console, error) {
	files, err := fs.Sub(dist, "dist")
	if err != nil {
		return nil, err
	}
	return of(n, files)
}

func of(n Node, files fs.FS) (*Console, error) {
	c := &Console{files: map[string]file{}}
	about, err := json.Marshal(n)
	if err != nil {
		return nil, err
	}
	err = fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(name) == ".md" {
			return err
		}
		data, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		if name == "index.html" {
			data = bytes.Replace(data, []byte(nodeMark), []byte(`<meta name="node" content="`+html.EscapeString(string(about))+`">`), 1)
		}
		return c.add(Path+"/"+name, mime.TypeByExtension(path.Ext(name)), data)
	})
	if err != nil {
		return nil, fmt.Errorf("console: %w", err)
	}
	page, built := c.files[Path+"/index.html"]
	if c.built = built; !built {
		if err := c.add(Path+"/index.html", "text/html; charset=utf-8", []byte(notBuilt)); err != nil {
			return nil, err
		}
		page = c.files[Path+"/index.html"]
	}
	c.files[Path], c.files[Path+"/"] = page, page
	return c, nil
}

func (c *Console) add(at, kind string, data []byte) error {
	f := file{kind: kind, plain: data}
	sum := sha256.Sum256(data)
	f.tag = `"` + hex.EncodeToString(sum[:12]) + `"`
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := z.Write(data); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	if b.Len() < len(data) {
		f.zipped = b.Bytes()
	}
	c.files[at] = f
	return nil
}

// Built reports whether the program holds the console's files, rather than a page that says how to
// build them.
func (c *Console) Built() bool { return c.built }

// Takes reports whether a request without a signature is for the console: one of its files, or the
// root of the node by a browser that asks for a page.
func (c *Console) Takes(r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	if r.URL.Path == "/" {
		return r.URL.RawQuery == "" && strings.Contains(r.Header.Get("Accept"), "text/html")
	}
	_, ok := c.files[r.URL.Path]
	return ok
}

// ServeHTTP answers a request that the console takes.
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	if r.URL.Path == "/" {
		http.Redirect(w, r, Path, http.StatusFound)
		return
	}
	f, ok := c.files[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	h.Set("Cache-Control", "no-cache")                // ask again, by the tag: a node may be another version tomorrow
	if strings.HasPrefix(r.URL.Path, Path+"/part-") { // named by what is in it
		h.Set("Cache-Control", "max-age=31536000, immutable")
	}
	h.Set("ETag", f.tag)
	h.Set("Vary", "Accept-Encoding")
	if r.Header.Get("If-None-Match") == f.tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", f.kind)
	body := f.plain
	if f.zipped != nil && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		body = f.zipped
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // an error says that the client has gone
	}
}

// notBuilt is the page of a program that was built without Node.
const notBuilt = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Brookmere</title></head><body>
<h1>The console is not in this program</h1>
<p>The node runs, and answers AWS clients. Its console is built with Node 20 or newer, in the directory of the source:</p>
<pre>make console build
bin/brookmere up</pre>
<p>Until then the command line shows most of it: <code>brookmere streams ls</code>, <code>brookmere deliveries ls</code>,
<code>brookmere tables ls</code>, <code>brookmere sql</code>.</p>
</body></html>
`
