package lambda

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/function"
)

// Requests to function URLs: an HTTP request becomes an event of version 2.0, what the function
// returns becomes the response.

// Fronts are the doors of the service beside its API.
func (s *Service) Fronts() []awswire.Front {
	return []awswire.Front{{
		Name: "lambda-url", SigningName: "lambda",
		Claims:  func(r *http.Request) bool { return urlID(r.Host) != "" },
		Handler: http.HandlerFunc(s.serveURL),
		WriteError: func(w http.ResponseWriter, _ *http.Request, _ error) {
			urlError(w, http.StatusForbidden, "AccessDeniedException", "Forbidden")
		},
	}}
}

// urlID is the id in the host of a function URL; "" if it is none.
func urlID(host string) string {
	id, rest, ok := strings.Cut(host, ".lambda-url.")
	if !ok || rest == "" || strings.Contains(id, ".") {
		return ""
	}
	return id
}

func urlError(w http.ResponseWriter, status int, kind, message string) {
	w.Header().Set("Content-Type", "application/json")
	if kind != "" {
		w.Header().Set("x-amzn-ErrorType", kind)
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"Message": message}) // the client has gone: nobody to tell
}

type urlEvent struct {
	Version    string            `json:"version"`
	RouteKey   string            `json:"routeKey"`
	Path       string            `json:"rawPath"`
	Query      string            `json:"rawQueryString"`
	Cookies    []string          `json:"cookies,omitempty"`
	Headers    map[string]string `json:"headers"`
	Parameters map[string]string `json:"queryStringParameters,omitempty"`
	Context    urlContext        `json:"requestContext"`
	Body       *string           `json:"body,omitempty"`
	Base64     bool              `json:"isBase64Encoded"`
}

type urlContext struct {
	Account  string         `json:"accountId"`
	API      string         `json:"apiId"`
	Domain   string         `json:"domainName"`
	Prefix   string         `json:"domainPrefix"`
	HTTP     urlHTTP        `json:"http"`
	Request  string         `json:"requestId"`
	RouteKey string         `json:"routeKey"`
	Stage    string         `json:"stage"`
	Time     string         `json:"time"`
	Epoch    int64          `json:"timeEpoch"`
	Auth     *urlAuthorizer `json:"authorizer,omitempty"`
}

type urlHTTP struct {
	Method    string `json:"method"`
	Path      string `json:"path"`
	Protocol  string `json:"protocol"`
	Source    string `json:"sourceIp"`
	UserAgent string `json:"userAgent"`
}

type urlAuthorizer struct {
	IAM struct {
		AccessKey string `json:"accessKey"`
		Account   string `json:"accountId"`
		User      string `json:"userArn"`
	} `json:"iam"`
}

func (s *Service) serveURL(w http.ResponseWriter, r *http.Request) {
	found, ok := s.urls.Load(urlID(r.Host))
	if !ok {
		urlError(w, http.StatusForbidden, "AccessDeniedException", "Forbidden")
		return
	}
	at := found.(urlTarget)
	d, err := s.functions.Get(at.Key(at.name)...)
	if err != nil || d.URLs[at.qualifier] == nil {
		urlError(w, http.StatusForbidden, "AccessDeniedException", "Forbidden")
		return
	}
	u := d.URLs[at.qualifier]
	if s.cors(w, r, u.CORS) {
		return
	}
	caller := awswire.CallerFrom(r.Context())
	if u.Auth != string(types.FunctionUrlAuthTypeAwsIam) { // nobody is asked for who they are: it is open to all or to none
		caller = awswire.Caller{RequestID: caller.RequestID}
	} else if caller.AccessKey == "" || caller.Account != at.Account {
		urlError(w, http.StatusForbidden, "AccessDeniedException", "Forbidden")
		return
	}
	if s.cfg.MayCallURL != nil {
		who := caller
		if who.AccessKey == "" {
			who = awswire.Caller{Account: at.Account, Region: at.Region, RequestID: caller.RequestID, Anonymous: true}
		}
		if err := s.cfg.MayCallURL(awswire.WithCaller(r.Context(), who), target(at).arn(), u.Auth); err != nil {
			var refused smithy.APIError
			if !errors.As(err, &refused) {
				s.log.Error("who may call the URL of a function is not known", "function", at.name, "error", err)
			}
			urlError(w, http.StatusForbidden, "AccessDeniedException", "Forbidden")
			return
		}
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxSync+1))
	if err != nil {
		urlError(w, http.StatusBadRequest, "", "The request could not be read")
		return
	}
	if len(body) > maxSync {
		urlError(w, http.StatusRequestEntityTooLarge, "", "Request Entity Too Large")
		return
	}
	id := requestID(r.Context())
	payload, err := json.Marshal(s.urlEvent(r, id, body, caller))
	if err != nil || len(payload) > maxSync {
		urlError(w, http.StatusRequestEntityTooLarge, "", "Request Entity Too Large")
		return
	}
	out, err := s.call(at.Context(r.Context()), d, target(at), &function.Request{ID: id, Payload: payload, Stream: u.Mode == string(types.InvokeModeResponseStream)})
	if err != nil {
		var api smithy.APIError
		if errors.As(err, &api) && api.ErrorCode() == "TooManyRequestsException" {
			urlError(w, http.StatusTooManyRequests, "TooManyRequestsException", "Rate Exceeded.")
			return
		}
		urlError(w, http.StatusBadGateway, "", "Internal Server Error")
		return
	}
	w.Header().Set("x-amzn-RequestId", id)
	switch {
	case out.Body != nil:
		streamURL(w, out.Body, out.ContentType)
	case out.Failed:
		urlError(w, http.StatusBadGateway, "", "Internal Server Error")
	default:
		answerURL(w, out.Payload)
	}
}

