package awswire

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/brookmere/brookmere/internal/awswire/model"
)

// TestTextsThatAreNotBlank: what is blank is what Java's \s is, and a text may have several lines.
func TestTextsThatAreNotBlank(t *testing.T) {
	matches := matcher(&model.Shape{Pattern: anyText})
	for text, want := range map[string]bool{"": false, " \t\r\n\v\f": false, "a": true, "\n message M {\n}\n": true, "\u00a0": true} {
		if matches(text) != want {
			t.Errorf("%q: %v", text, !want)
		}
	}
}

// ask sends a body to an API of one operation and returns the answer.
func ask(t *testing.T, api API, path, target, body string) string {
	t.Helper()
	h, err := NewHandler(api, HandlerOptions{})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, path, bytes.NewReader([]byte(body)))
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	if target != "" {
		r.Header.Set("X-Amz-Target", target)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	text, _ := io.ReadAll(w.Result().Body)
	return w.Result().Status + " " + string(text)
}

// TestSecretsAreNotRepeated: messages do not have the values of shapes that the model calls sensitive, nor maps of them.
func TestSecretsAreNotRepeated(t *testing.T) {
	encrypt := func(context.Context, *kms.EncryptInput, ...func(*kms.Options)) (*kms.EncryptOutput, error) {
		return &kms.EncryptOutput{}, nil
	}
	got := ask(t, API{Model: "kms", Operations: []Operation{Executes(encrypt)}}, "/", "TrentService.Encrypt", `{"KeyId":"k","Plaintext":"`+strings.Repeat("AAAA", 1366)+`"}`)
	if want := "1 validation error detected: Value at 'plaintext' failed to satisfy constraint: Member must have length less than or equal to 4096"; !strings.Contains(got, want) {
		t.Errorf("%s, want %s", got, want)
	}
	create := func(context.Context, *lambda.CreateFunctionInput, ...func(*lambda.Options)) (*lambda.CreateFunctionOutput, error) {
		return &lambda.CreateFunctionOutput{}, nil
	}
	api := API{Model: "lambda", Operations: []Operation{Executes(create)}}
	got = ask(t, api, "/2015-03-31/functions", "", `{"FunctionName":"f","Role":"arn:aws:iam::000000000000:role/r","Code":{},"Environment":{"Variables":{"1":"a secret"}}}`)
	if want := "Value at 'environment.variables' failed to satisfy constraint: Map keys must satisfy constraint: "; !strings.Contains(got, want) || strings.Contains(got, "a secret") {
		t.Errorf("%s, want %s", got, want)
	}
	got = ask(t, api, "/2015-03-31/functions", "", `{"FunctionName":"f","Role":"no role","Code":{}}`)
	if want := "Value 'no role' at 'role' failed"; !strings.Contains(got, want) {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestEmptyEnumerations: an empty text is a value, which no enumeration has.
func TestEmptyEnumerations(t *testing.T) {
	create := func(_ context.Context, in *kms.CreateKeyInput, _ ...func(*kms.Options)) (*kms.CreateKeyOutput, error) {
		if in.KeySpec != "" {
			t.Errorf("key spec %q", in.KeySpec)
		}
		return &kms.CreateKeyOutput{}, nil
	}
	api := API{Model: "kms", Operations: []Operation{Executes(create)}}
	if got := ask(t, api, "/", "TrentService.CreateKey", `{"KeySpec":""}`); !strings.Contains(got, "1 validation error detected: Value '' at 'keySpec' failed to satisfy constraint: Member must satisfy enum value set: [RSA_2048") {
		t.Error(got)
	}
	for _, body := range []string{`{}`, `{"KeySpec":null}`, `{"Description":""}`} {
		if got := ask(t, api, "/", "TrentService.CreateKey", body); !strings.HasPrefix(got, "200") {
			t.Errorf("%s: %s", body, got)
		}
	}
}
