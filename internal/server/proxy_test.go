package server

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/brookmere/brookmere/internal/engine/authority"
)

// proxyServer is a server that is a proxy, and its clients.
type proxyServer struct {
	addr  string
	roots *x509.CertPool
}

func startProxy(t *testing.T, change func(*Proxy)) *proxyServer {
	t.Helper()
	a, err := authority.Open(t.TempDir(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	p := &proxyServer{roots: x509.NewCertPool()}
	p.roots.AppendCertsFromPEM(a.PEM())
	proxy := &Proxy{Certificate: a.Certificate, Dial: func(context.Context, string, string) (net.Conn, error) {
		t.Error("the proxy connects to another host")
		return nil, errors.New("no")
	}}
	if change != nil {
		change(proxy)
	}
	p.addr = serving(t, Options{Account: "000000000000", Proxy: proxy})
	return p
}

func (p *proxyServer) client(t *testing.T, user *url.Userinfo, http2 bool) *http.Client {
	tr := &http.Transport{
		Proxy:             http.ProxyURL(&url.URL{Scheme: "http", Host: p.addr, User: user}),
		TLSClientConfig:   &tls.Config{RootCAs: p.roots},
		ForceAttemptHTTP2: http2,
	}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: 10 * time.Second}
}

func listStreams(t *testing.T, client *http.Client, url string) (*http.Response, string, error) {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, url, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Amz-Target", "Kinesis_20131202.ListStreams")
	r.Header.Set("Authorization", signedFor("kinesis", "eu-west-1", "test"))
	resp, err := client.Do(r)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	return resp, string(body), nil
}

func TestProxyLeadsAWSNamesToTheNode(t *testing.T) {
	p := startProxy(t, nil)
	for _, u := range []string{"https://kinesis.eu-west-1.amazonaws.com/", "https://kinesis.eu-west-1.api.aws/", "https://kinesis.cn-north-1.amazonaws.com.cn/",
		"https://a.b.s3.amazonaws.com/", "http://kinesis.eu-west-1.amazonaws.com/"} {
		for _, http2 := range []bool{false, true} {
			resp, body, err := listStreams(t, p.client(t, nil, http2), u)
			if err != nil {
				t.Errorf("%s: %v", u, err)
				continue
			}
			if want := "kinesis 000000000000 eu-west-1"; body != want {
				t.Errorf("%s: %q, want %q", u, body, want)
			}
			if major := resp.ProtoMajor; strings.HasPrefix(u, "https") && http2 != (major == 2) {
				t.Errorf("%s: HTTP/%d, asked for HTTP/2: %v", u, major, http2)
			}
		}
	}
}

// TestProxyLeadsLiveTailsToTheNode: what clients put before the host of their endpoint makes a name that does not resolve.
func TestProxyLeadsLiveTailsToTheNode(t *testing.T) {
	p := startProxy(t, nil)
	for _, prefix := range []string{"stream-", "streaming-"} {
		if _, body, err := listStreams(t, p.client(t, nil, false), "http://"+prefix+p.addr+"/"); err != nil || body != "kinesis 000000000000 eu-west-1" {
			t.Errorf("%s: %q, %v", prefix, body, err)
		}
	}
}

func TestProxyRefusesEverythingElse(t *testing.T) {
	var reached atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	defer other.Close()
	_, port, _ := net.SplitHostPort(other.Listener.Addr().String())
	p := startProxy(t, nil)
	for _, host := range []string{"example.com", "127.0.0.1:" + port, "localhost:" + port, "a.localhost:" + port, "[::1]:" + port, "[::ffff:127.0.0.1]:" + port, "0.0.0.0:" + port,
		"2130706433:" + port, "stream-127.0.0.1:" + port, "stream-10.0.0.1", "127.1:" + port, "169.254.169.254", "10.0.0.1", "amazonaws.com.example.com", "notamazonaws.com", "metadata", "sts.amazonaws.com.:x", "sts.amazonaws.com@example.com"} {
		for _, text := range []string{"CONNECT " + host + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n", "GET http://" + host + "/ HTTP/1.1\r\nHost: sts.amazonaws.com\r\nConnection: close\r\n\r\n"} {
			conn, err := net.Dial("tcp", p.addr)
			if err != nil {
				t.Fatal(err)
			}
			conn.SetDeadline(time.Now().Add(time.Minute))
			io.WriteString(conn, text)
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Errorf("%q: %v", text, err)
			} else if resp.StatusCode != http.StatusForbidden && resp.StatusCode != http.StatusBadRequest {
				t.Errorf("%q: %s", text, resp.Status)
			}
			conn.Close()
		}
	}
	if n := reached.Load(); n != 0 {
		t.Errorf("%d requests reached another server", n)
	}
}

