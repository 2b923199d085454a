package server

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/awswire/inflight"
)

// told answers with all that a handler can see of a request.
func told(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	w.Header().Set("Content-Type", "text/plain")
	w.Header()["X-Several"] = []string{"1", "2\r\nX-Split: 3"}
	fmt.Fprintf(w, "%s %s %s %q %d %v\n", r.Method, r.Proto, r.RequestURI, r.Host, r.ContentLength, r.TransferEncoding)
	fmt.Fprintf(w, "%+v %t %t\n", *r.URL, r.Close, r.TLS == nil)
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		fmt.Fprintf(w, "%s: %q\n", name, r.Header[name])
	}
	fmt.Fprintf(w, "%q %v", body, err)
}

// fastServer runs a server whose operations PutRecord and Odd are prompt if fast is true; odd answers Odd.
func fastServer(t testing.TB, fast bool, config *tls.Config, odd http.HandlerFunc) (addr string, s *Server, done chan error) {
	kinesis := echo("kinesis")
	kinesis.SigningName, kinesis.TargetPrefix = "kinesis", "Kinesis_20131202"
	if fast {
		kinesis.Prompt = []string{"PutRecord", "Odd"}
	}
	kinesis.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".Odd") {
			odd(w, r)
			return
		}
		told(w, r)
	})
	s = New(Options{Services: []Service{kinesis}, Auth: NewOpen("000000000000", false, nil), Node: http.NotFoundHandler(), TLS: config, Account: "000000000000"})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done = make(chan error, 1)
	go func() { done <- s.Serve(ln) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		s.Shutdown(ctx)
	})
	return ln.Addr().String(), s, done
}

func dialFor(t testing.TB, addr string, config *tls.Config) net.Conn {
	var conn net.Conn
	var err error
	if config != nil {
		conn, err = tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true})
	} else {
		conn, err = net.Dial("tcp", addr)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(time.Minute))
	return conn
}

// putHead is the head of a request of the operation, with a body of n bytes.
func putHead(operation string, n int) string {
	return fmt.Sprintf("POST / HTTP/1.1\r\nHost: localhost:4566\r\nX-Amz-Target: Kinesis_20131202.%s\r\nContent-Length: %d\r\n", operation, n)
}

const putting = "POST / HTTP/1.1\r\nHost: localhost:4566\r\nX-Amz-Target: Kinesis_20131202.PutRecord\r\n"

