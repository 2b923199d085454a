// Package outbound is the one HTTP client for addresses that clients of the node name: HTTP
// endpoints of deliveries, webhooks, issuers of tokens, integrations.
//
// Such an address is fetched with the node's standing in its network, so it must not lead
// where the client could not go itself. What counts is the address that is connected to,
// not the name: a name is resolved and each address is checked as the connection to it is
// made, for the first request and for each redirect, so that a name which resolves to
// something else the second time gains nothing.
//
// Refused are
//
//   - the node itself: its port on any address of this machine, whatever is allowed;
//   - loopback, unless Options.Loopback allows it;
//   - everything else that is not on the public internet (private, link-local, shared and
//     reserved networks, multicast, the metadata services of clouds), also where an IPv6
//     address holds such an IPv4 address;
//
// but for the networks of Options.Allow. Proxies of the environment are not used: behind one
// nothing could be checked.
package outbound

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// Options of a Client. The zero value allows the public internet.
type Options struct {
	// Loopback allows loopback addresses, and certificates of servers there that nobody vouches for.
	Loopback bool

	// Allow are networks that may be reached although they are not public.
	Allow []netip.Prefix

	// Self are the ports that the node listens on, asked for at every connection. nil: none.
	Self func() []uint16

	// Redirects are followed up to so many; 0: none, the answer is the redirect.
	Redirects int

	// Timeout of a request with its answer; 0: none.
	Timeout time.Duration

	Resolver *net.Resolver // nil: that of the system
}

// RefusedError is why an address is not connected to.
type RefusedError struct {
	Address string
	Reason  string
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("%s is not an address that this node connects to for its clients: %s", e.Address, e.Reason)
}

// Client makes requests to addresses that clients name.
type Client struct {
	o    Options
	http *http.Client
}

// New returns a client.
func New(o Options) *Client {
	c := &Client{o: o}
	strict := c.transport(false)
	local := c.transport(true)
	local.TLSClientConfig = &tls.Config{InsecureSkipVerify: true} // nobody comes between
	c.http = &http.Client{
		Timeout: o.Timeout,
		Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			if o.Loopback && isLocalName(r.URL.Hostname()) {
				return local.RoundTrip(r)
			}
			return strict.RoundTrip(r)
		}),
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			switch {
			case o.Redirects == 0:
				return http.ErrUseLastResponse
			case len(via) > o.Redirects:
				return fmt.Errorf("stopped after %d redirects", o.Redirects)
			case via[len(via)-1].URL.Scheme == "https" && r.URL.Scheme != "https":
				return &RefusedError{r.URL.Redacted(), "it is a redirect from https to " + r.URL.Scheme}
			}
			return c.CheckURL(r.URL)
		},
	}
	return c
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// transport connects to what may be connected to; loopback alone where local.
func (c *Client) transport(local bool) *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.Proxy = nil
	t.DisableCompression = true // what is answered is what the server sent
	t.MaxResponseHeaderBytes = 64 << 10
	t.DialContext = c.dialer(local).DialContext
	return t
}

func (c *Client) dialer(local bool) *net.Dialer {
	return &net.Dialer{
		Timeout: 30 * time.Second, KeepAlive: 30 * time.Second, Resolver: c.o.Resolver,
		ControlContext: func(_ context.Context, network, address string, _ syscall.RawConn) error {
			at, err := netip.ParseAddrPort(address)
			if err != nil || !strings.HasPrefix(network, "tcp") {
				return &RefusedError{address, "it is not an address of TCP"}
			}
			if local && !plain(at.Addr()).IsLoopback() {
				return &RefusedError{address, "the name of this machine leads to another"}
			}
			return c.check(at)
		},
	}
}

// Dial connects to an address over TCP, for what speaks no HTTP that this node reads. What it is refused is a
// *RefusedError, in the error of net.Dialer.
func (c *Client) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	return c.dialer(false).DialContext(ctx, network, address)
}

// Do makes a request. What it is refused is a *RefusedError, in the error of http.Client.Do.
func (c *Client) Do(r *http.Request) (*http.Response, error) {
	if err := c.CheckURL(r.URL); err != nil {
		return nil, err
	}
	return c.http.Do(r)
}

