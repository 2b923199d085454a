package server

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

func selfSigned(t *testing.T) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}

// serving runs a server on a port of loopback.
func serving(t *testing.T, o Options) (addr string) {
	t.Helper()
	kinesis := echo("kinesis")
	kinesis.SigningName, kinesis.TargetPrefix = "kinesis", "Kinesis_20131202"
	o.Services, o.Auth = []Service{kinesis}, NewOpen("000000000000", false, nil)
	o.Node = http.NotFoundHandler()
	s := New(o)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(ln) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		s.Shutdown(ctx)
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return ln.Addr().String()
}

// TestProtocols: HTTP/1.1 and HTTP/2, with TLS and without, whether the client asks for
// HTTP/2 in the handshake or begins with it.
func TestProtocols(t *testing.T) {
	plain, sealed := serving(t, Options{}), serving(t, Options{TLS: selfSigned(t)})
	trusting := func(protos ...string) *tls.Config {
		return &tls.Config{InsecureSkipVerify: true, NextProtos: protos}
	}
	var knowing http.Protocols
	knowing.SetUnencryptedHTTP2(true)
	for _, tt := range []struct {
		name, url string
		transport http.RoundTripper
		major     int
	}{
		{"HTTP/1.1", "http://" + plain, &http.Transport{}, 1},
		{"HTTP/2 by prior knowledge", "http://" + plain, &http.Transport{Protocols: &knowing}, 2},
		{"TLS, HTTP/1.1", "https://" + sealed, &http.Transport{TLSClientConfig: trusting()}, 1},
		{"TLS, HTTP/2 by ALPN", "https://" + sealed, &http.Transport{TLSClientConfig: trusting(), ForceAttemptHTTP2: true}, 2},
		// A transport that is told of no TLS, over a connection that has it.
		{"TLS, HTTP/2 without ALPN", "http://" + sealed, &http.Transport{Protocols: &knowing, DialContext: func(_ context.Context, network, addr string) (net.Conn, error) {
			return tls.Dial(network, addr, trusting())
		}}, 2},
	} {
		req, _ := http.NewRequest("POST", tt.url, strings.NewReader("{}"))
		req.Header.Set("X-Amz-Target", "Kinesis_20131202.ListStreams")
		client := &http.Client{Transport: tt.transport}
		resp, err := client.Do(req)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		client.CloseIdleConnections()
		if resp.StatusCode != 200 || resp.ProtoMajor != tt.major || !strings.HasPrefix(string(body), "kinesis ") {
			t.Errorf("%s: %s %s %s", tt.name, resp.Proto, resp.Status, body)
		}
	}
	resp, err := http.Get("http://" + sealed)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); resp.StatusCode != 400 || !strings.Contains(string(body), "https://") {
		t.Errorf("clear text to TLS: %s %s", resp.Status, body)
	}
}