// TestFastPathIsNetHTTP: clients and handlers cannot tell who serves a connection.
func TestFastPathIsNetHTTP(t *testing.T) {
	long := strings.Repeat("b", 100<<10)
	odd := func(w http.ResponseWriter, r *http.Request) {
		switch r.Header.Get("Case") {
		case "panic":
			panic("a fault")
		case "abort":
			panic(http.ErrAbortHandler)
		case "unread":
			io.WriteString(w, "as it is")
		case "some":
			io.ReadFull(r.Body, make([]byte, 10))
			io.WriteString(w, "as it is")
		case "short":
			w.Header().Set("Content-Type", "text/plain")
			w.Header().Set("Content-Length", "10")
			io.WriteString(w, "short")
		case "long":
			w.Header().Set("Content-Type", "text/plain")
			w.Header().Set("Content-Length", "4")
			io.WriteString(w, "just")
			if _, err := io.WriteString(w, "more"); err != http.ErrContentLength {
				t.Errorf("written beyond its length: %v", err)
			}
		case "nothing":
		case "no content":
			w.WriteHeader(http.StatusNoContent)
			if _, err := io.WriteString(w, "x"); err != http.ErrBodyNotAllowed {
				t.Errorf("written with 204: %v", err)
			}
		case "close":
			w.Header().Set("Connection", "close")
			io.WriteString(w, "bye")
		case "error":
			http.Error(w, "no", http.StatusTeapot)
		case "odd status":
			w.WriteHeader(599)
			w.WriteHeader(400)
		case "large":
			w.Header().Set("Content-Type", "text/plain")
			w.Header().Set("Content-Length", "900000")
			io.WriteString(w, strings.Repeat("a", 600_000))
			io.WriteString(w, strings.Repeat("b", 300_000))
		case "whole":
			awswire.WriteAnswer(w, 200, &awswire.AnswerHead{ContentType: "application/x-amz-json-1.0", RequestID: "r", Server: "Server", CRC32: 7, Summed: true}, []byte("{}"))
			awswire.WriteAnswer(w, 400, &awswire.AnswerHead{ContentType: "text/plain"}, []byte("another"))
		case "whole and empty":
			awswire.WriteAnswer(w, 400, &awswire.AnswerHead{ContentType: "a/b", RequestID: "r", ExtendedID: "e", Encoding: "gzip", Smithy: "rpc-v2-cbor"}, nil)
		case "whole, with a field":
			w.Header().Set("X-Amzn-Query-Error", "a;Sender")
			awswire.WriteAnswer(w, 400, &awswire.AnswerHead{ContentType: "a/b", Summed: true}, []byte("{}"))
		case "whole of no content":
			awswire.WriteAnswer(w, 204, &awswire.AnswerHead{ContentType: "a/b", RequestID: "r"}, []byte("{}"))
		case "whole and large":
			awswire.WriteAnswer(w, 200, &awswire.AnswerHead{ContentType: "a/b", RequestID: "r"}, []byte(strings.Repeat("a", 100_000)))
		case "whole and larger":
			awswire.WriteAnswer(w, 200, &awswire.AnswerHead{ContentType: "a/b", RequestID: "r"}, []byte(strings.Repeat("a", 900_000)))
		case "large of no length":
			for range 900 {
				io.WriteString(w, strings.Repeat("a", 1000))
			}
		}
	}
	request := func(fields, body string) string {
		return putting + fields + fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body)
	}
	of := func(name string, body string) string {
		return putHead("Odd", len(body)) + "Case: " + name + "\r\n\r\n" + body
	}
	plain := request("", "{}")
	for name, pieces := range map[string][]string{
		"plain":                     {plain},
		"several":                   {plain, request("Authorization: "+signedFor("kinesis", "eu-west-1", "test")+"\r\n", `{"a":1}`), plain},
		"pipelined":                 {plain + plain + request("", "") + plain},
		"pipelined, then another":   {plain + "GET /_brookmere/x HTTP/1.1\r\nHost: localhost\r\n\r\n"},
		"names":                     {request("x-amz-date: 1\r\nAMZ-SDK-REQUEST: attempt=1\r\nX-amz-Date:\t2 \r\nuser-agent:  a, b \r\nEmpty:\r\n", "x")},
		"line ends between":         {plain + "\r\n" + plain + "\n\r\n" + plain},
		"line ends alone":           {plain + "\r\n", plain + "\r\n", "\r\n", plain},
		"many line ends":            {plain + "\r\n\r\n\r\n" + plain},
		"line ends, then another":   {plain + "\r\nGET /_brookmere/x HTTP/1.1\r\nHost: localhost\r\n\r\n"},
		"body that ends early":      {putting + "Content-Length: 6\r\n\r\n12"},
		"keep-alive":                {request("Connection: Keep-Alive\r\n", "x"), plain},
		"close":                     {request("Connection: close\r\n", "x")},
		"body in pieces":            {putting + "Content-Length: 6\r\n\r\n12", "34", "56", plain},
		"long body in pieces":       {putting + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(long)), long, plain},
		"head in pieces":            {"POST / HT", "TP/1.1\r\nHost: localhost\r\nX-Amz-Target: Kinesis_20131202.PutRecord\r\nContent-Len", "gth: 1\r\n\r\nx", plain},
		"head of many bytes":        {request("X-Amz-Security-Token: "+strings.Repeat("t", 20_000)+"\r\n", "x"), plain},
		"many fields":               {request(strings.Repeat("A: b\r\n", 100), "x"), plain},
		"chunked":                   {putting + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", plain},
		"chunked and length":        {putting + "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n2\r\n{}\r\n0\r\n\r\n"},
		"two lengths":               {putting + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}x"},
		"two equal lengths":         {putting + "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", plain},
		"lengths in a list":         {putting + "Content-Length: 2, 2\r\n\r\n{}"},
		"signed length":             {putting + "Content-Length: +2\r\n\r\n{}"},
		"huge length":               {putting + "Content-Length: 99999999999999999999\r\n\r\n{}"},
		"hexadecimal length":        {putting + "Content-Length: 0x2\r\n\r\n{}"},
		"no length":                 {putting + "\r\n", plain},
		"expects":                   {putting + "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n{}", plain},
		"expects something else":    {putting + "Expect: gold\r\nContent-Length: 2\r\n\r\n{}"},
		"HTTP/1.0":                  {strings.Replace(plain, "1.1", "1.0", 1)},
		"HTTP/2":                    {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nxxxxxxxxxxxx"},
		"upgrade":                   {request("Connection: upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n", "x")},
		"two hosts":                 {request("Host: other\r\n", "x")},
		"no host":                   {strings.Replace(plain, "Host: localhost:4566\r\n", "", 1)},
		"host that is a URL":        {strings.Replace(plain, "localhost:4566", "http://localhost/", 1)},
		"host with a space":         {strings.Replace(plain, "localhost:4566", "local host", 1)},
		"folded":                    {request("A: b\r\n c\r\n", "x")},
		"bare line feeds":           {strings.ReplaceAll(plain, "\r\n", "\n")},
		"one bare line feed":        {request("A: b\nC: d\r\n", "x")},
		"bare carriage return":      {request("A: b\rC: d\r\n", "x")},
		"nul":                       {request("A: b\x00c\r\n", "x")},
		"beyond ASCII":              {request("A: \xc3\xa4\r\n", "x")},
		"blank before the colon":    {request("A : b\r\n", "x")},
		"blank name":                {request(": b\r\n", "x")},
		"name that is not one":      {request("A(b: c\r\n", "x")},
		"name with an underscore":   {request("content_length: 5\r\n", "x")},
		"no colon":                  {request("Abc\r\n", "x")},
		"two targets":               {request("X-Amz-Target: Kinesis_20131202.Odd\r\n", "x")},
		"other target":              {strings.Replace(plain, "PutRecord", "ListStreams", 1), plain},
		"other path":                {strings.Replace(plain, "POST / ", "POST /x ", 1)},
		"query":                     {strings.Replace(plain, "POST / ", "POST /?a=b ", 1)},
		"whole URL":                 {strings.Replace(plain, "POST / ", "POST http://other/ ", 1)},
		"other method":              {strings.Replace(plain, "POST", "PUT", 1)},
		"method in small letters":   {strings.Replace(plain, "POST", "post", 1)},
		"another site":              {request("Origin: https://other.example.com\r\n", "x")},
		"pragma":                    {request("Pragma: no-cache\r\n", "x")},
		"garbage":                   {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"},
		"blank lines first":         {"\r\n\r\n" + plain},
		"panic":                     {of("panic", "x")},
		"abort":                     {of("abort", "x")},
		"unread body":               {of("unread", "1234"), plain},
		"unread body to come":       {of("unread", long), plain},
		"partly read body":          {of("some", long), plain},
		"unread body, too long":     {of("unread", strings.Repeat("x", 600<<10))},
		"answer shorter than said":  {of("short", "")},
		"answer longer than said":   {of("long", ""), plain},
		"no answer":                 {of("nothing", ""), plain},
		"no content":                {of("no content", ""), plain},
		"answer that ends":          {of("close", "x")},
		"error":                     {of("error", ""), plain},
		"odd status":                {of("odd status", ""), plain},
		"whole answer":              {of("whole", "x"), plain},
		"whole answer, unread body": {of("whole", long), plain},
		"whole and empty answer":    {of("whole and empty", ""), plain},
		"whole, with a field":       {of("whole, with a field", ""), of("whole", ""), plain},
		"whole of no content":       {of("whole of no content", ""), plain},
		"whole and large answer":    {of("whole and large", ""), plain},
		"whole and larger answer":   {of("whole and larger", ""), plain},
		"large answer":              {of("large", ""), plain},
		"large answer of no length": {of("large of no length", ""), plain},
	} {
		t.Run(strings.ReplaceAll(name, "/", " "), func(t *testing.T) {
			t.Parallel()
			var config *tls.Config
			if len(name)%2 == 0 { // each kind is there in both
				config = selfSigned(t)
			}
			var got [2][]string
			for i, fast := range []bool{false, true} {
				addr, _, _ := fastServer(t, fast, config, odd)
				got[i] = converse(t, dialFor(t, addr, config), pieces)
			}
			if !slices.Equal(got[0], got[1]) {
				t.Errorf("net/http answers\n%.3000q\nthe fast path\n%.3000q", got[0], got[1])
			}
		})
	}
}

// converse sends pieces, each after the answer that the one before it completes, and returns the answers.
func converse(t *testing.T, conn net.Conn, pieces []string) (answers []string) {
	read := make(chan string)
	go func() {
		defer close(read)
		in := bufio.NewReader(conn)
		for {
			resp, err := http.ReadResponse(in, nil)
			if err != nil {
				if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) && !strings.Contains(err.Error(), "malformed HTTP") {
					var timeout net.Error
					if errors.As(err, &timeout) && timeout.Timeout() {
						read <- "timeout"
						return
					}
				}
				read <- "end"
				return
			}
			if resp.StatusCode == http.StatusContinue {
				continue
			}
			body, err := io.ReadAll(resp.Body)
			if resp.Header.Get("Date") == "" && resp.StatusCode < 400 {
				t.Errorf("no Date in %v", resp.Header)
			}
			resp.Header.Del("Date")
			resp.Header.Del("Content-Length") // where net/http sends chunks
			text := fmt.Sprintf("%s close %t %v ", resp.Status, resp.Close, resp.Header)
			if err != nil {
				text += fmt.Sprint("broken off ", errors.Is(err, io.ErrUnexpectedEOF), " ")
			}
			read <- text + string(body)
		}
	}()
	sent := make(chan bool)
	go func() {
		defer close(sent)
		for _, p := range pieces {
			if _, err := io.WriteString(conn, p); err != nil {
				return
			}
			select { // not at once, so that pieces are read one by one
			case <-time.After(20 * time.Millisecond):
			case <-t.Context().Done():
			}
		}
	}()
	<-sent
	if c, ok := conn.(interface{ CloseWrite() error }); ok {
		c.CloseWrite()
	}
	for a := range read {
		answers = append(answers, a)
	}
	return answers
}

