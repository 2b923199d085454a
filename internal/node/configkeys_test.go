package node

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestConfigurationDocument(t *testing.T) {
	checkDocument(t, "../../docs/configuration.md", WriteConfiguration)
}

// TestKeysAreDescribed finds fields without a name or a description.
func TestKeysAreDescribed(t *testing.T) {
	seen, flags := map[string]bool{}, map[string]bool{}
	for _, k := range Keys() {
		if seen[k.Name] || k.Flag != "" && flags[k.Flag] {
			t.Errorf("%s is there twice", k.Name)
		}
		seen[k.Name], flags[k.Flag] = true, true
		if k.value != "" && !strings.Contains(k.Doc, k.value) {
			t.Errorf("%s: its description does not have the word %q", k.Name, k.value)
		}
	}
	var walk func(typ reflect.Type, path string)
	walk = func(typ reflect.Type, path string) {
		for i := range typ.NumField() {
			f := typ.Field(i)
			name := path + f.Tag.Get("yaml")
			inner := f.Type
			for inner.Kind() == reflect.Pointer || inner.Kind() == reflect.Slice {
				inner = inner.Elem()
			}
			if f.Tag.Get("yaml") == "" || !seen[name] && inner.Kind() != reflect.Struct {
				t.Errorf("%s.%s has no yaml or no doc tag", typ, f.Name)
			}
			if inner.Kind() == reflect.Struct {
				if f.Type.Kind() == reflect.Slice {
					name += "[]"
				}
				walk(inner, name+".")
			}
		}
	}
	walk(reflect.TypeFor[Config](), "")
}

func TestKeySet(t *testing.T) {
	given := map[string]string{"data": ":memory:", "listen": ":0", "account": "123456789012", "insecure": "true", "iam": "log", "limits": "enforce", "clock": "frozen", "control_delay": "5s", "shard_limit": "20000", "objects.encryption": "on"}
	cfg := DefaultConfig()
	for _, k := range Keys() {
		if k.Flag == "" {
			continue
		}
		text, ok := given[k.Name]
		if !ok {
			t.Errorf("%s has a flag: say here what it is set to", k.Name)
		} else if err := k.Set(&cfg, text); err != nil {
			t.Error(err)
		}
		if k.Type() != "text" {
			if err := k.Set(&cfg, "perhaps"); err == nil || !strings.Contains(err.Error(), `"perhaps"`) {
				t.Errorf("%s: %v", k.Name, err)
			}
		}
	}
	want := Config{Data: ":memory:", Listen: ":0", Account: "123456789012", Insecure: true, IAM: "log", Limits: "enforce", Clock: "frozen", ControlDelay: 5 * time.Second, ShardLimit: 20000, Objects: Objects{Encryption: "on"}}
	if !reflect.DeepEqual(cfg, want) {
		t.Errorf("got %+v", cfg)
	}
}

func TestUnknownKeys(t *testing.T) {
	file := filepath.Join(t.TempDir(), "node.yaml")
	for text, want := range map[string][]string{
		"lissen: :0":                                     {"no key lissen: the nearest is listen"},
		"data: x\ndelivery:\n  memory_mb: 3":             {"no key delivery.memory_mb: the nearest is delivery.memory_mib"},
		"query: {memory: 3, thread: 1}":                  {"no key query.memory: the nearest is query.memory_mib", "no key query.thread: the nearest is query.threads"},
		"credentials:\n  - access_key: a":                {"no key credentials[].access_key: the nearest is credentials[].access_key_id"},
		"memory_mib: 4":                                  {"no key memory_mib: the nearest is query.memory_mib"},
		"control_delay: soon":                            {"time"},
		"tls:\n  cert: a\n  key: b\n  keys: c\nbogus: 1": {"no key tls.keys: the nearest is tls.key", "no key bogus: the nearest is "},
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := ReadConfig(file)
		for _, w := range want {
			if err == nil || !strings.Contains(err.Error(), w) {
				t.Errorf("%s\ngives %v\nwant %s", text, err, w)
			}
		}
	}
}