func (s *Service) urlEvent(r *http.Request, id string, body []byte, caller awswire.Caller) *urlEvent {
	now := s.clock.Now().UTC()
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	e := &urlEvent{
		Version: "2.0", RouteKey: "$default", Path: r.URL.EscapedPath(), Query: r.URL.RawQuery, Headers: map[string]string{"host": r.Host},
		Context: urlContext{
			Account: "anonymous", API: urlID(r.Host), Domain: r.Host, Prefix: urlID(r.Host), Request: id, RouteKey: "$default", Stage: "$default",
			Time: now.Format("02/Jan/2006:15:04:05 -0700"), Epoch: now.UnixMilli(),
			HTTP: urlHTTP{r.Method, r.URL.EscapedPath(), r.Proto, host, r.UserAgent()},
		},
	}
	if e.Path == "" {
		e.Path = "/"
	}
	for name, values := range r.Header {
		if name == "Cookie" {
			for _, v := range values {
				for c := range strings.SplitSeq(v, ";") {
					e.Cookies = append(e.Cookies, strings.TrimSpace(c))
				}
			}
			continue
		}
		e.Headers[strings.ToLower(name)] = strings.Join(values, ",")
	}
	forwarded(e.Headers, r, host)
	if q, err := url.ParseQuery(r.URL.RawQuery); err == nil && len(q) > 0 {
		e.Parameters = map[string]string{}
		for name, values := range q {
			e.Parameters[name] = strings.Join(values, ",")
		}
	}
	if len(body) > 0 {
		text := string(body)
		kind := r.Header.Get("Content-Type")
		if e.Base64 = !utf8.Valid(body) || !isText(kind); e.Base64 {
			text = base64.StdEncoding.EncodeToString(body)
		}
		e.Body = &text
	}
	if caller.AccessKey != "" {
		e.Context.Account = caller.Account
		e.Context.Auth = new(urlAuthorizer)
		e.Context.Auth.IAM.AccessKey, e.Context.Auth.IAM.Account, e.Context.Auth.IAM.User = caller.AccessKey, caller.Account, caller.Principal
	}
	return e
}

// forwarded adds where a request came from: its address goes behind those that the client says.
func forwarded(headers map[string]string, r *http.Request, source string) {
	if before := headers["x-forwarded-for"]; before != "" {
		source = before + ", " + source
	}
	proto, port := "http", "80"
	if r.TLS != nil {
		proto, port = "https", "443"
	}
	if _, p, err := net.SplitHostPort(r.Host); err == nil && p != "" {
		port = p
	}
	headers["x-forwarded-for"], headers["x-forwarded-port"], headers["x-forwarded-proto"] = source, port, proto
}

func isText(kind string) bool {
	return strings.HasPrefix(kind, "text/") || strings.HasPrefix(kind, "application/json") || strings.HasPrefix(kind, "application/xml") ||
		strings.HasPrefix(kind, "application/javascript") || strings.Contains(kind, "+json") || strings.Contains(kind, "+xml")
}

type urlAnswer struct {
	Status  *int           `json:"statusCode"`
	Headers map[string]any `json:"headers"`
	Cookies []string       `json:"cookies"`
	Body    any            `json:"body"`
	Base64  bool           `json:"isBase64Encoded"`
}

func (a *urlAnswer) head(w http.ResponseWriter) (status int, ok bool) {
	for name, v := range a.Headers {
		text, isText := v.(string)
		if !isText {
			b, err := json.Marshal(v)
			if err != nil {
				return 0, false
			}
			text = string(b)
		}
		w.Header().Set(name, text)
	}
	dropHops(w.Header())
	for _, c := range a.Cookies {
		w.Header().Add("Set-Cookie", c)
	}
	status = http.StatusOK
	if a.Status != nil {
		status = *a.Status
	}
	return status, status >= 200 && status <= 599
}

