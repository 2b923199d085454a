package clientenv

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSettingsOfPHP: they are read after those of the system, and of directories that are named already.
func TestSettingsOfPHP(t *testing.T) {
	dir := t.TempDir()
	own := filepath.Join(dir, phpDir)
	for old, want := range map[string]string{"": ":" + own, "/etc/mine": "/etc/mine:" + own, ":/etc/mine": ":/etc/mine:" + own, ":" + own: ":" + own} {
		if got, err := phpSettings(dir, "/a b/ca-bundle.pem", strings.ReplaceAll(old, ":", string(filepath.ListSeparator))); err != nil || got != strings.ReplaceAll(want, ":", string(filepath.ListSeparator)) {
			t.Errorf("of %q: %q, want %q, %v", old, got, want, err)
		}
	}
	if text, err := os.ReadFile(filepath.Join(own, "brookmere.ini")); err != nil || string(text) != "curl.cainfo = \"/a b/ca-bundle.pem\"\nopenssl.cafile = \"/a b/ca-bundle.pem\"\n" {
		t.Errorf("%q, %v", text, err)
	}
	if got, err := phpSettings(dir, "/a${HOME}/ca-bundle.pem", ""); got != "" || err != nil {
		t.Errorf("a path that the file cannot name: %q, %v", got, err)
	}
}
