package server

import (
	"bufio"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/brookmere/brookmere/internal/awswire"
)

// Proxy is the forward proxy of a Server, for clients that cannot be told another endpoint than AWS's own.
// It takes CONNECT, and requests whose target is a whole http:// URL.
//
//   - Names of AWS lead to this node, whichever service they are of: TLS ends here, with a certificate of the
//     node's own authority, and the requests within are served as all others are.
//   - Names in Pass are connected to with Dial, unread.
//   - Everything else is refused with an error that names the host: addresses, other machines, and other ports
//     of this one. Nothing is resolved for it.
type Proxy struct {
	// Certificate returns a certificate for a name of AWS.
	Certificate func(host string) (*tls.Certificate, error)
	// Pass are the names that are passed through, as "registry.example.com", "*.example.com", "example.com:8443"
	// or "*" (all but AWS's). The ports of those without one are 80 and 443.
	Pass []string
	// Dial connects to what is passed through. It refuses what a client could not reach otherwise.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Authorize lets a client in by the name and password of Proxy-Authorization; nil: everybody.
	Authorize func(user, password string) bool
}

// awsDomains are the domains of AWS's endpoints.
var awsDomains = []string{"amazonaws.com", "amazonaws.com.cn", "api.aws", "on.aws"}

// isAWSName tells a host as AWS names its endpoints.
func isAWSName(host string) bool {
	return slices.ContainsFunc(awsDomains, func(d string) bool { return strings.HasSuffix(host, "."+d) || host == d })
}

// isHostName reports whether a name can be one of a host: labels of letters, digits, hyphens and underscores, each of up
// to 63 bytes. No certificate is for another.
func isHostName(host string) bool {
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || len(label) > 63 || strings.ContainsFunc(label, func(c rune) bool {
			return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_'
		}) {
			return false
		}
	}
	return len(host) <= 253
}

const (
	// proxyHandshake is how long a client may take to begin within a tunnel.
	proxyHandshake = 20 * time.Second
	// maxTunnels is how many connections are passed through at once.
	maxTunnels = 512
	// tunnelIdle is how long a connection that is passed through may be silent.
	tunnelIdle = 5 * time.Minute
)

// proxying is what a Server has for its Proxy.
type proxying struct {
	*Proxy
	ended   *connListener // connections whose TLS ended here
	tls     *tls.Config
	tunnels chan struct{}
	forward *http.Transport // of requests in clear text that are passed through
}

func newProxying(p *Proxy) *proxying {
	if p == nil {
		return nil
	}
	x := &proxying{Proxy: p, ended: newConnListener(), tunnels: make(chan struct{}, maxTunnels)}
	x.tls = &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}
	if p.Dial != nil {
		x.forward = &http.Transport{DialContext: p.Dial, DisableCompression: true, MaxResponseHeaderBytes: 64 << 10, ResponseHeaderTimeout: time.Minute, IdleConnTimeout: time.Minute}
	}
	return x
}

// proxied answers a request to the proxy, and reports whether it was one. A request that the proxy leads to
// this node is made one to the node itself, and is for the caller to serve.
func (s *Server) proxied(w http.ResponseWriter, r *http.Request) (done bool) {
	connect := r.Method == http.MethodConnect
	if !connect && !r.URL.IsAbs() {
		return false
	}
	if s.proxy == nil || isTunnelled(r.Context()) || r.ProtoMajor > 1 {
		if connect {
			http.Error(w, "This node is not a proxy: set proxy.mode to on in its configuration.", http.StatusMethodNotAllowed)
			return true
		}
		if r.ProtoMajor == 1 {
			ownTarget(r) // as before: a whole URL is taken for its path
		}
		return false
	}
	target, own := s.target(r)
	if !own && s.proxy.Authorize != nil && !s.proxyAuthorized(r) {
		w.Header().Set("Proxy-Authenticate", `Basic realm="brookmere"`)
		http.Error(w, "The proxy of this node needs credentials: brookmere env prints the address with them.", http.StatusProxyAuthRequired)
		return true
	}
	r.Header.Del("Proxy-Authorization")
	r.Header.Del("Proxy-Connection")
	pass := !own && s.proxy.passes(target)
	switch {
	case connect && pass:
		s.tunnel(w, r, target)
	case connect && !own && isAWSName(target.host) && !isHostName(target.host):
		http.Error(w, fmt.Sprintf("%q is not a name that a host can have.", target.host), http.StatusBadRequest)
	case connect && (own || isAWSName(target.host)):
		s.end(w, target)
	case connect:
		s.refuseHost(w, target)
	case pass:
		s.forwardPlain(w, r)
	case own || isAWSName(target.host):
		ownTarget(r)
		return false
	default:
		s.refuseHost(w, target)
	}
	return true
}

