package node

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/outbound"
	"github.com/brookmere/brookmere/internal/nodeapi"
	"github.com/brookmere/brookmere/internal/server"
)

// Proxy configures the forward proxy that the node's listener is besides: see server.Proxy.
type Proxy struct {
	// Mode: a node that has credentials asks the proxy's clients for them: an access key id, and as password
	// what ProxyPassword makes of its secret.
	Mode string `yaml:"mode" doc:"on or off; on where the node listens on loopback, else off"`
	// Pass: addresses that outbound refuses are refused here too, and so is this machine.
	Pass []string `yaml:"pass" doc:"names that are passed through, as registry.example.com, *.example.com, example.com:8443, or * for all names but AWS's; names of AWS only by an entry that names them, as *.ec2.amazonaws.com"`
}

func (p Proxy) check() error {
	if p.Mode != "" && p.Mode != "on" && p.Mode != "off" {
		return fmt.Errorf("mode %q: want on or off", p.Mode)
	}
	if p.Mode == "off" && len(p.Pass) > 0 {
		return errors.New("pass: names are passed through only with mode: on")
	}
	for _, entry := range p.Pass {
		if err := server.CheckPass(entry); err != nil {
			return fmt.Errorf("pass: %w", err)
		}
	}
	return nil
}

// hasProxy reports whether the node is a proxy.
func (c Config) hasProxy() bool {
	host, _, _ := net.SplitHostPort(c.Listen)
	return c.Proxy.Mode == "on" || c.Proxy.Mode == "" && isLoopback(host)
}

// authority is where the node's certificate authority is.
func (d dirs) authority() string { return filepath.Join(d.root, "ca") }

// proxy is that of the node; nil if it is none.
func (n *Node) proxy(auth server.Authenticator) *server.Proxy {
	if !n.cfg.hasProxy() {
		return nil
	}
	allow, _ := n.cfg.Outbound.networks() // they have been checked
	// Not even an open node leads to other servers of this machine: the client of a proxy may be a page's browser.
	out := outbound.New(outbound.Options{Allow: allow, Self: n.ports})
	p := &server.Proxy{
		Certificate: func(host string) (*tls.Certificate, error) {
			a, err := n.authority()
			if err == nil {
				var c *tls.Certificate
				if c, err = a.Certificate(host); err == nil {
					return c, nil
				}
			}
			n.log.Warn("the proxy has no certificate", "host", host, "error", err)
			return nil, err
		},
		Pass: n.cfg.Proxy.Pass,
		Dial: out.Dial,
	}
	if v, ok := auth.(*server.Verified); ok {
		p.Authorize = func(user, password string) bool {
			secret, _, ok := v.Holder(context.Background(), user, "")
			return subtle.ConstantTimeCompare([]byte(password), []byte(ProxyPassword(secret))) == 1 && ok
		}
	}
	return p
}

// ProxyPassword is the password of an access key for the node's proxy. The secret itself would go over the wire
// with it, which no signature does.
func ProxyPassword(secret string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("brookmere proxy"))
	return hex.EncodeToString(mac.Sum(nil))
}

// ports are those that the node listens on.
func (n *Node) ports() (ports []uint16) {
	for _, l := range []net.Listener{n.listener, n.inner} {
		if at, err := netip.ParseAddrPort(l.Addr().String()); err == nil {
			ports = append(ports, at.Port())
		}
	}
	return ports
}

func (n *Node) serveClients(w http.ResponseWriter, _ *http.Request) {
	awswire.WriteJSON(w, nodeapi.Clients{Version: Version, Account: n.cfg.Account, Region: awswire.DefaultRegion, Credentials: !n.openToAny(), Proxy: n.cfg.hasProxy()})
}

func (n *Node) serveAuthority(w http.ResponseWriter, _ *http.Request) {
	if !n.cfg.hasProxy() {
		http.Error(w, "This node is not a proxy: set proxy.mode to on in its configuration.", http.StatusNotFound)
		return
	}
	a, err := n.authority()
	if err != nil {
		n.log.Error("authority of the proxy", "error", err)
		http.Error(w, "The node's certificate authority cannot be opened: its log tells why.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/x-pem-file")
	_, _ = w.Write(a.PEM())
}
