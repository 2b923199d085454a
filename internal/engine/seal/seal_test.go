package seal

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "KEY")
	k, err := File(name)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v (%v)", info.Mode(), err)
	}
	sealed := k.Seal([]byte("secret"), "a")
	if bytes.Contains(sealed, []byte("secret")) {
		t.Error("the secret is in what was sealed")
	}
	again, err := File(name)
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := again.Open(sealed, "a"); err != nil || string(plain) != "secret" {
		t.Errorf("opened %q (%v)", plain, err)
	}
	if !bytes.Equal(k.Derive("x"), again.Derive("x")) || bytes.Equal(k.Derive("x"), k.Derive("y")) {
		t.Error("derived keys")
	}
	for what, try := range map[string]struct {
		key    *Key
		sealed []byte
		what   string
	}{
		"another purpose": {k, sealed, "b"},
		"another key":     {Random(), sealed, "a"},
		"cut":             {k, sealed[:len(sealed)-1], "a"},
		"short":           {k, sealed[:5], "a"},
		"empty":           {k, nil, "a"},
		"changed":         {k, append([]byte{version, 1}, sealed[2:]...), "a"},
	} {
		if _, err := try.key.Open(try.sealed, try.what); !errors.Is(err, ErrSealed) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := os.Chmod(name, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := File(name); err == nil {
		t.Error("a key that others can read is taken")
	}
	if err := os.Chmod(name, 0o600); err != nil {
		t.Fatal(err)
	}
	for what, text := range map[string]string{
		"no hexadecimal": strings.Repeat("z", 2*keySize),
		"short":          strings.Repeat("0", 2*keySize-2),
		"empty":          "",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := File(name); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: a broken key is taken, or its error does not name the file: %v", what, err)
		}
	}
}