func (s *Server) refuseHost(w http.ResponseWriter, t target) {
	s.log.Debug("the proxy refused a host", "host", t.host, "port", t.port)
	http.Error(w, fmt.Sprintf("Brookmere's proxy does not lead to %q: it leads to this node, by AWS's names, and to what proxy.pass of the configuration names.", net.JoinHostPort(t.host, t.port)), http.StatusForbidden)
}

// ownTarget makes a request whose target is a whole URL one of the path alone, which signatures are of.
func ownTarget(r *http.Request) {
	if _, rest, ok := strings.Cut(r.RequestURI, "://"); ok {
		if i := strings.IndexAny(rest, "/?"); i < 0 {
			rest = "/"
		} else if rest = rest[i:]; rest[0] == '?' {
			rest = "/" + rest
		}
		r.RequestURI = rest
	}
	r.URL.Scheme, r.URL.Host, r.URL.User = "", "", nil
	if r.URL.Path == "" {
		r.URL.Path = "/"
	}
}

// target is where a client wants the proxy to lead.
type target struct{ host, port string }

// target is that of a request; own tells that it is this node by its own name and port.
func (s *Server) target(r *http.Request) (t target, own bool) {
	authority, port := r.Host, "80"
	if r.Method == http.MethodConnect {
		port = "443"
	} else {
		authority = r.URL.Host
		if r.URL.Scheme == "https" {
			port = "443"
		}
	}
	t.host, t.port = authority, port
	if h, p, err := net.SplitHostPort(authority); err == nil {
		t.host, t.port = h, p
	}
	t.host = strings.TrimSuffix(strings.ToLower(strings.Trim(t.host, "[]")), ".")
	at, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if at == nil {
		return t, false
	}
	host, listens, err := net.SplitHostPort(at.String())
	is := func(name string) bool {
		to := cmp.Or(addressBehind(name), name)
		return to == host || isLoopbackName(to) || slices.Contains(s.opts.Hosts, to)
	}
	own = err == nil && t.port == listens && (is(t.host) || is(withoutStream(t.host)))
	return t, own
}

// withoutStream is a host without what clients put before that of their endpoint when they begin a live tail.
func withoutStream(host string) string {
	for _, prefix := range []string{"stream-", "streaming-"} {
		if rest, ok := strings.CutPrefix(host, prefix); ok {
			return rest
		}
	}
	return host
}

// passes reports whether a target is one that is passed through. A name of AWS is only where an entry of AWS's names
// says so.
func (p *Proxy) passes(t target) bool {
	return slices.ContainsFunc(p.Pass, func(entry string) bool {
		name, port, err := net.SplitHostPort(entry)
		if err != nil {
			name, port = entry, ""
		}
		if port == "" && t.port != "80" && t.port != "443" || port != "" && port != t.port {
			return false
		}
		if name == "*" {
			return !isAWSName(t.host)
		}
		if domain, ok := strings.CutPrefix(name, "*."); ok {
			// A zone of an IPv6 address may end like any name.
			return !strings.ContainsAny(t.host, ":%") && strings.HasSuffix(t.host, "."+domain) && (isAWSName(domain) || !isAWSName(t.host))
		}
		return t.host == name
	})
}

// proxyAuthorized reports whether the client of a request may use the proxy.
func (s *Server) proxyAuthorized(r *http.Request) bool {
	scheme, text, _ := strings.Cut(r.Header.Get("Proxy-Authorization"), " ")
	if !strings.EqualFold(scheme, "Basic") {
		return false
	}
	pair, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	user, password, ok := strings.Cut(string(pair), ":")
	return err == nil && ok && s.proxy.Authorize(user, password)
}

