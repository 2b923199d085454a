package sigv4

import (
	"fmt"
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
		return nil, f.unsupported(header, algo)
	}
	if f == s3Family && strings.Count(rest, ",") != 2 {
		return nil, f.malformed("the authorization header requires three components: Credential, SignedHeaders, and Signature.", "")
	}
	a := &authorization{token: r.Header.Get("X-Amz-Security-Token")}
	var credential, signed string
	for part := range strings.SplitSeq(rest, ",") {
		k, val, ok := strings.Cut(strings.TrimSpace(part), "=")
		if !ok {
			return nil, f.malformed(fmt.Sprintf("the authorization component %q is malformed.", clip(strings.TrimSpace(part))),
				"'"+clip(part)+"' not a valid key=value pair (missing equal-sign) in Authorization header.")
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
			return nil, f.malformed("missing "+need[0]+".", "Authorization header requires '"+need[0]+"' parameter.")
		}
	}
	if err := a.readCredential(credential, f); err != nil {
		return nil, err
	}
	a.signedHeaders = strings.Split(signed, ";")
	date := r.Header.Get("X-Amz-Date")
	if date == "" {
		date = r.Header.Get("Date")
	}
	if date == "" {
		return nil, f.undated("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
	}
	var err error
	if a.time, err = time.Parse(dateForm, date); err != nil {
		if a.time, err = http.ParseTime(date); err != nil {
			return nil, f.undated("Date must be in ISO-8601 'basic format'. Got '" + clip(date) + "'.")
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
	if algo := q.Get("X-Amz-Algorithm"); algo != algorithm {
		if f == s3Family {
			supported := algorithm
			if algo != asymmetric { // which S3 has, and this does not
				supported += " and " + asymmetric
			}
			return nil, f.badQuery(`X-Amz-Algorithm only supports "` + supported + `"`)
		}
		return nil, f.unsupported(algo, algo)
	}
	a := &authorization{signature: q.Get("X-Amz-Signature"), token: q.Get("X-Amz-Security-Token")}
	a.Presigned = true
	if err := a.readCredential(q.Get("X-Amz-Credential"), f); err != nil {
		return nil, err
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
	rest, ok := strings.CutSuffix(s, "/"+terminator)
	if !ok {
		return false
	}
	for _, part := range []*string{&a.Service, &a.Region, &a.Date} {
		cut := strings.LastIndexByte(rest, '/')
		if cut < 0 {
			return false
		}
		rest, *part = rest[:cut], rest[cut+1:]
	}
	a.AccessKey = rest
	return a.AccessKey != "" && a.Region != "" && a.Service != "" && len(a.Date) == 8
}

// readCredential is parseCredential with an error that says what is wrong.
func (a *authorization) readCredential(s string, f errorFamily) error {
	if a.parseCredential(s) {
		if _, err := time.Parse("20060102", a.Date); err == nil || f != s3Family {
			return nil
		}
	}
	others := "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '" + clip(s) + "'"
	wrong := credentialForm
	if parts := strings.Split(s, "/"); len(parts) == 5 {
		if parts[4] != terminator {
			wrong = fmt.Sprintf("incorrect terminal %q. This endpoint uses %q.", clip(parts[4]), terminator)
		} else if _, err := time.Parse("20060102", parts[1]); err != nil {
			wrong = fmt.Sprintf(`incorrect date format %q. This date in the credential must be in the format "yyyyMMdd".`, clip(parts[1]))
		}
	}
	return f.badCredential(a.Presigned, wrong, others)
}

// mustBeSigned are the headers, of services other than S3, that say what a request does and
// for whom: where one is sent, it is signed. (Content-Type is not among them: the SDK for
// JavaScript v2 does not sign it, and the body is, whatever it is read as.)
var mustBeSigned = []string{"x-amz-target", "x-amz-security-token", "x-amz-date"}

// check holds what must be so of a signature in either form.
func (a *authorization) check(r *http.Request, f errorFamily) error {
	if day := a.time.Format("20060102"); f == s3Family && a.Date != day {
		wrong := fmt.Sprintf("Invalid credential date %q. This date is not the same as X-Amz-Date: %q.", clip(a.Date), day)
		if a.Presigned {
			return f.badQuery(wrong)
		}
		return f.malformed(wrong, "")
	}
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
