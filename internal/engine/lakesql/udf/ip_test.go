package udf

import (
	"database/sql/driver"
	"net/netip"
	"testing"
)

func TestIPContains(t *testing.T) {
	for _, c := range []struct {
		network, address string
		want             bool
	}{
		{"10.0.0.0/8", "10.255.255.255", true}, {"10.0.0.0/8", "11.0.0.0", false}, {"10.1.2.3/8", "10.0.0.1", true}, {"0.0.0.0/0", "1.2.3.4", true},
		{"0.0.0.0/0", "::1", false}, {"2001:db8::/32", "2001:db8:ffff::", true}, {"2001:db8::/32", "2001:db9::", false}, {"192.168.1.7/32", "192.168.1.7", true},
	} {
		if got, err := ipContains([]driver.Value{c.network, c.address}); err != nil || got != c.want {
			t.Errorf("%s has %s: %v, %v", c.network, c.address, got, err)
		}
	}
	for _, network := range []string{"10.0.0.0", "10.0.0.0/33", "x/8", "10.0.0.0/-1", ""} {
		if _, err := ipContains([]driver.Value{network, "10.0.0.1"}); err == nil {
			t.Errorf("%q was taken for a network", network)
		}
	}
}

func FuzzIP(f *testing.F) {
	for _, s := range []string{"1.2.3.4", "::ffff:1.2.3.4", "2001:DB8:0:0::1", "fe80::1%eth0", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		text, err := CanonicalIP(s)
		if err != nil {
			return
		}
		if again, err := CanonicalIP(text); err != nil || again != text || !netip.MustParseAddr(text).IsValid() {
			t.Errorf("%q is %q, then %q, %v", s, text, again, err)
		}
	})
}
