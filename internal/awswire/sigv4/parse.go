package sigv4

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// parse reads the signature from the header or the query.
func parse(r *http.Request, f errorFamily) (*authorization, error) {
	if header := r.Header.Get("Authorization"); header != "" {
		return parseHeader(r, header, f)
	}
	if !strings.Contains(r.URL.RawQuery, "X-Amz-Algorithm=") && !strings.Contains(r.URL.RawQuery, "X-Amz-Signature=") {
		return nil, f.missing()
	}
	return parsePresigned(r, f)
}

func parseHeader(r *http.Request, header string, f errorFamily) (*authorization, error) {
	algo, rest, _ := strings.Cut(header, " ")
	if algo != algorithm {
		return nil, f.unsupported(algo)
	}
	a := &authorization{token: r.Header.Get("X-Amz-Security-Token")}
	var credential, signed string
	for part := range strings.SplitSeq(rest, ",") {
		k, val, ok := strings.Cut(strings.TrimSpace(part), "=")
		if !ok {
			return nil, f.incomplete("'" + clip(part) + "' not a valid key=value pair (missing equal-sign) in Authorization header.")
		}
		switch k {
		case "Credential":
			credential = val
		case "SignedHeaders":
			signed = val
		case "Signature":
			a.signature = val
		}
	}
	for _, need := range [][2]string{{"Credential", credential}, {"Signature", a.signature}, {"SignedHeaders", signed}} {
		if need[1] == "" {
			return nil, f.incomplete("Authorization header requires '" + need[0] + "' parameter.")
		}
	}
	if !a.parseCredential(credential) {
		return nil, f.incomplete("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '" + clip(credential) + "'")
	}
	a.signedHeaders = strings.Split(signed, ";")
	date := r.Header.Get("X-Amz-Date")
	if date == "" {
		date = r.Header.Get("Date")
	}
	if date == "" {
		return nil, f.incomplete("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
	}
	var err error
	if a.time, err = time.Parse(dateForm, date); err != nil {
		if a.time, err = http.ParseTime(date); err != nil {
			return nil, f.incomplete("Date must be in ISO-8601 'basic format'. Got '" + clip(date) + "'.")
		}
	}
	return a, a.check(r, f)
}

func parsePresigned(r *http.Request, f errorFamily) (*authorization, error) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, f.badQuery("The query string is malformed.")
	}
	for _, name := range []string{"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "X-Amz-Date", "X-Amz-SignedHeaders"} {
		if q.Get(name) == "" {
			return nil, f.badQuery("Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.")
		}
	}
	if q.Get("X-Amz-Algorithm") != algorithm {
		return nil, f.unsupported(q.Get("X-Amz-Algorithm"))
	}
	a := &authorization{signature: q.Get("X-Amz-Signature"), token: q.Get("X-Amz-Security-Token")}
	a.Presigned = true
	if !a.parseCredential(q.Get("X-Amz-Credential")) {
		return nil, f.badQuery(`Error parsing the X-Amz-Credential parameter; the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".`)
	}
	a.signedHeaders = strings.Split(q.Get("X-Amz-SignedHeaders"), ";")
	if a.time, err = time.Parse(dateForm, q.Get("X-Amz-Date")); err != nil {
		return nil, f.badQuery(`X-Amz-Date must be in the ISO8601 Long Format "yyyyMMdd'T'HHmmss'Z'"`)
	}
	if f == s3Family && !q.Has("X-Amz-Expires") {
		return nil, f.badQuery("Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.")
	}
	expires := q.Get("X-Amz-Expires")
	if expires == "" && f != s3Family {
		expires = "900" // only S3 demands it
	}
	seconds, err := strconv.ParseInt(expires, 10, 64)
	switch {
	case err != nil:
		return nil, f.badQuery("X-Amz-Expires should be a number")
	case seconds < 0:
		return nil, f.badQuery("X-Amz-Expires must be non-negative")
	case seconds > int64(maxExpires/time.Second):
		return nil, f.badQuery("X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds")
	}
	a.expires = time.Duration(seconds) * time.Second
	return a, a.check(r, f)
}

// parseCredential reads ACCESSKEY/date/region/service/aws4_request; an access key may
// itself hold slashes.
func (a *authorization) parseCredential(s string) bool {
	parts := strings.Split(s, "/")
	n := len(parts)
	if n < 5 || parts[n-1] != terminator {
		return false
	}
	a.AccessKey = strings.Join(parts[:n-4], "/")
	a.Date, a.Region, a.Service = parts[n-4], parts[n-3], parts[n-2]
	return a.AccessKey != "" && a.Region != "" && a.Service != "" && len(a.Date) == 8
}

// mustBeSigned are the headers, of services other than S3, that say what a request does and
// for whom: where one is sent, it is signed. (Content-Type is not among them: the SDK for
// JavaScript v2 does not sign it, and the body is, whatever it is read as.)
var mustBeSigned = []string{"x-amz-target", "x-amz-security-token", "x-amz-date"}

// check holds what must be so of a signature in either form.
func (a *authorization) check(r *http.Request, f errorFamily) error {
	if a.Date != a.time.Format("20060102") {
		return f.incomplete("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '" + clip(a.Date) + "' != '" + a.time.Format("20060102") + "', from '" + a.time.Format(dateForm) + "'.")
	}
	for i := range a.signedHeaders {
		a.signedHeaders[i] = strings.ToLower(a.signedHeaders[i])
	}
	if !slices.Contains(a.signedHeaders, "host") && !slices.Contains(a.signedHeaders, ":authority") {
		return f.incomplete("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
	}
	if f == s3Family {
		var unsigned []string
		for name := range r.Header {
			lower := strings.ToLower(name)
			if strings.HasPrefix(lower, "x-amz-") && !slices.Contains(a.signedHeaders, lower) && lower != "x-amz-content-sha256" {
				unsigned = append(unsigned, lower)
			}
		}
		if len(unsigned) > 0 {
			slices.Sort(unsigned)
			return f.headersNotSigned(unsigned)
		}
		return nil
	}
	for _, name := range mustBeSigned {
		if r.Header.Get(name) != "" && !slices.Contains(a.signedHeaders, name) {
			return f.incomplete("'" + name + "' must be a 'SignedHeader' in the AWS Authorization.")
		}
	}
	return nil
}
