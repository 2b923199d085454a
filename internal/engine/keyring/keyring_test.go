package keyring

import (
	"bytes"
	"errors"
	"testing"
)

func TestSeal(t *testing.T) {
	k, err := KindOf(Symmetric)
	if err != nil {
		t.Fatal(err)
	}
	key, err := k.New()
	if err != nil {
		t.Fatal(err)
	}
	name := Name{[16]byte{1, 2, 3}, 7}
	context := map[string]string{"a": "b", "c": "d"}
	sealed, err := Seal(name, key, []byte("secret"), context)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := Named(sealed); err != nil || n != name {
		t.Errorf("Named = %v, %v", n, err)
	}
	if plain, err := Open(key, sealed, map[string]string{"c": "d", "a": "b"}); err != nil || string(plain) != "secret" {
		t.Errorf("Open = %q, %v", plain, err)
	}
	other, _ := k.New()
	for what, open := range map[string]func() ([]byte, error){
		"another key":     func() ([]byte, error) { return Open(other, sealed, context) },
		"another context": func() ([]byte, error) { return Open(key, sealed, map[string]string{"a": "bc"}) },
		"joined context":  func() ([]byte, error) { return Open(key, sealed, map[string]string{"ab": "", "c": "d"}) },
		"no context":      func() ([]byte, error) { return Open(key, sealed, nil) },
		"cut":             func() ([]byte, error) { return Open(key, sealed[:len(sealed)-1], context) },
	} {
		if plain, err := open(); !errors.Is(err, ErrSealed) {
			t.Errorf("%s: %q, %v", what, plain, err)
		}
	}
	for i := range sealed {
		bad := bytes.Clone(sealed)
		bad[i] ^= 1
		if _, err := Open(key, bad, context); !errors.Is(err, ErrSealed) {
			t.Fatalf("with byte %d changed: %v", i, err)
		}
	}
}

func TestSignatures(t *testing.T) {
	for _, k := range kinds {
		if k.Name == "RSA_3072" || k.Name == "RSA_4096" {
			continue // slow to make
		}
		key, err := k.New()
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range k.Sign {
			isDigest := a == "ED25519_PH_SHA_512"
			message := bytes.Repeat([]byte("m"), 64)
			signature, err := Sign(key, a, message, isDigest)
			if err != nil {
				t.Fatalf("%s: %v", a, err)
			}
			if ok, err := Verify(key, a, message, signature, isDigest); !ok || err != nil {
				t.Errorf("%s %s: %v, %v", k.Name, a, ok, err)
			}
			message[0] = 'n'
			if ok, _ := Verify(key, a, message, signature, isDigest); ok {
				t.Errorf("%s %s verifies another message", k.Name, a)
			}
			if _, err := Sign(key, a, []byte("short"), true); !errors.Is(err, ErrSize) {
				t.Errorf("%s: a short digest: %v", a, err)
			}
		}
		if k.Name != "RSA_2048" {
			continue
		}
		for _, a := range k.Encrypt {
			sealed, err := EncryptTo(key, a, []byte("secret"))
			if err != nil {
				t.Fatal(err)
			}
			if plain, err := DecryptWith(key, a, sealed); err != nil || string(plain) != "secret" {
				t.Errorf("%s: %q, %v", a, plain, err)
			}
			if _, err := EncryptTo(key, a, make([]byte, 256)); !errors.Is(err, ErrSize) {
				t.Errorf("%s: too long: %v", a, err)
			}
			if _, err := DecryptWith(key, a, sealed[1:]); !errors.Is(err, ErrSealed) {
				t.Errorf("%s: cut: %v", a, err)
			}
		}
	}
}

func FuzzOpen(f *testing.F) {
	key := make([]byte, 32)
	sealed, err := Seal(Name{}, key, []byte("secret"), nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sealed)
	f.Add([]byte{1})
	f.Fuzz(func(t *testing.T, b []byte) {
		if plain, err := Open(key, b, nil); err == nil && !bytes.Equal(b, sealed) {
			t.Errorf("opened %q", plain)
		}
	})
}