// CheckURL reports what is wrong with a URL as it stands, without resolving its host: for the
// call that configures it.
func (c *Client) CheckURL(u *url.URL) error {
	if u.Scheme != "https" && u.Scheme != "http" {
		return &RefusedError{u.Redacted(), "it is not http or https"}
	}
	if u.Hostname() == "" {
		return &RefusedError{u.Redacted(), "it has no host"}
	}
	port := map[string]uint16{"https": 443, "http": 80}[u.Scheme]
	if p := u.Port(); p != "" {
		n, err := net.LookupPort("tcp", p)
		if err != nil {
			return &RefusedError{u.Redacted(), "its port is not one"}
		}
		port = uint16(n)
	}
	if isLocalName(u.Hostname()) && net.ParseIP(u.Hostname()) == nil {
		return c.check(netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), port))
	}
	addr, err := netip.ParseAddr(u.Hostname())
	if err != nil {
		return nil // a name, which tells when it is resolved
	}
	return c.check(netip.AddrPortFrom(addr, port))
}

// check reports why an address is refused.
func (c *Client) check(at netip.AddrPort) error {
	addr := plain(at.Addr())
	refuse := func(reason string) error { return &RefusedError{at.String(), reason} }
	if c.o.Self != nil && isHere(addr) {
		for _, port := range c.o.Self() {
			if port == at.Port() {
				return refuse("it is this node")
			}
		}
	}
	for _, p := range c.o.Allow {
		if p.Contains(addr) {
			return nil
		}
	}
	if addr.IsLoopback() || addr.IsUnspecified() {
		if c.o.Loopback {
			return nil
		}
		return refuse("it is on this machine")
	}
	if !isPublic(addr) {
		return refuse("it is not on the public internet (the configuration's outbound.allow names networks that may be reached)")
	}
	return nil
}

// isLocalName reports whether a host is this machine by its name or address.
func isLocalName(host string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && plain(addr).IsLoopback()
}

// isHere reports whether an address is one of this machine.
func isHere(addr netip.Addr) bool {
	if addr.IsLoopback() || addr.IsUnspecified() {
		return true
	}
	own, err := net.InterfaceAddrs()
	if err != nil {
		return true // one cannot know
	}
	for _, a := range own {
		if p, err := netip.ParsePrefix(a.String()); err == nil && plain(p.Addr()) == addr {
			return true
		}
	}
	return false
}

// embedded are networks of IPv6 that hold IPv4 addresses, and where in an address they begin.
var embedded = []struct {
	prefix netip.Prefix
	at     int
}{
	{netip.MustParsePrefix("64:ff9b::/96"), 12},
	{netip.MustParsePrefix("64:ff9b:1::/48"), 12},
	{netip.MustParsePrefix("2002::/16"), 2},
	{netip.MustParsePrefix("::/96"), 12},
}

// plain is an address without a zone, and an IPv4 address where one of IPv6 holds one.
func plain(addr netip.Addr) netip.Addr {
	addr = addr.WithZone("").Unmap()
	if addr.Is4() || addr == netip.IPv6Loopback() || addr.IsUnspecified() {
		return addr
	}
	for _, e := range embedded {
		if e.prefix.Contains(addr) {
			b := addr.As16()
			return netip.AddrFrom4([4]byte(b[e.at : e.at+4]))
		}
	}
	return addr
}

// reserved are the networks that are not on the public internet, besides those that netip knows.
var reserved = func() (all []netip.Prefix) {
	for _, p := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
		"168.63.129.16/32", // of Azure, to its machines alone
		"100::/64", "2001::/23", "2001:db8::/32", "3fff::/20", "5f00::/16", "fec0::/10",
	} {
		all = append(all, netip.MustParsePrefix(p))
	}
	return all
}()

func isPublic(addr netip.Addr) bool {
	if !addr.IsGlobalUnicast() || addr.IsPrivate() {
		return false
	}
	for _, p := range reserved {
		if p.Contains(addr) {
			return false
		}
	}
	return true
}

// IsRefused reports whether an error is that of a refused address.
func IsRefused(err error) bool {
	var e *RefusedError
	return errors.As(err, &e)
}