// TestFastPathTakes: the fast path does serve what it is for. A handler sees it by a response that cannot be hijacked.
func TestFastPathTakes(t *testing.T) {
	var fast atomic.Int32
	addr, s, _ := fastServer(t, true, nil, func(w http.ResponseWriter, r *http.Request) {
		if _, _, err := http.NewResponseController(w).Hijack(); errors.Is(err, http.ErrNotSupported) {
			fast.Add(1)
		}
		io.Copy(io.Discard, r.Body)
	})
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for range 5 {
		req, _ := http.NewRequest(http.MethodPost, "http://"+addr+"/", strings.NewReader("{}"))
		req.Header.Set("X-Amz-Target", "Kinesis_20131202.Odd")
		req.Header.Set("Content-Type", "application/x-amz-json-1.1")
		resp, err := client.Do(req)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatal(resp, err)
		}
		resp.Body.Close()
	}
	if fast.Load() != 5 {
		t.Errorf("%d of 5 requests came by the fast path", fast.Load())
	}
	path := s.fast.Load()
	path.mu.Lock()
	defer path.mu.Unlock()
	if n := len(path.conns); n != 1 {
		t.Errorf("%d connections for requests one after the other", n)
	}
}

// TestFastPathBodies: a body that has come whole with its head is there in one piece, draws nothing from the budget of all
// bodies and can be read once; one that is to come draws from it.
func TestFastPathBodies(t *testing.T) {
	bodies := inflight.New(1 << 20)
	kinesis := echo("kinesis")
	kinesis.SigningName, kinesis.TargetPrefix, kinesis.Prompt = "kinesis", "Kinesis_20131202", []string{"PutRecord"}
	kinesis.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		whole, held := r.Body.(awswire.Bytes)
		read, err := io.ReadAll(r.Body)
		if held && string(whole.Bytes()) != string(read) {
			t.Errorf("%q in one piece, %q read", whole.Bytes(), read)
		}
		again, _ := io.ReadAll(r.Body)
		r.Body.Close()
		_, closed := r.Body.Read(make([]byte, 1))
		fmt.Fprintf(w, "%t %q %q %v %v %t", held, read, again, err, closed, bodies.Used() > 0)
	})
	s := New(Options{Services: []Service{kinesis}, Auth: NewOpen("000000000000", false, nil), Node: http.NotFoundHandler(), Bodies: bodies})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go s.Serve(ln)
	defer s.Shutdown(t.Context())
	conn := dialFor(t, ln.Addr().String(), nil)
	in := bufio.NewReader(conn)
	for _, c := range []struct{ at, later, want string }{
		{at: putHead("PutRecord", 3) + "\r\nabc", want: `true "abc" "" <nil> http: invalid Read on closed Body false`},
		{at: putHead("PutRecord", 3) + "\r\nd", later: "ef", want: `false "def" "" <nil> http: invalid Read on closed Body true`},
	} {
		io.WriteString(conn, c.at)
		if c.later != "" {
			time.AfterFunc(20*time.Millisecond, func() { io.WriteString(conn, c.later) })
		}
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := io.ReadAll(resp.Body); string(got) != c.want {
			t.Errorf("answered %s, want %s", got, c.want)
		}
	}
	if bodies.Used() != 0 {
		t.Errorf("%d bytes are still taken", bodies.Used())
	}
}

