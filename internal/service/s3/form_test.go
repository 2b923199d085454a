package s3

import (
	"bufio"
	"strings"
	"testing"
)

func TestReadFormFields(t *testing.T) {
	form := "--B\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\na\r\nb\r\n" +
		"--B\r\nContent-Disposition: form-data; name=\"File\"; filename=\"x\"\r\nContent-Type: text/plain\r\n\r\nthe file\r\n--B--\r\n"
	in := bufio.NewReader(strings.NewReader(form))
	fields, file, err := readFormFields(in, "B")
	if err != nil || len(fields) != 1 || fields[0] != (formField{"key", "a\r\nb"}) || file.Get("Content-Type") != "text/plain" {
		t.Fatalf("got %q, %v, %v", fields, file, err)
	}
	if rest, _ := in.ReadString('\n'); rest != "the file\r\n" {
		t.Errorf("then comes %q", rest)
	}
	for _, bad := range []string{"", "--C\r\n", "--B\r\n\r\n", form[:60], strings.ReplaceAll(form, "File", "other")} {
		if _, _, err := readFormFields(bufio.NewReader(strings.NewReader(bad)), "B"); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func FuzzReadFormFields(f *testing.F) {
	f.Add("--B\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\na\r\n--B\r\nContent-Disposition: form-data; name=file\r\n\r\n", "e30=")
	f.Fuzz(func(t *testing.T, form, policy string) {
		_, _, _ = readFormFields(bufio.NewReader(strings.NewReader(form)), "B")
		ownPolicy(policy, []formField{{"x-amz-date", "1"}})
	})
}
