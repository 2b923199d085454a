package server

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestMalformedRequestsHaveNoText: a client that parses errors in the form of its service fails on any text.
func TestMalformedRequestsHaveNoText(t *testing.T) {
	p := startProxy(t, nil)
	clear := func(t *testing.T) net.Conn {
		conn, err := net.Dial("tcp", p.addr)
		if err != nil {
			t.Fatal(err)
		}
		return conn
	}
	tunnel := func(t *testing.T) net.Conn {
		conn := clear(t)
		io.WriteString(conn, "CONNECT sts.amazonaws.com:443 HTTP/1.1\r\nHost: sts.amazonaws.com:443\r\n\r\n")
		if resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: http.MethodConnect}); err != nil || resp.StatusCode != http.StatusOK {
			t.Fatal(resp, err)
		}
		return tls.Client(conn, &tls.Config{RootCAs: p.roots, ServerName: "sts.amazonaws.com"})
	}
	for name, dial := range map[string]func(*testing.T) net.Conn{"clear": clear, "tunnel": tunnel} {
		for _, head := range []string{"Host: https://kinesis.us-east-1.amazonaws.com\r\n", "Host: localhost/path\r\n", "Host: localhost, example.com\r\n", "", "Host: localhost\r\nHost: localhost\r\n", "Host: localhost\r\nX: " + strings.Repeat("x", 100<<10) + "\r\n"} {
			conn := dial(t)
			conn.SetDeadline(time.Now().Add(time.Minute))
			go io.WriteString(conn, "GET / HTTP/1.1\r\n"+head+"\r\n")
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Errorf("%s, %.40q: %v", name, head, err)
				continue
			}
			body, err := io.ReadAll(resp.Body)
			if resp.StatusCode/100 != 4 || len(body) > 0 || err != nil || !resp.Close {
				t.Errorf("%s, %.40q: %s, %q, %v, closed: %v", name, head, resp.Status, body, err, resp.Close)
			}
			conn.Close()
		}
	}
}

// TestAnswersOfHandlersStay: what a handler writes may read like an answer of net/http's own.
func TestAnswersOfHandlersStay(t *testing.T) {
	const text = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n400 Bad Request"
	s := New(Options{Auth: NewOpen("000000000000", false, nil), Node: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(len(text)))
		http.NewResponseController(w).Flush()
		io.WriteString(w, text)
	})})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go s.Serve(ln)
	defer s.Shutdown(t.Context())
	conn, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(time.Minute))
	r := bufio.NewReader(conn)
	for range 2 {
		io.WriteString(conn, "GET /_brookmere/x HTTP/1.1\r\nHost: localhost\r\n\r\n")
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(resp.Body); err != nil || string(body) != text {
			t.Errorf("%q, %v", body, err)
		}
	}
	io.WriteString(conn, "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n")
	resp, err := http.ReadResponse(r, nil)
	if err != nil || resp.ContentLength != 0 {
		t.Errorf("%v, %v", resp, err)
	}
}
