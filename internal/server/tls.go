package server

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
)

// tlsListener does TLS below net/http, which then sees connections in the clear and tells
// HTTP/2 from HTTP/1.1 by what the client sends first. It has to: the AWS SDK for Java
// speaks HTTP/2 to Kinesis without asking for it in the handshake (ALPN), and net/http
// serves it over TLS to those alone that have asked.
type tlsListener struct {
	net.Listener
	config *tls.Config
}

func newTLSListener(ln net.Listener, config *tls.Config) net.Listener {
	config = config.Clone()
	config.NextProtos = []string{"h2", "http/1.1"}
	return &tlsListener{ln, config}
}

// Accept does not wait for the handshake: the first read does, within ReadHeaderTimeout.
func (l *tlsListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &tlsConn{Conn: tls.Server(c, l.config)}, nil
}

// tlsConn hides from net/http that it is a *tls.Conn.
type tlsConn struct {
	net.Conn
	answers
	readAgain
	begun bool // only the first read may meet a client that speaks no TLS
}

func (c *tlsConn) Read(p []byte) (int, error) {
	if n := c.again(p); n > 0 {
		return n, nil
	}
	n, err := c.Conn.Read(p)
	if !c.begun {
		c.begun = true
		var plain tls.RecordHeaderError
		if errors.As(err, &plain) && plain.Conn != nil && isHTTP(plain.RecordHeader) {
			// The client has gone if it fails: nobody to tell.
			_, _ = io.WriteString(plain.Conn, "HTTP/1.0 400 Bad Request\r\nConnection: close\r\n\r\nThis node speaks TLS: use https:// in the endpoint URL.\n")
		}
	}
	return n, err
}

func (c *tlsConn) Write(p []byte) (int, error) { return c.write(c.Conn, p) }

// isHTTP tells the first bytes of a request in the clear.
func isHTTP(header [5]byte) bool {
	switch string(header[:]) {
	case "GET /", "HEAD ", "POST ", "PUT /", "OPTIO", "DELET", "PATCH":
		return true
	}
	return false
}
