package outbound

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

func portOf(t *testing.T, address string) uint16 {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	at, err := netip.ParseAddrPort(u.Host)
	if err != nil {
		t.Fatal(err)
	}
	return at.Port()
}

func get(c *Client, address string) (string, error) {
	r, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		return "", err
	}
	resp, err := c.Do(r)
	if err != nil {
		return "", err
	}
	resp.Body.Close()
	return resp.Status, nil
}

func TestAddresses(t *testing.T) {
	closed := New(Options{})
	open := New(Options{Loopback: true, Self: func() []uint16 { return []uint16{4566} }, Allow: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("127.0.0.0/8")}})
	for address, want := range map[string][2]bool{
		"https://example.com":                   {true, true},
		"https://93.184.216.34":                 {true, true},
		"https://[2606:2800:220:1:248:1893::1]": {true, true},
		"ftp://example.com":                     {false, false},
		"file:///etc/passwd":                    {false, false},
		"https://":                              {false, false},
		"https://127.0.0.1:8443":                {false, true},
		"https://127.9.8.7:8443":                {false, true},
		"https://localhost:8443":                {false, true},
		"https://LOCALHOST.:8443":               {false, true},
		"https://a.localhost:8443":              {false, true},
		"https://[::1]:8443":                    {false, true},
		"https://[::ffff:127.0.0.1]:8443":       {false, true},
		"https://[64:ff9b::7f00:1]:8443":        {false, true},
		"https://0.0.0.0:8443":                  {false, true},
		"https://[::]:8443":                     {false, true},
		"https://127.0.0.1:4566":                {false, false},
		"https://localhost:4566":                {false, false},
		"https://127.1.1.1:4566":                {false, false},
		"https://[::1]:4566":                    {false, false},
		"https://0.0.0.0:4566":                  {false, false},
		"https://[::ffff:7f00:1]:4566":          {false, false},
		"https://10.1.2.3":                      {false, true},
		"https://10.2.2.3":                      {false, false},
		"https://192.168.0.1":                   {false, false},
		"https://172.16.0.1":                    {false, false},
		"https://169.254.169.254":               {false, false},
		"https://[::ffff:169.254.169.254]":      {false, false},
		"https://[64:ff9b::a9fe:a9fe]":          {false, false},
		"https://[2002:a9fe:a9fe::1]":           {false, false},
		"https://[::a9fe:a9fe]":                 {false, false},
		"https://[fd00:ec2::254]":               {false, false},
		"https://[fe80::1%25eth0]":              {false, false},
		"https://100.100.100.200":               {false, false},
		"https://168.63.129.16":                 {false, false},
		"https://224.0.0.1":                     {false, false},
		"https://255.255.255.255":               {false, false},
		"https://93.184.216.34:99999":           {false, false},
	} {
		u, err := url.Parse(address)
		if err != nil {
			continue // nor can it be asked for
		}
		for i, c := range []*Client{closed, open} {
			if err := c.CheckURL(u); (err == nil) != want[i] {
				t.Errorf("%s, client %d: %v", address, i, err)
			}
		}
	}
}

func TestTheNodeItself(t *testing.T) {
	var asked atomic.Int32
	node := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer node.Close()
	other := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if to := r.URL.Query().Get("to"); to != "" {
			http.Redirect(w, r, to, http.StatusTemporaryRedirect)
		}
	}))
	defer other.Close()
	c := New(Options{Loopback: true, Redirects: 3, Self: func() []uint16 { return []uint16{portOf(t, node.URL)} }})
	if status, err := get(c, other.URL); err != nil || status != "200 OK" {
		t.Errorf("another server: %s, %v", status, err)
	}
	for _, address := range []string{node.URL, strings.Replace(node.URL, "127.0.0.1", "localhost", 1), other.URL + "/?to=" + url.QueryEscape(node.URL), other.URL + "/?to=" + url.QueryEscape("http://10.0.0.1/"), other.URL + "/?to=" + url.QueryEscape(strings.Replace(other.URL, "https", "http", 1))} {
		if _, err := get(c, address); !IsRefused(err) {
			t.Errorf("%s: %v", address, err)
		}
	}
	if asked.Load() != 0 {
		t.Error("the node was asked")
	}
	if _, err := get(New(Options{Loopback: true}), other.URL+"/?to="+url.QueryEscape(node.URL)); err != nil || asked.Load() != 0 {
		t.Errorf("without redirects: %v", err)
	}
}

