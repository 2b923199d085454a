package apigateway

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/brookmere/brookmere/internal/awskit/scope"
	"github.com/brookmere/brookmere/internal/awswire"
)

// TestPolicySeesWhatRoutingSees asks for one method in many spellings: policies decide about the method that answers.
func TestPolicySeesWhatRoutingSees(t *testing.T) {
	c := &compiled{root: &pathNode{children: map[string]*pathNode{"orders": {
		children: map[string]*pathNode{"7": {methods: map[string]*route{"GET": {}}}}, methods: map[string]*route{"GET": {}},
	}}, variable: &pathNode{name: "any", methods: map[string]*route{"GET": {}}}, methods: map[string]*route{}}}
	byARN := map[string]*route{}
	for _, target := range []string{
		"GET /v1/orders", "GET /v1/orders/", "GET /v1//orders", "get /v1/orders", "GET /v1/%6frders", "GET /v1/orders/7", "GET /v1/orders/7/", "GET /v1/orders/%37", "GET /v1/orders%2F7", "GET /v1/orders%2f7", "GET /v1/other",
	} {
		method, path, _ := strings.Cut(target, " ")
		x := &exchange{r: httptest.NewRequest(method, "http://localhost/_aws/execute-api/a"+path, nil), scope: scope.Scope{Account: "111111111111", Region: "eu-west-1"}}
		x.address, _ = locate(x.r)
		r, _ := c.find(strings.ToUpper(method), x.address.escaped)
		if r == nil {
			t.Fatalf("%s leads nowhere", target)
		}
		if before := byARN[x.methodARN()]; before != nil && before != r {
			t.Errorf("%s: policies take it for another method than that which answers: %s", target, x.methodARN())
		}
		byARN[x.methodARN()] = r
	}
	for _, path := range []string{"GET/orders", "GET/orders/7", "GET/orders%2F7", "GET/other"} {
		if byARN["arn:aws:execute-api:eu-west-1:111111111111:a/v1/"+path] == nil {
			t.Errorf("nothing is asked for as %s: %v", path, byARN)
		}
	}
	if len(byARN) != 4 {
		t.Errorf("%v", byARN)
	}
}

// TestCallersOfOthersActAsNobody has the root of another account, and nobody, call an integration that acts as its caller.
func TestCallersOfOthersActAsNobody(t *testing.T) {
	const owner, other = "111111111111", "222222222222"
	for _, credentials := range []string{"arn:aws:iam::*:user/*", "arn:aws:iam::" + owner + ":user/*"} {
		for who, c := range map[string]struct {
			caller awswire.Caller
			acts   bool
		}{
			"the owner's root": {awswire.Caller{Account: owner, AccessKey: "AKIA1"}, true},
			"the owner's user": {awswire.Caller{Account: owner, AccessKey: "AKIA2", Principal: "arn:aws:iam::" + owner + ":user/u"}, true},
			"another's root":   {awswire.Caller{Account: other, AccessKey: "AKIA3"}, false},
			"another's user":   {awswire.Caller{Account: other, AccessKey: "AKIA4", Principal: "arn:aws:iam::" + other + ":user/u"}, false},
			"nobody":           {awswire.Caller{Account: owner, Anonymous: true}, false},
		} {
			x := &exchange{scope: scope.Scope{Account: owner, Region: "eu-west-1"}, caller: c.caller}
			as, err := x.actsAs(credentials)
			if (err == nil) != c.acts || err == nil && (as.Account != owner || as.Principal != c.caller.Principal || as.AccessKey != c.caller.AccessKey) {
				t.Errorf("%s by %s: %+v, %v", who, credentials, as, err)
			}
		}
	}
}