// hijack takes over the connection of a CONNECT request and tells its client that it is connected.
func (s *Server) hijack(w http.ResponseWriter) (net.Conn, error) {
	conn, buf, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, "This connection cannot be a tunnel.", http.StatusInternalServerError)
		return nil, err
	}
	_ = conn.SetDeadline(time.Time{}) // of a read that the server had begun
	if _, err := io.WriteString(conn, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		conn.Close()
		return nil, err
	}
	return &bufferedConn{Conn: conn, r: buf.Reader, ack: acknowledgerOf(conn)}, nil
}

// end ends a tunnel in this node: what is said within is for its server, in TLS or in the clear.
func (s *Server) end(w http.ResponseWriter, t target) {
	conn, err := s.hijack(w)
	if err != nil {
		return
	}
	c := &tunnelConn{Conn: conn}
	go func() {
		_ = conn.SetReadDeadline(time.Now().Add(proxyHandshake))
		first, err := conn.(*bufferedConn).r.Peek(1)
		_ = conn.SetReadDeadline(time.Time{})
		if err != nil {
			conn.Close()
			return
		}
		if first[0] == recordHandshake {
			config := s.proxy.tls.Clone()
			config.GetCertificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
				if name := strings.ToLower(hello.ServerName); name != "" && isAWSName(name) {
					return s.proxy.Certificate(name)
				}
				return s.proxy.Certificate(t.host)
			}
			c.Conn, c.secure = tls.Server(conn, config), true
		}
		if !s.proxy.ended.offer(c) {
			conn.Close()
		}
	}()
}

// recordHandshake is the first byte of a TLS connection.
const recordHandshake = 0x16

// take takes the place of one that is passed through, or says that there is none.
func (p *proxying) take(w http.ResponseWriter) bool {
	select {
	case p.tunnels <- struct{}{}:
		return true
	default:
		http.Error(w, "The proxy passes too many connections through already.", http.StatusServiceUnavailable)
		return false
	}
}

func (p *proxying) giveBack() { <-p.tunnels }

// tunnel passes a connection through.
func (s *Server) tunnel(w http.ResponseWriter, r *http.Request, t target) {
	if !s.proxy.take(w) {
		return
	}
	defer s.proxy.giveBack()
	there, err := s.proxy.Dial(r.Context(), "tcp", net.JoinHostPort(t.host, t.port))
	if err != nil {
		http.Error(w, "connect: "+err.Error(), http.StatusBadGateway)
		return
	}
	defer there.Close()
	here, err := s.hijack(w)
	if err != nil {
		return
	}
	defer here.Close()
	defer context.AfterFunc(s.serving, func() { here.Close(); there.Close() })()
	var both sync.WaitGroup
	both.Go(func() { copyIdle(there, here) })
	both.Go(func() { copyIdle(here, there) })
	both.Wait()
}

// halfCloser is a connection that can say that nothing more comes.
type halfCloser interface{ CloseWrite() error }