// TestFastPathShutdown: connections that wait are ended, requests that run are answered.
func TestFastPathShutdown(t *testing.T) {
	running, goOn := make(chan bool), make(chan bool)
	addr, s, done := fastServer(t, true, nil, func(w http.ResponseWriter, r *http.Request) {
		close(running)
		<-goOn
		if err := r.Context().Err(); err == nil {
			io.WriteString(w, "whole")
		}
	})
	defer func(wait time.Duration) { lastWait = wait }(lastWait)
	lastWait = 50 * time.Millisecond
	idle, late := dialFor(t, addr, nil), dialFor(t, addr, nil)
	io.WriteString(idle, putHead("PutRecord", 0)+"\r\n")
	if resp, err := http.ReadResponse(bufio.NewReader(idle), nil); err != nil || resp.StatusCode != 200 {
		t.Fatal(resp, err)
	}
	busy := dialFor(t, addr, nil)
	io.WriteString(busy, putHead("Odd", 0)+"\r\n")
	<-running
	ended := make(chan error)
	go func() { ended <- s.Shutdown(t.Context()) }()
	for !s.fast.Load().closing.Load() {
		runtime.Gosched()
	}
	// A request that was on its way is answered.
	io.WriteString(late, putHead("PutRecord", 2)+"\r\n{}")
	if resp, err := http.ReadResponse(bufio.NewReader(late), nil); err != nil || resp.StatusCode != 200 || !resp.Close {
		t.Error(resp, err)
	}
	if _, err := io.Copy(io.Discard, idle); err != nil {
		t.Errorf("the idle connection: %v", err)
	}
	select {
	case err := <-ended:
		t.Fatalf("shut down while a request ran: %v", err)
	default:
	}
	close(goOn)
	resp, err := http.ReadResponse(bufio.NewReader(busy), nil)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil || !resp.Close {
		t.Errorf("%q, %v, closed: %v", body, err, resp.Close)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	// One that hangs is cut.
	goOn2, running2 := make(chan bool), make(chan bool)
	defer close(goOn2)
	addr, s, _ = fastServer(t, true, nil, func(http.ResponseWriter, *http.Request) { close(running2); <-goOn2 })
	hung := dialFor(t, addr, nil)
	io.WriteString(hung, putHead("Odd", 0)+"\r\n")
	<-running2
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Shutdown(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if n, err := hung.Read(make([]byte, 1)); err == nil {
		t.Errorf("%d bytes of a request that was cut off", n)
	}
}

// TestFastPathStalls: neither a body that does not come nor a client that does not read holds a connection.
func TestFastPathStalls(t *testing.T) {
	defer func(body, answer time.Duration) { bodyStall, answerStall = body, answer }(bodyStall, answerStall)
	bodyStall, answerStall = 50*time.Millisecond, 50*time.Millisecond
	failed := make(chan error, 2)
	addr, s, _ := fastServer(t, true, nil, func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err != nil {
			failed <- err
			return
		}
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("Content-Length", "100000000")
		for range 100 {
			if _, err := w.Write(make([]byte, 1_000_000)); err != nil {
				failed <- err
				return
			}
		}
	})
	stalled := dialFor(t, addr, nil)
	io.WriteString(stalled, putHead("Odd", 100)+"\r\nxyz")
	var timeout net.Error
	if err := <-failed; !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("a body that does not come: %v", err)
	}
	deaf := dialFor(t, addr, nil)
	io.WriteString(deaf, putHead("Odd", 0)+"\r\n")
	if err := <-failed; !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("a client that does not read: %v", err)
	}
	io.Copy(io.Discard, stalled)
	io.Copy(io.Discard, deaf)
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestFastPathWaits: the first request of a connection has firstWait, each that follows idleWait, and neither takes over what
// is left of the other.
func TestFastPathWaits(t *testing.T) {
	defer func(first, idle time.Duration) { firstWait, idleWait = first, idle }(firstWait, idleWait)
	for _, c := range []struct {
		first, idle time.Duration
		served      bool // a request before the wait
	}{
		{first: -rearm, idle: time.Hour},
		{first: time.Hour, idle: -rearm, served: true},
	} {
		firstWait, idleWait = c.first, c.idle
		addr, s, _ := fastServer(t, true, nil, nil)
		conn := dialFor(t, addr, nil)
		in := bufio.NewReader(conn)
		if c.served {
			io.WriteString(conn, putHead("PutRecord", 0)+"\r\n")
			resp, err := http.ReadResponse(in, nil)
			if err != nil || resp.StatusCode != http.StatusOK {
				t.Fatal(resp, err)
			}
			io.Copy(io.Discard, resp.Body)
		}
		if _, err := in.ReadByte(); err != io.EOF {
			t.Errorf("after %v for the first and %v for others: %v", c.first, c.idle, err)
		}
		if err := s.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// TestFastPathStalledBody: the answer to a request whose body stalls says that the connection ends, and it ends without
// another wait for the body.
func TestFastPathStalledBody(t *testing.T) {
	defer func(body time.Duration) { bodyStall = body }(bodyStall)
	bodyStall = 50 * time.Millisecond
	addr, s, _ := fastServer(t, true, nil, func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err != nil {
			bodyStall = time.Hour // of another wait
			http.Error(w, "early", http.StatusBadRequest)
		}
	})
	conn := dialFor(t, addr, nil)
	io.WriteString(conn, putHead("Odd", 10)+"\r\n12")
	in := bufio.NewReader(conn)
	resp, err := http.ReadResponse(in, nil)
	if err != nil || resp.StatusCode != http.StatusBadRequest || !resp.Close {
		t.Fatalf("%v, %v", resp, err)
	}
	io.Copy(io.Discard, resp.Body)
	if _, err := in.ReadByte(); err != io.EOF {
		t.Error(err)
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

// failingListener fails as one whose process has no more descriptors, then works.
type failingListener struct {
	net.Listener
	left, failed atomic.Int32
}

type passingError struct{ error }

func (passingError) Timeout() bool   { return false }
func (passingError) Temporary() bool { return true }

func (l *failingListener) Accept() (net.Conn, error) {
	if l.left.Add(-1) >= 0 {
		l.failed.Add(1)
		return nil, passingError{errors.New("too many open files")}
	}
	return l.Listener.Accept()
}

// TestFastPathOutlivesFailures: a listener that fails for now is asked again, and meanwhile the connections that are there
// are served, those that go over to net/http too.
func TestFastPathOutlivesFailures(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	failing := &failingListener{Listener: ln}
	s := testServer()
	s.opts.Services[0].TargetPrefix, s.opts.Services[0].Prompt = "Kinesis_20131202", []string{"PutRecord"}
	done := make(chan error, 1)
	go func() { done <- s.Serve(failing) }()
	early := dialFor(t, ln.Addr().String(), nil) // whose Accept is the last that works
	in := bufio.NewReader(early)
	io.WriteString(early, putHead("PutRecord", 0)+"\r\n")
	if resp, err := http.ReadResponse(in, nil); err != nil {
		t.Fatal(err)
	} else if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Fatal(err)
	}
	failing.left.Store(1 << 20)
	dialFor(t, ln.Addr().String(), nil) // wakes the Accept that waits
	for failing.failed.Load() < 2 {
		runtime.Gosched()
	}
	io.WriteString(early, "GET /_brookmere/x HTTP/1.1\r\nHost: localhost\r\n\r\n")
	if resp, err := http.ReadResponse(in, nil); err != nil || resp.StatusCode != http.StatusOK {
		t.Error(resp, err)
	}
	failing.left.Store(0)
	resp, err := http.Get("http://" + ln.Addr().String() + "/_brookmere/x")
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatal(resp, err)
	}
	resp.Body.Close()
	ln.Close() // which is not passing
	if err := <-done; err == nil {
		t.Error("a listener that is gone is no error")
	}
}

// FuzzFastHead: whatever the fast path takes, net/http reads in the same way, after any other head on the connection.
func FuzzFastHead(f *testing.F) {
	plain := putHead("PutRecord", 2) + "\r\n{}"
	many := putHead("PutRecord", 2) + "x-a: b\r\nConnection: keep-alive\r\nX-A:\tc \r\n\r\n{}"
	f.Add([]byte(""), []byte(plain))
	f.Add([]byte(plain), []byte(many))
	f.Add([]byte(many), []byte(plain))
	f.Add([]byte(many), []byte(many))
	f.Add([]byte(plain), []byte(putHead("PutRecord", 22)+"\r\n{}"))
	f.Add([]byte(plain), []byte(putHead("PutRecords", 2)+"\r\n{}"))
	f.Add([]byte(many), []byte(putting+"Content-Length: 2\r\nx-a: b"))
	f.Add([]byte(plain), []byte(putting+"content-length: 0\r\nContent-Length: 0\r\n\r\n"))
	f.Add([]byte(putting+"Content-Length: 1\r\n a: b\r\n\r\nx"), []byte(putting+"Content-Length: 1\r\n a: b\r\n\r\nx"))
	targets := map[string]bool{"Kinesis_20131202.PutRecord": true}
	f.Fuzz(func(t *testing.T, before, b []byte) {
		var head, fresh fastHead
		if head.parse(before, targets) {
			for _, values := range head.header { // as a handler may
				values[0] = "changed"
			}
			head.header["Added"] = []string{"x"}
		}
		ok := head.parse(b, targets)
		if ok != fresh.parse(b, targets) {
			t.Errorf("%q: taken %t after %q, and %t at first", b, ok, before, !ok)
		}
		if !ok {
			return
		}
		kept := 0
		for _, f := range head.fields[:cap(head.fields)] {
			kept += len(f.line)
		}
		if kept > head.size {
			t.Errorf("%d bytes are kept of a head of %d", kept, head.size)
		}
		rest := bytes.NewReader(b)
		in := bufio.NewReaderSize(rest, 1<<20)
		r, err := http.ReadRequest(in)
		if err != nil {
			t.Fatalf("taken: %q, which is none: %v", b, err)
		}
		if r.Method != http.MethodPost || r.RequestURI != "/" || r.Proto != "HTTP/1.1" || !reflect.DeepEqual(r.URL, &url.URL{Path: "/"}) ||
			r.Host != head.host || r.ContentLength != head.length || len(r.TransferEncoding) > 0 || r.Close || !reflect.DeepEqual(r.Header, head.header) {
			t.Errorf("%q after %q:\n%+v\n%+v", b, before, head, r)
		}
		if read := len(b) - rest.Len() - in.Buffered(); read != head.size {
			t.Errorf("%q: a head of %d bytes, net/http reads %d", b, head.size, read)
		}
	})
}

// BenchmarkFastAnswer is the answer of a put, but for what sends it.
func BenchmarkFastAnswer(b *testing.B) {
	c := &fastConn{path: &fastPath{}}
	head := &awswire.AnswerHead{ContentType: "application/x-amz-json-1.1", RequestID: "1", ExtendedID: "2"}
	body := []byte("{}")
	b.ReportAllocs()
	for b.Loop() {
		a := &c.out
		a.begin(c)
		a.WriteWhole(http.StatusOK, head, body)
		a.release()
	}
}