// TestNoTunnelsForWhatIsNoName: a client is told at once what no certificate could be made for.
func TestNoTunnelsForWhatIsNoName(t *testing.T) {
	p := startProxy(t, nil)
	for _, host := range []string{"*.amazonaws.com", "a..amazonaws.com", "[fe80::1%25eth0.amazonaws.com]", strings.Repeat("x", 64) + ".amazonaws.com", strings.Repeat("y.", 130) + "amazonaws.com"} {
		conn, err := net.Dial("tcp", p.addr)
		if err != nil {
			t.Fatal(err)
		}
		conn.SetDeadline(time.Now().Add(time.Minute))
		fmt.Fprintf(conn, "CONNECT %s:443 HTTP/1.1\r\nHost: %[1]s:443\r\n\r\n", host)
		if resp, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil || resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%q: %v, %v", host, resp, err)
		}
		conn.Close()
	}
}

// TestPassedAnswersCome: of an answer that is passed through comes what there is of it, and one that is cut off is told from one that has ended.
func TestPassedAnswersCome(t *testing.T) {
	more := make(chan bool)
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "first")
		http.NewResponseController(w).Flush()
		<-more
		panic(http.ErrAbortHandler)
	}))
	defer other.Close()
	p := startProxy(t, func(p *Proxy) {
		p.Pass = []string{"example.com"}
		p.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, other.Listener.Addr().String())
		}
	})
	resp, err := p.client(t, nil, false).Get("http://example.com/")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	first := make([]byte, 5)
	if _, err := io.ReadFull(resp.Body, first); err != nil || string(first) != "first" {
		t.Errorf("%q, %v", first, err)
	}
	close(more)
	if rest, err := io.ReadAll(resp.Body); err == nil {
		t.Errorf("an answer that was cut off ends with %q", rest)
	}
}

// TestTunnelEndsInTheNode: what a client says within a tunnel is for the node, whatever host it then names.
func TestTunnelEndsInTheNode(t *testing.T) {
	p := startProxy(t, nil)
	for _, inner := range []string{
		"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n",
		"GET http://127.0.0.1:1/ HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: example.com\r\nContent-Length: 0\r\n\r\n",
	} {
		conn, err := net.Dial("tcp", p.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(time.Minute))
		io.WriteString(conn, "CONNECT sts.amazonaws.com:80 HTTP/1.1\r\nHost: sts.amazonaws.com:80\r\n\r\n")
		r := bufio.NewReader(conn)
		if resp, err := http.ReadResponse(r, &http.Request{Method: http.MethodConnect}); err != nil || resp.StatusCode != http.StatusOK {
			t.Fatal(resp, err)
		}
		io.WriteString(conn, inner)
		resp, err := http.ReadResponse(r, nil)
		if err != nil || resp.StatusCode < 400 {
			t.Errorf("%q: %v, %v", inner, resp, err)
		}
	}
}

// A client with Nagle's algorithm sends the second part of a request when the first is acknowledged. It does not wait
// for a timer of the kernel: fifty requests would take two seconds.
func TestTunnelAcknowledgesAtOnce(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("acknowledgements come when the system sends them")
	}
	p := startProxy(t, nil)
	conn, err := net.Dial("tcp", p.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(30 * time.Second))
	if err := conn.(*net.TCPConn).SetNoDelay(false); err != nil {
		t.Fatal(err)
	}
	io.WriteString(conn, "CONNECT sts.amazonaws.com:80 HTTP/1.1\r\nHost: sts.amazonaws.com:80\r\n\r\n")
	r := bufio.NewReader(conn)
	if resp, err := http.ReadResponse(r, &http.Request{Method: http.MethodConnect}); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatal(resp, err)
	}
	fast := 0
	for range 50 {
		begun := time.Now()
		io.WriteString(conn, "POST / HTTP/1.1\r\nHost: sts.amazonaws.com\r\nContent-Length: 2\r\n\r\n")
		io.WriteString(conn, "{}")
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
		if time.Since(begun) < 35*time.Millisecond {
			fast++
		}
	}
	if fast < 10 { // a machine that is busy may be slow most of the time, a timer always is
		t.Errorf("%d of 50 requests did not wait for an acknowledgement", fast)
	}
}

func TestProxyAsksForCredentials(t *testing.T) {
	p := startProxy(t, func(p *Proxy) {
		p.Authorize = func(user, password string) bool { return user == "key" && password == "right" }
	})
	for _, user := range []*url.Userinfo{nil, url.UserPassword("key", "wrong"), url.UserPassword("", "")} {
		if _, _, err := listStreams(t, p.client(t, user, false), "https://kinesis.eu-west-1.amazonaws.com/"); err == nil {
			t.Errorf("%v was let in", user)
		}
		if resp, _, err := listStreams(t, p.client(t, user, false), "http://kinesis.eu-west-1.amazonaws.com/"); err != nil || resp.StatusCode != http.StatusProxyAuthRequired {
			t.Errorf("%v: %v, %v", user, resp, err)
		}
	}
	if _, body, err := listStreams(t, p.client(t, url.UserPassword("key", "right"), true), "https://kinesis.eu-west-1.amazonaws.com/"); err != nil || body != "kinesis 000000000000 eu-west-1" {
		t.Error(body, err)
	}
}

