// Package remote serves the console for AWS itself, or for a node elsewhere, on the user's own machine.
//
// The page speaks to this server alone, as to a node. A request of an AWS API is signed again, with the user's
// credentials, and goes to the service that its signature names: the browser never has the keys.
//
// Whoever may speak to the server acts as the user. So it answers on loopback names alone, and only a browser
// that has opened its address with the secret in it: the secret becomes a cookie that no other site's requests
// bring along. Nothing is fetched but from the services of the list below, in regions that look like such.
package remote

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/brookmere/brookmere/internal/console"
)

// Config is what a Server is made of.
type Config struct {
	// Endpoint is the URL of a node; empty means AWS.
	Endpoint    string
	Credentials aws.CredentialsProvider
	Files       *console.Console
	// Own answers the node's own endpoints, where there is no node.
	Own http.Handler
	// Transport carries the requests; nil: http.DefaultTransport.
	Transport http.RoundTripper
}

// Server is an http.Handler.
type Server struct {
	cfg    Config
	secret string
	client *http.Client
}

// maxBody bounds a request: an item, a query, a batch of records.
const maxBody = 8 << 20

// patience is how long a service may take to begin its answer.
const patience = 70 * time.Second

// New returns a server with a secret of its own.
func New(cfg Config) (*Server, error) {
	if cfg.Endpoint != "" {
		u, err := url.Parse(cfg.Endpoint)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.Path != "" && u.Path != "/" {
			return nil, fmt.Errorf("%q is not the URL of a node, as http://host:4566", cfg.Endpoint)
		}
		cfg.Endpoint = u.Scheme + "://" + u.Host
	}
	if cfg.Transport == nil {
		cfg.Transport = http.DefaultTransport
	}
	return &Server{cfg: cfg, secret: rand.Text(), client: &http.Client{
		Transport:     cfg.Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // a signature is for one host
	}}, nil
}