// dropHops removes what a function says of the connection, which is not its own, and of the length,
// which is that of the body.
func dropHops(h http.Header) {
	for _, v := range h.Values("Connection") {
		for name := range strings.SplitSeq(v, ",") {
			h.Del(strings.TrimSpace(name))
		}
	}
	for _, name := range []string{"Connection", "Content-Length", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade"} {
		h.Del(name)
	}
}

// answerURL makes a response of what a function returned: of its members if it has a status,
// and else as it is.
func answerURL(w http.ResponseWriter, payload []byte) {
	var a urlAnswer
	if json.Unmarshal(payload, &a) != nil || a.Status == nil {
		w.Header().Set("Content-Type", "application/json")
		var text string
		if json.Unmarshal(payload, &text) == nil {
			payload = []byte(text)
		}
		w.Write(payload)
		return
	}
	var body []byte
	switch v := a.Body.(type) {
	case nil:
	case string:
		body = []byte(v)
		if a.Base64 {
			var err error
			if body, err = base64.StdEncoding.DecodeString(v); err != nil {
				urlError(w, http.StatusBadGateway, "", "Internal Server Error")
				return
			}
		}
	default:
		body, _ = json.Marshal(v) // it was JSON
	}
	w.Header().Set("Content-Type", "application/json")
	status, ok := a.head(w)
	if !ok {
		urlError(w, http.StatusBadGateway, "", "Internal Server Error")
		return
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	w.Write(body)
}

// maxPrelude bounds the head of a streamed response.
const maxPrelude = 64 << 10

// streamURL passes a response on while it is made. With a prelude it begins with the head as
// JSON and eight zero bytes.
func streamURL(w http.ResponseWriter, body io.ReadCloser, contentType string) {
	defer body.Close()
	control := http.NewResponseController(w)
	var first []byte
	if contentType == "application/vnd.awslambda.http-integration-response" {
		head, rest, ok := prelude(body)
		var a urlAnswer
		if !ok || json.Unmarshal(head, &a) != nil {
			urlError(w, http.StatusBadGateway, "", "Internal Server Error")
			return
		}
		w.Header().Set("Content-Type", "application/octet-stream")
		status, ok := a.head(w)
		if !ok {
			urlError(w, http.StatusBadGateway, "", "Internal Server Error")
			return
		}
		w.WriteHeader(status)
		first = rest
	} else {
		w.Header().Set("Content-Type", contentType)
	}
	w.Write(first)
	b := make([]byte, 32<<10)
	for {
		n, err := body.Read(b)
		if n > 0 {
			if _, err := w.Write(b[:n]); err != nil {
				return
			}
			_ = control.SetWriteDeadline(time.Now().Add(time.Minute)) // not every connection has one
			if control.Flush() != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func prelude(r io.Reader) (head, rest []byte, ok bool) {
	var all []byte
	b := make([]byte, 4<<10)
	for len(all) < maxPrelude {
		n, err := r.Read(b)
		all = append(all, b[:n]...)
		for i := 0; i+8 <= len(all); i++ {
			if binary.LittleEndian.Uint64(all[i:]) == 0 {
				return all[:i], all[i+8:], true
			}
		}
		if err != nil {
			return nil, nil, false
		}
	}
	return nil, nil, false
}

// cors sets the headers that a URL's settings say, and answers preflights; done says that it
// has answered.
func (s *Service) cors(w http.ResponseWriter, r *http.Request, c *types.Cors) (done bool) {
	origin := r.Header.Get("Origin")
	if c == nil || origin == "" || !slices.Contains(c.AllowOrigins, "*") && !slices.Contains(c.AllowOrigins, origin) {
		return false
	}
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", origin)
	h.Add("Vary", "Origin")
	if c.AllowCredentials != nil && *c.AllowCredentials {
		h.Set("Access-Control-Allow-Credentials", "true")
	}
	if len(c.ExposeHeaders) > 0 {
		h.Set("Access-Control-Expose-Headers", strings.Join(c.ExposeHeaders, ","))
	}
	if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
		return false
	}
	if len(c.AllowMethods) > 0 {
		h.Set("Access-Control-Allow-Methods", strings.Join(c.AllowMethods, ","))
	}
	if len(c.AllowHeaders) > 0 {
		h.Set("Access-Control-Allow-Headers", strings.Join(c.AllowHeaders, ","))
	}
	if c.MaxAge != nil {
		h.Set("Access-Control-Max-Age", strconv.Itoa(int(*c.MaxAge)))
	}
	w.WriteHeader(http.StatusOK)
	return true
}
