package policy

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
)

// cases reads the lines of a file of cases, split at "|".
func cases(t testing.TB, file string, fields int) [][]string {
	t.Helper()
	b, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	var all [][]string
	for i, line := range strings.Split(strings.TrimRight(string(b), "\n"), "\n") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.SplitN(line, "|", fields)
		if len(f) != fields {
			t.Fatalf("%s:%d: %d fields, want %d", file, i+1, len(f), fields)
		}
		all = append(all, append(f, fmt.Sprintf("%s:%d", file, i+1)))
	}
	return all
}

// caseKeys are the keys that the corpus' requests have.
func caseKeys(key string) []string {
	return map[string][]string{
		"aws:username": {"ann"}, "aws:principaltag/team": {"blue"}, "aws:principaltag/star": {"a*"},
		"aws:principaltag/colon": {"a:b"}, "aws:tags": {"a", "b"}, "aws:sourcearn": {"arn:aws:s3:::source"},
	}[key]
}

func TestConditions(t *testing.T) {
	for _, c := range cases(t, "conditions.txt", 4) {
		var request []string
		if c[2] != "-" {
			if err := json.Unmarshal([]byte(c[2]), &request); err != nil {
				t.Fatalf("%s: %v", c[4], err)
			}
		}
		text := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"a:b","Resource":"*","Condition":{"` + c[0] + `":{"test:Key":` + c[1] + `}}}]}`
		d, err := Parse(text, Identity)
		if err != nil {
			t.Errorf("%s: %v", c[4], err)
			continue
		}
		keys := func(key string) []string {
			if key == "test:key" {
				return request
			}
			return caseKeys(key)
		}
		r := Request{Principal: Principal{Kind: User}, Action: "a:b", Resource: "*", Keys: keys}
		got := Evaluate(&r, &Policies{Identity: []Named{{"p", d}}}).Allowed
		if fmt.Sprint(got) != c[3] {
			t.Errorf("%s: %s %s of %s is %v", c[4], c[0], c[1], c[2], got)
		}
		if naive := naiveAllows(text, nil, &r); naive != got {
			t.Errorf("%s: the second evaluator says %v", c[4], naive)
		}
	}
}

func TestResources(t *testing.T) {
	for _, c := range cases(t, "resources.txt", 3) {
		p := newARNPattern(c[0], true, true)
		if got := p.matches(c[1], caseKeys); fmt.Sprint(got) != c[2] {
			t.Errorf("%s: %s matches %s: %v", c[3], c[0], c[1], got)
		}
		if got := naiveResource(c[0], c[1], caseKeys); fmt.Sprint(got) != c[2] {
			t.Errorf("%s: the second evaluator says %v", c[3], got)
		}
	}
}

func TestActions(t *testing.T) {
	for _, c := range cases(t, "actions.txt", 3) {
		g := newGlob(c[0], false, true, true)
		if got := g.matches(strings.ToLower(c[1]), nil, false); fmt.Sprint(got) != c[2] {
			t.Errorf("%s: %s matches %s: %v", c[3], c[0], c[1], got)
		}
	}
}

func TestDocuments(t *testing.T) {
	kinds := map[string]Kind{"identity": Identity, "resource": Resource, "trust": Trust}
	for _, c := range cases(t, "documents.txt", 3) {
		d, err := Parse(c[2], kinds[c[0]])
		switch {
		case c[1] == "legacy":
			if err != nil || !d.Legacy {
				t.Errorf("%s: error %v, want one that IAM does not take from a client", c[3], err)
			}
		case err == nil && d.Legacy:
			t.Errorf("%s: IAM takes the document", c[3])
		case c[1] == "ok" && err != nil:
			t.Errorf("%s: %v", c[3], err)
		case c[1] == "ok" && d.Text != c[2]:
			t.Errorf("%s: the text is %q", c[3], d.Text)
		case c[1] != "ok" && (err == nil || err.Error() != c[1]):
			t.Errorf("%s: error %v, want %s", c[3], err, c[1])
		}
	}
}

const (
	here  = "111122223333"
	there = "999988887777"
)

// who returns the principal of a case.
func who(t testing.TB, name string) Principal {
	account := here
	name, other := strings.CutSuffix(name, "@2")
	if other {
		account = there
	}
	kind, rest, _ := strings.Cut(name, ":")
	switch kind {
	case "root":
		return Principal{Kind: Root, Account: account, ARN: "arn:aws:iam::" + account + ":root"}
	case "user":
		return Principal{Kind: User, Account: account, ARN: "arn:aws:iam::" + account + ":user/ann"}
	case "role":
		return Principal{Kind: Role, Account: account, ARN: "arn:aws:sts::" + account + ":assumed-role/r/s", Role: "arn:aws:iam::" + account + ":role/r"}
	case "federated":
		return Principal{Kind: FederatedUser, Account: account, ARN: "arn:aws:sts::" + account + ":federated-user/fed", Role: "arn:aws:iam::" + account + ":user/ann"}
	case "anon":
		return Principal{}
	case "svc":
		return Principal{Kind: Service, Name: rest}
	case "web":
		return Principal{Kind: Federated, Name: rest}
	}
	t.Fatalf("no principal %q", name)
	return Principal{}
}

// principalElement writes the Principal of a shorthand.
func principalElement(names string) any {
	if names == "*" {
		return "*"
	}
	element := map[string][]string{}
	for name := range strings.SplitSeq(names, ",") {
		account := here
		name, other := strings.CutSuffix(name, "@2")
		if other {
			account = there
		}
		iam, sts := "arn:aws:iam::"+account+":", "arn:aws:sts::"+account+":"
		kind, rest, _ := strings.Cut(name, ":")
		switch kind {
		case "account":
			element["AWS"] = append(element["AWS"], iam+"root")
		case "user":
			element["AWS"] = append(element["AWS"], iam+"user/ann")
		case "bob":
			element["AWS"] = append(element["AWS"], iam+"user/bob")
		case "role":
			element["AWS"] = append(element["AWS"], iam+"role/r")
		case "session":
			element["AWS"] = append(element["AWS"], sts+"assumed-role/r/s")
		case "federated":
			element["AWS"] = append(element["AWS"], sts+"federated-user/fed")
		case "svc":
			element["Service"] = append(element["Service"], rest)
		case "web":
			element["Federated"] = append(element["Federated"], rest)
		}
	}
	return element
}

// shorthand writes the document of a statement in short.
func shorthand(t testing.TB, short string) string {
	if short == "none" {
		short = "Allow none:none *"
	}
	f := strings.Fields(short)
	s := map[string]any{"Effect": f[0]}
	put := func(name, value string) {
		if v, not := strings.CutPrefix(value, "!"); not {
			name, value = "Not"+name, v
		}
		s[name] = value
	}
	put("Action", f[1])
	if f[2] != "-" {
		put("Resource", f[2])
	}
	for f = f[3:]; len(f) > 0; {
		switch f[0] {
		case "to":
			s["Principal"] = principalElement(f[1])
			f = f[2:]
		case "notto":
			s["NotPrincipal"] = principalElement(f[1])
			f = f[2:]
		case "if":
			s["Condition"] = map[string]any{f[1]: map[string]any{f[2]: f[3]}}
			f = f[4:]
		default:
			t.Fatalf("shorthand %q", short)
		}
	}
	b, _ := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": []any{s}})
	return string(b)
}

func TestDecisions(t *testing.T) {
	var cache Cache
	for _, c := range cases(t, "decisions.txt", 5) {
		r := Request{Principal: who(t, c[0]), Action: c[1], Resource: c[2], Account: here, Keys: caseKeys}
		var p Policies
		for part := range strings.SplitSeq(c[3], ";") {
			kind, short, ok := strings.Cut(part, "=")
			if part == "listed" {
				r.Granted = true
			}
			if !ok {
				continue
			}
			grammar := map[string]Kind{"res": Resource, "res!": Trust}[kind]
			d, err := cache.Parse(shorthand(t, short), grammar)
			if err != nil {
				t.Fatalf("%s: %v", c[5], err)
			}
			n := Named{kind, d}
			switch kind {
			case "id":
				p.Identity = append(p.Identity, n)
			case "bound":
				p.Boundary = &n
			case "sess":
				p.Session = append(p.Session, n)
			case "res", "res!":
				p.Resource = &n
			}
		}
		r.ResourceDecides = c[1][:4] == "sts:"
		d := Evaluate(&r, &p)
		verdict := map[[2]bool]string{{true, false}: "allow", {false, true}: "deny", {false, false}: "no"}[[2]bool{d.Allowed, d.Explicit}]
		source := [...]string{"none", "identity", "boundary", "session", "resource"}[d.Source]
		if got := verdict + " " + source; got != c[4] {
			t.Errorf("%s: %s, want %s", c[5], got, c[4])
		}
		if (d.Statement == nil) != (verdict == "no" || source == "none") {
			t.Errorf("%s: the statement is %v", c[5], d.Statement)
		}
	}
}

// TestCorpusSize holds the corpus to what it is to cover.
func TestCorpusSize(t *testing.T) {
	n := 0
	for file, fields := range map[string]int{"conditions.txt": 4, "resources.txt": 3, "actions.txt": 3, "documents.txt": 3, "decisions.txt": 5} {
		n += len(cases(t, file, fields))
	}
	if n < 450 {
		t.Errorf("%d cases", n)
	}
	t.Logf("%d cases", n)
}