// copyIdle copies until the source ends or has been silent too long, and then tells the destination that there is no more.
func copyIdle(to, from net.Conn) {
	defer func() {
		if c, ok := to.(halfCloser); ok && c.CloseWrite() == nil {
			return
		}
		to.Close()
	}()
	buf := make([]byte, 32<<10)
	for {
		_ = from.SetReadDeadline(time.Now().Add(tunnelIdle))
		n, err := from.Read(buf)
		if n > 0 {
			_ = to.SetWriteDeadline(time.Now().Add(answerStall))
			if _, werr := to.Write(buf[:n]); werr != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// hopByHop are the headers of one connection, not of the request.
var hopByHop = []string{"Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade"}

// forwardPlain makes a request in clear text for its client.
func (s *Server) forwardPlain(w http.ResponseWriter, r *http.Request) {
	if r.URL.Scheme != "http" {
		http.Error(w, "The proxy takes CONNECT for "+r.URL.Scheme+" URLs.", http.StatusBadRequest)
		return
	}
	if !s.proxy.take(w) {
		return
	}
	defer s.proxy.giveBack()
	idle, cancel := context.WithCancel(r.Context())
	defer cancel()
	out := r.Clone(idle)
	if r.Body != nil && r.Body != http.NoBody {
		out.Body = &stallingBody{ReadCloser: r.Body, control: http.NewResponseController(w)}
	}
	for _, list := range out.Header.Values("Connection") {
		for name := range strings.SplitSeq(list, ",") {
			out.Header.Del(strings.TrimSpace(name))
		}
	}
	for _, name := range hopByHop {
		out.Header.Del(name)
	}
	resp, err := s.proxy.forward.RoundTrip(out)
	if err != nil {
		http.Error(w, "connect: "+err.Error(), http.StatusBadGateway)
		return
	}
	defer resp.Body.Close()
	silent := time.AfterFunc(tunnelIdle, cancel)
	defer silent.Stop()
	for _, name := range hopByHop {
		resp.Header.Del(name)
	}
	for name, values := range resp.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(resp.StatusCode)
	flush := http.NewResponseController(w).Flush
	buf := make([]byte, 32<<10)
	for {
		silent.Reset(tunnelIdle)
		n, err := resp.Body.Read(buf)
		if n > 0 {
			if _, werr := w.Write(buf[:n]); werr != nil || flush() != nil { // its client has gone
				return
			}
		}
		switch {
		case err == io.EOF:
			return
		case err != nil:
			panic(http.ErrAbortHandler) // an answer that was cut off is told from one that has ended
		}
	}
}

// bufferedConn is a connection of which something has been read already. What has come is acknowledged before more is
// waited for: clients such as urllib3 (of boto3 and requests) have Nagle's algorithm on where they use a proxy, and send
// the body of a request only when its headers are acknowledged, which the kernel puts off for 40 ms.
type bufferedConn struct {
	net.Conn
	r   *bufio.Reader
	ack acknowledger
}

func (c *bufferedConn) Read(p []byte) (int, error) {
	if c.r.Buffered() == 0 {
		c.ack.now()
	}
	return c.r.Read(p)
}

// CloseWrite says that nothing more comes.
func (c *bufferedConn) CloseWrite() error {
	if t, ok := c.Conn.(halfCloser); ok {
		return t.CloseWrite()
	}
	return errors.ErrUnsupported
}

// tunnelConn is a connection within a tunnel that ends here. It hides from net/http that it is a *tls.Conn: see
// tlsListener.
type tunnelConn struct {
	net.Conn
	answers
	secure bool
}

func (c *tunnelConn) Write(p []byte) (int, error) { return c.write(c.Conn, p) }

// tunnelled is the context key of what a tunnelConn is.
type tunnelled struct{}

func withTunnel(ctx context.Context, c net.Conn) context.Context {
	if t, ok := c.(*tunnelConn); ok {
		return context.WithValue(ctx, tunnelled{}, t)
	}
	return ctx
}

func isTunnelled(ctx context.Context) bool { return ctx.Value(tunnelled{}) != nil }

// isSecure reports whether a request came by TLS.
func (s *Server) isSecure(ctx context.Context) bool {
	t, ok := ctx.Value(tunnelled{}).(*tunnelConn)
	return s.opts.TLS != nil || ok && t.secure
}

// connListener hands connections that are there already to a server.
type connListener struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newConnListener() *connListener {
	return &connListener{conns: make(chan net.Conn), done: make(chan struct{})}
}

// offer hands a connection over; false if the server has closed.
func (l *connListener) offer(c net.Conn) bool {
	select {
	case l.conns <- c:
		return true
	case <-l.done:
		return false
	}
}

// Accept implements net.Listener.
func (l *connListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (l *connListener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

// Addr implements net.Listener.
func (l *connListener) Addr() net.Addr { return proxyAddr{} }

type proxyAddr struct{}

func (proxyAddr) Network() string { return "proxy" }
func (proxyAddr) String() string  { return "proxy" }

// CheckPass reports what is wrong with an entry of Proxy.Pass.
func CheckPass(entry string) error {
	name, port := entry, ""
	if h, p, err := net.SplitHostPort(entry); err == nil {
		name, port = h, p
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return fmt.Errorf("%q: its port is not one", entry)
		}
	}
	rest := strings.TrimPrefix(name, "*.")
	if name != "*" && (rest == "" || strings.ContainsAny(rest, "*/:@ ") || rest != strings.ToLower(rest)) {
		return fmt.Errorf("%q: want a name in lower case, as registry.example.com, *.example.com or example.com:8443", entry)
	}
	return nil
}

// secureCaller completes what is known of a caller by its connection.
func (s *Server) secureCaller(ctx context.Context, c awswire.Caller) awswire.Caller {
	c.RequestID, c.Secure = awswire.NewRequestID(), s.isSecure(ctx)
	return c
}
