package udf

import (
	"database/sql/driver"
	"fmt"
	"net/netip"
	"strings"

	"github.com/duckdb/duckdb-go/v2"
)

// Addresses of IP, which statements have as their canonical text: RFC 5952's, and that of IPv4 for
// addresses of IPv4 within IPv6.

func init() {
	udfs["ip"] = scalar{in: []duckdb.Type{text}, out: text, f: string1(func(s string) (any, error) {
		a, err := CanonicalIP(s)
		if err != nil {
			return nil, err
		}
		return a, nil
	})}
	udfs["ip_bytes"] = scalar{in: []duckdb.Type{text}, out: bytesOf, f: string1(func(s string) (any, error) {
		a, err := netip.ParseAddr(s)
		if err != nil {
			return nil, ipError(s)
		}
		b := a.As16()
		return b[:], nil
	})}
	udfs["ip_contains"] = scalar{in: []duckdb.Type{text, text}, out: truth1, f: ipContains}
}

func ipError(s string) error {
	return fmt.Errorf("INVALID_CAST_ARGUMENT: Cannot cast value to IPADDRESS: %s", s)
}

// CanonicalIP is the text of an address as ipaddress has it.
func CanonicalIP(s string) (string, error) {
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" {
		return "", ipError(s)
	}
	return a.Unmap().String(), nil
}

// ipContains reports whether a network in the notation of CIDR has an address.
func ipContains(v []driver.Value) (any, error) {
	network, address := v[0].(string), v[1].(string)
	a, err := netip.ParseAddr(address)
	if err != nil {
		return nil, ipError(address)
	}
	if !strings.Contains(network, "/") {
		return nil, argumentError("Invalid CIDR")
	}
	p, err := netip.ParsePrefix(network)
	if err != nil {
		return nil, argumentError("Invalid network IP address or prefix length: %s", network)
	}
	return p.Contains(a), nil
}
