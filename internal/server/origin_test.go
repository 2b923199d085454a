package server

import "testing"

// TestHosts tells names that others can let lead to the node from those of AWS and of nobody.
func TestHosts(t *testing.T) {
	s := &Server{opts: Options{Hosts: []string{"lake.example.com"}}}
	for host, want := range map[string]bool{
		"127.0.0.1:4566": true, "[::1]:4566": true, "localhost": true, "node": true, "lake.example.com": true, "b.lake.example.com": true, "x.internal": true,
		"kinesis.eu-west-1.amazonaws.com": true, "s3.amazonaws.com": true, "rds.s3.amazonaws.com": true, "elb.s3.eu-west-1.amazonaws.com": true, "s3.cn-north-1.amazonaws.com.cn": true,
		"abc.execute-api.us-east-1.amazonaws.com:4566": true, "rds.us-east-1.amazonaws.com": true, "elasticloadbalancing.us-east-1.amazonaws.com": true, "abc.lambda-url.us-east-1.on.aws": true,
		"stream-127.0.0.1:4566": true, "streaming-127.0.0.1": true, "stream-localhost": true, "stream-127.0.0.1.nip.io": false, "stream-lake.example.com": false,
		"evil.example": false, "amazonaws.com.evil.example": false, "evilamazonaws.com": false, "127.0.0.1.nip.io": false, "": true,
		"internal-x-1.us-east-1.elb.amazonaws.com": false, "INTERNAL-X.US-EAST-1.ELB.AMAZONAWS.COM.": false, "x.elb.eu-west-1.amazonaws.com": false,
		"ec2-1-2-3-4.compute-1.amazonaws.com": false, "ec2-1-2-3-4.eu-west-1.compute.amazonaws.com": false, "d.abc.us-east-1.rds.amazonaws.com": false, "x.cn-north-1.elb.amazonaws.com.cn": false,
		"vpce-1-2.kinesis.us-east-1.vpce.amazonaws.com": false,
	} {
		if got := s.hostAllowed(host); got != want {
			t.Errorf("%q: %v", host, got)
		}
	}
}
