package apigateway

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
)

// TestLongPrivateKey: a key of some hundred kilobytes would be a minute's work to read, and is not read.
func TestLongPrivateKey(t *testing.T) {
	x := newBench(t)
	in := &apigateway.CreateDomainNameInput{DomainName: aws.String("a.example.com"), CertificateBody: aws.String("none")}
	for length, want := range map[int]string{maxPrivateKey: "cannot be used", maxPrivateKey + 1: "at most 16384 bytes"} {
		in.CertificatePrivateKey = aws.String(strings.Repeat("A", length))
		if _, err := x.s.CreateDomainName(x.ctx, in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("a key of %d bytes: %v", length, err)
		}
	}
}
