package crawl

import (
	"strings"
	"testing"
)

// one is what the only table of a crawl is.
func one(t *testing.T, source mapSource, o Options) string {
	t.Helper()
	tables, err := Run(t.Context(), source, "t/", "b", o)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimPrefix(strings.TrimSpace(show(tables)), `t at "t/" `)
}

func TestBuiltinLogs(t *testing.T) {
	for _, test := range []struct{ name, line, want string }{
		{"combined", `1.2.3.4 - frank [10/Oct/2000:13:55:36 -0700] "GET /a HTTP/1.0" 200 2326 "http://x/" "Mozilla/4.08"`, "combined_apache none (clientip string, ident string, auth string, timestamp string, verb string, request string, httpversion string, rawrequest string, response string, bytes string, referrer string, agent string) objects=1 records=2"},
		{"common", `1.2.3.4 - - [10/Oct/2000:13:55:36 -0700] "GET /a HTTP/1.0" 200 -`, "apache none (clientip string, ident string, auth string, timestamp string, verb string, request string, httpversion string, rawrequest string, response string, bytes string) objects=1 records=2"},
		{"kernel", `Mar  1 10:11:12 host kernel: [  123.456] usb 1-1: new device`, "linux_kernel none (timestamp string, logsource string, uptime string, message string) objects=1 records=2"},
		{"syslog", `Mar  1 10:11:12 host sshd[123]: Accepted password, for root`, "syslog none (timestamp string, facility string, priority string, logsource string, program string, pid string, message string) objects=1 records=2"},
		{"iis", `2002-05-24 20:18:01 172.224.24.114 - 206.73.118.24 80 GET /Default.htm - 200 7930 248 31 Mozilla/4.0+(x)`, "microsoft_log none (timestamp string, clientip string, username string, serverip string, port string, method string, uristem string, uriquery string, rest string) objects=1 records=2"},
		{"ruby", `I, [2024-01-02T03:04:05.123456 #123]  INFO -- prog: it works`, "ruby_logger none (timestamp string, pid string, loglevel string, progname string, message string) objects=1 records=2"},
		{"squid", `1066036250.129    456 10.0.0.1 TCP_MISS/200 1234 GET http://x.y/z - DIRECT/1.2.3.4 text/html`, "squid none (timestamp string, duration string, client_address string, cache_result string, status_code string, bytes string, request_method string, url string, user string, hierarchy_code string, server string, content_type string) objects=1 records=2"},
		{"redis monitor", `1339518083.107412 [0 127.0.0.1:60866] "keys" "*"`, "redismonlog none (timestamp string, database string, client string, port string, command string, params string) objects=1 records=2"},
		{"redis", `14357:M 02 Jan 2024 10:11:12.345 * Ready to accept connections`, "redislog none (pid string, role string, timestamp string, level string, message string) objects=1 records=2"},
	} {
		got := one(t, mapSource{"t/f.log": []byte(test.line + "\n" + test.line + "\n")}, Options{})
		if got != test.want {
			t.Errorf("%s\ngot:  %s\nwant: %s", test.name, got, test.want)
		}
	}
}

func TestUnknown(t *testing.T) {
	tables, err := Run(t.Context(), mapSource{"t/a/x.bin": []byte("\x00\x01\x02"), "t/b/y.json": []byte(`{"a":1}`), "t/c/z.csv": []byte("1,2\n3,4\n")}, "t/", "root", Options{})
	if err != nil || len(tables) != 3 || tables[0].Name != "a" || tables[0].Format.Classification != Unknown || tables[0].Columns != nil || tables[0].Objects != 1 {
		t.Errorf("%+v, %v", tables, err)
	}
}

func TestGrokLooksAround(t *testing.T) {
	c := mustGrok(t, "look", `%{WORD:a} (?=x)%{NOTSPACE:b}(?<!z)`, "")
	got := one(t, mapSource{"t/f.log": []byte("one xy\ntwo xw\n")}, Options{Classifiers: []Classifier{c}})
	if !strings.HasPrefix(got, "look none (a string, b string)") {
		t.Error(got)
	}
	expr, groups, err := GrokExpression(`(?<!a)([(\]] )?%{WORD:a}`, "")
	if err != nil || len(groups) != 1 || groups[0].Place != 2 {
		t.Errorf("%s %+v, %v", expr, groups, err)
	}
}