// Address is what a browser opens, of a server that listens at addr (host:port).
func (s *Server) Address(addr string) string {
	return "http://" + addr + console.Path + "?secret=" + s.secret
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !loopback(r.Host) {
		http.Error(w, "This server answers at loopback addresses alone.", http.StatusForbidden)
		return
	}
	if given := r.URL.Query().Get("secret"); r.Method == http.MethodGet && r.URL.Path == console.Path && given != "" {
		if !s.knows(given) {
			http.Error(w, "The secret is not this server's: open the address that it printed.", http.StatusForbidden)
			return
		}
		http.SetCookie(w, &http.Cookie{Name: cookie(r), Value: s.secret, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
		w.Header().Set("Referrer-Policy", "no-referrer")
		http.Redirect(w, r, console.Path, http.StatusFound)
		return
	}
	c, err := r.Cookie(cookie(r))
	if err != nil || !s.knows(c.Value) {
		http.Error(w, "Open the address that brookmere console printed: it holds what lets a browser in.", http.StatusForbidden)
		return
	}
	switch {
	case r.Header.Get("Authorization") == "" && s.cfg.Files.Takes(r):
		s.cfg.Files.ServeHTTP(w, r)
	case foreign(r):
		http.Error(w, "Pages of other origins may not ask this server.", http.StatusForbidden)
	case strings.HasPrefix(r.URL.Path, ownPrefix):
		s.serveOwn(w, r)
	default:
		s.serveAPI(w, r)
	}
}

const ownPrefix = "/_brookmere/"

func (s *Server) knows(secret string) bool {
	return subtle.ConstantTimeCompare([]byte(secret), []byte(s.secret)) == 1
}

// cookie is its name: cookies are shared by all ports of a host.
func cookie(r *http.Request) string {
	_, port, _ := net.SplitHostPort(r.Host)
	return "brookmere-console-" + port
}

// foreign reports whether a page of another origin asks. One at another port of this machine brings the cookie along,
// and no Origin with what it loads as an image, say.
func foreign(r *http.Request) bool {
	o, site := r.Header.Get("Origin"), r.Header.Get("Sec-Fetch-Site")
	return o != "" && o != "http://"+r.Host || site != "" && site != "same-origin" && site != "none"
}

func loopback(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = hostport
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (s *Server) serveOwn(w http.ResponseWriter, r *http.Request) {
	generator := r.URL.Path == ownPrefix+"generate" || r.URL.Path == ownPrefix+"generators"
	if s.cfg.Endpoint == "" || generator {
		s.cfg.Own.ServeHTTP(w, r)
		return
	}
	s.forward(w, r, s.cfg.Endpoint, "brookmere", "us-east-1", false)
}

var (
	credential = regexp.MustCompile(`^AWS4-HMAC-SHA256 Credential=[^/,]+/\d{8}/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request,`)
	regionName = regexp.MustCompile(`^[a-z]{2,4}(-[a-z]{2,12}){1,3}-\d{1,2}$`)
)

// services are those that pages ask, by the name in a signature.
var services = map[string]bool{
	"kinesis": true, "firehose": true, "glue": true, "athena": true, "dynamodb": true, "kinesisanalytics": true, "logs": true, "sqs": true,
	"sns": true, "monitoring": true, "lambda": true, "apigateway": true, "s3": true, "iam": true, "sts": true,
}

func (s *Server) serveAPI(w http.ResponseWriter, r *http.Request) {
	m := credential.FindStringSubmatch(r.Header.Get("Authorization"))
	if m == nil {
		http.Error(w, "The request has no signature that names its service.", http.StatusBadRequest)
		return
	}
	region, service := m[1], m[2]
	if !services[service] || !regionName.MatchString(region) {
		http.Error(w, "The console asks no service "+service+" in "+region+".", http.StatusBadRequest)
		return
	}
	base := s.cfg.Endpoint
	if base == "" {
		base, region = endpoint(service, region, r.Header.Get("X-Amz-Target"))
	}
	s.forward(w, r, base, service, region, service == "s3")
}

// endpoint is where AWS has a service, and the region that a signature for it names.
func endpoint(service, region, target string) (base, signed string) {
	domain := "amazonaws.com"
	if strings.HasPrefix(region, "cn-") {
		domain += ".cn"
	}
	switch {
	case service == "iam" && strings.HasPrefix(region, "cn-"):
		return "https://iam.cn-north-1." + domain, "cn-north-1"
	case service == "iam" && strings.HasPrefix(region, "us-gov-"):
		return "https://iam.us-gov." + domain, "us-gov-west-1"
	case service == "iam":
		return "https://iam." + domain, "us-east-1"
	case service == "dynamodb" && strings.HasPrefix(target, "DynamoDBStreams_"):
		return "https://streams.dynamodb." + region + "." + domain, region
	}
	return "https://" + service + "." + region + "." + domain, region
}

// kept are the headers of a request that go on; all else is the browser's own affair.
var kept = []string{"Content-Type", "X-Amz-Target", "X-Amz-Invocation-Type", "X-Amz-Log-Type", "X-Amz-Client-Context", "Range", "Accept"}

// forward sends a request on, signed by the user, and its answer back.
func (s *Server) forward(w http.ResponseWriter, r *http.Request, base, service, region string, plainPath bool) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, "The request is too large.", http.StatusRequestEntityTooLarge)
		return
	}
	ctx, stop := context.WithCancel(r.Context())
	defer stop()
	// What follows the base is a path, whatever form the request's target has: that of x:@host would make another host of it.
	path, query := r.URL.EscapedPath(), r.URL.RawQuery
	if query != "" {
		query = "?" + query
	}
	out, err := http.NewRequestWithContext(ctx, r.Method, base+path+query, bytes.NewReader(body))
	if err != nil || !strings.HasPrefix(path, "/") {
		http.Error(w, "The request cannot be sent on.", http.StatusBadRequest)
		return
	}
	for _, name := range kept {
		if v := r.Header.Values(name); len(v) > 0 {
			out.Header[name] = v
		}
	}
	if err := s.sign(ctx, out, body, service, region, plainPath); err != nil {
		refuse(w, http.StatusForbidden, "ExpiredToken", "No credentials: "+err.Error())
		return
	}
	late := time.AfterFunc(patience, stop)
	resp, err := s.client.Do(out)
	late.Stop()
	if err != nil {
		if r.Context().Err() == nil {
			refuse(w, http.StatusBadGateway, "Unreachable", out.URL.Host+" does not answer: "+reason(err))
		}
		return
	}
	defer resp.Body.Close()
	h := w.Header()
	for name, v := range resp.Header {
		switch {
		case name == "Content-Type", name == "Content-Encoding", name == "Last-Modified", name == "Etag", name == "Content-Range", strings.HasPrefix(name, "X-Amz"):
			h[name] = v
		}
	}
	// What an object or a function answers is data: opened as a page, it runs nothing here.
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(resp.StatusCode)
	flush := http.NewResponseController(w)
	buf := make([]byte, 64<<10)
	for {
		n, err := resp.Body.Read(buf)
		if n > 0 {
			if _, werr := w.Write(buf[:n]); werr != nil || flush.Flush() != nil {
				return
			}
		}
		switch {
		case err == io.EOF:
			return
		case err != nil:
			panic(http.ErrAbortHandler) // half an answer must not look like a whole one
		}
	}
}

func (s *Server) sign(ctx context.Context, out *http.Request, body []byte, service, region string, plainPath bool) error {
	keys, err := s.cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(body)
	hash := hex.EncodeToString(sum[:])
	out.Header.Set("X-Amz-Content-Sha256", hash)
	return v4.NewSigner().SignHTTP(ctx, keys, out, hash, service, region, time.Now(), func(o *v4.SignerOptions) { o.DisableURIPathEscaping = plainPath })
}

// refuse answers as services do, so that the page shows it as it shows theirs.
func refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.Header().Set("X-Amzn-Errortype", code)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"__type": code, "message": message}) // the page has gone: nobody to tell
}

func reason(err error) string {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err.Error()
	}
	return err.Error()
}