func TestProxyPassesWhatIsConfigured(t *testing.T) {
	other := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Proxy-Authorization") != "" || r.Header.Get("Proxy-Connection") != "" {
			t.Error("the proxy's headers are passed on")
		}
		fmt.Fprint(w, "another host: ", r.Host)
	})
	plain, secure := httptest.NewServer(other), httptest.NewTLSServer(other)
	defer plain.Close()
	defer secure.Close()
	p := startProxy(t, func(p *Proxy) {
		p.Pass = []string{"example.com", "*.example.org"}
		p.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			to := plain.Listener.Addr().String()
			if strings.HasSuffix(address, ":443") {
				to = secure.Listener.Addr().String()
			}
			return (&net.Dialer{}).DialContext(ctx, network, to)
		}
	})
	p.roots.AddCert(secure.Certificate())
	for u, want := range map[string]string{"http://example.com/": "another host: example.com", "https://example.com/x": "another host: example.com", "http://a.example.org/": "another host: a.example.org"} {
		if _, body, err := listStreams(t, p.client(t, nil, false), u); err != nil || body != want {
			t.Errorf("%s: %q, %v", u, body, err)
		}
	}
	for _, u := range []string{"https://b.example.com/", "https://example.com:8443/", "https://example.net/"} {
		if _, _, err := listStreams(t, p.client(t, nil, false), u); err == nil {
			t.Errorf("%s was reached", u)
		}
	}
}

func TestPassNamesOfAWSOnlyWhereTheyAreNamed(t *testing.T) {
	for _, tt := range []struct {
		pass, host, port string
		want             bool
	}{
		{"*", "example.com", "443", true},
		{"*", "example.com", "22", false},
		{"*", "sts.amazonaws.com", "443", false},
		{"*.com", "sts.amazonaws.com", "443", false},
		{"*.ec2.amazonaws.com", "eu.ec2.amazonaws.com", "443", true},
		{"*.ec2.amazonaws.com", "sts.amazonaws.com", "443", false},
		{"ec2.amazonaws.com", "ec2.amazonaws.com", "443", true},
		{"example.com:8443", "example.com", "8443", true},
		{"example.com:8443", "example.com", "443", false},
		{"*.example.com", "example.com", "443", false},
		{"*.example.com", "badexample.com", "443", false},
		{"*.example.com", "2001:db8::1%.example.com", "443", false}, // a zone, of an address that nobody named
	} {
		p := &Proxy{Pass: []string{tt.pass}}
		if got := p.passes(target{tt.host, tt.port}); got != tt.want {
			t.Errorf("%s passes %s:%s: %v", tt.pass, tt.host, tt.port, got)
		}
	}
	for _, entry := range []string{"", "*.", "*x.com", "http://example.com", "Example.com", "example.com:0", "example.com:x"} {
		if CheckPass(entry) == nil {
			t.Errorf("the entry %q is taken", entry)
		}
	}
}

func TestNoProxy(t *testing.T) {
	s := testServer()
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodConnect, "http://sts.amazonaws.com:443", nil)
	s.ServeHTTP(w, r)
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("status %d", w.Code)
	}
}

func BenchmarkProxy(b *testing.B) {
	a, err := authority.Open(b.TempDir(), time.Now)
	if err != nil {
		b.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(a.PEM())
	kinesis := echo("kinesis")
	kinesis.SigningName, kinesis.TargetPrefix = "kinesis", "Kinesis_20131202"
	s := New(Options{Services: []Service{kinesis}, Auth: NewOpen("000000000000", false, nil), Proxy: &Proxy{Certificate: a.Certificate}})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	go s.Serve(ln)
	defer s.Shutdown(context.Background())
	for _, proxied := range []bool{false, true} {
		b.Run(map[bool]string{false: "direct", true: "proxy"}[proxied], func(b *testing.B) {
			tr, target := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}, "http://"+ln.Addr().String()+"/"
			if proxied {
				tr.Proxy, target = http.ProxyURL(&url.URL{Scheme: "http", Host: ln.Addr().String()}), "https://kinesis.us-east-1.amazonaws.com/"
			}
			body := strings.Repeat("x", 100<<10)
			for b.Loop() {
				r, _ := http.NewRequest(http.MethodPost, target, strings.NewReader(body))
				r.Header.Set("X-Amz-Target", "Kinesis_20131202.PutRecords")
				resp, err := tr.RoundTrip(r)
				if err != nil {
					b.Fatal(err)
				}
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
		})
	}
}