// rebinding is a resolver that answers with a public address first and then with others.
func rebinding(t *testing.T, answers ...string) *net.Resolver {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pc.Close() })
	go func() {
		buf := make([]byte, 1500)
		for asked := 0; ; {
			n, from, err := pc.ReadFrom(buf)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(buf[:n]) != nil || len(m.Questions) == 0 {
				continue
			}
			q := m.Questions[0]
			m.Response, m.Authoritative = true, true
			m.Additionals = nil
			if q.Type == dnsmessage.TypeA {
				addr := netip.MustParseAddr(answers[min(asked, len(answers)-1)]).As4()
				asked++
				m.Answers = []dnsmessage.Resource{{Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class}, Body: &dnsmessage.AResource{A: addr}}}
			}
			if out, err := m.Pack(); err == nil {
				pc.WriteTo(out, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", pc.LocalAddr().String())
	}}
}

func TestNamesAreCheckedWhenTheyAreConnectedTo(t *testing.T) {
	var asked atomic.Int32
	inner := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer inner.Close()
	port := inner.URL[strings.LastIndexByte(inner.URL, ':'):]
	for _, answer := range []string{"127.0.0.1", "169.254.169.254", "10.0.0.1", "0.0.0.0"} {
		c := New(Options{Timeout: 5 * time.Second, Resolver: rebinding(t, answer)})
		if _, err := get(c, "http://rebind.example"+port); !IsRefused(err) {
			t.Errorf("a name of %s: %v", answer, err)
		}
	}
	// A public address first, whose connection fails, and then the one that is wanted.
	c := New(Options{Timeout: 200 * time.Millisecond, Resolver: rebinding(t, "198.51.100.7", "127.0.0.1")})
	for range 3 {
		_, err := get(c, "http://rebind.example"+port)
		var timeout net.Error
		if !IsRefused(err) && !(errors.As(err, &timeout) && timeout.Timeout()) {
			t.Errorf("a name that changes: %v", err)
		}
	}
	// The node may be allowed to reach its own network, never itself.
	allow := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	if status, err := get(New(Options{Allow: allow, Resolver: rebinding(t, "127.0.0.1")}), "http://allowed.example"+port); err != nil || status != "200 OK" {
		t.Errorf("an allowed network: %s, %v", status, err)
	}
	self := func() []uint16 { return []uint16{portOf(t, inner.URL)} }
	if _, err := get(New(Options{Allow: allow, Self: self, Resolver: rebinding(t, "127.0.0.1")}), "http://allowed.example"+port); !IsRefused(err) {
		t.Errorf("the node in an allowed network: %v", err)
	}
	if asked.Load() != 1 {
		t.Errorf("asked %d times", asked.Load())
	}
}

// TestAddressesOfThisMachine: every address of an interface is one of this machine; others are not.
func TestAddressesOfThisMachine(t *testing.T) {
	own, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	here := []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("::1"), netip.MustParseAddr("0.0.0.0"), netip.MustParseAddr("::")}
	for _, a := range own {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			here = append(here, plain(p.Addr()))
		}
	}
	for _, addr := range here {
		if !isHere(addr) {
			t.Errorf("%v is not of this machine", addr)
		}
	}
	for _, other := range []string{"192.0.2.1", "2001:db8::1"} { // of documentation: nobody has them
		if isHere(netip.MustParseAddr(other)) {
			t.Errorf("%v is of this machine", other)
		}
	}
}
