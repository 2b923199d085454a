package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// TestArchive writes the same files twice, and reads them back.
func TestArchive(t *testing.T) {
	files := map[string]file{"brookmere": {[]byte("program"), 0o755}, "licences/a/LICENSE": {[]byte("text"), 0o644}}
	var texts [2][]byte
	for i := range texts {
		path := filepath.Join(t.TempDir(), "a.tar.gz")
		if err := writeArchive(path, "b_1", files); err != nil {
			t.Fatal(err)
		}
		var err error
		if texts[i], err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(texts[0], texts[1]) {
		t.Error("the same files are two archives")
	}
	z, err := gzip.NewReader(bytes.NewReader(texts[0]))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(r)
		got = append(got, h.Name+" "+h.FileInfo().Mode().String()+" "+string(text))
	}
	if want := "b_1/brookmere -rwxr-xr-x program\nb_1/licences/a/LICENSE -rw-r--r-- text"; strings.Join(got, "\n") != want {
		t.Errorf("%s", strings.Join(got, "\n"))
	}
}

// TestLinkedModules finds the licences of modules, and says which have none.
func TestLinkedModules(t *testing.T) {
	info := &debug.BuildInfo{GoVersion: "go1.26.8", Deps: []*debug.Module{{Path: "github.com/spf13/cobra", Version: "v1.0.0", Sum: "h1:x="}},
		Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: "0123456789abcdef"}, {Key: "GOARCH", Value: "arm64"}, {Key: "-ldflags", Value: "no"}}}
	linked, err := linkedModules(info)
	if err != nil {
		t.Fatal(err)
	}
	if len(linked) != 2 || linked[0].path != "std" || len(linked[0].licences) == 0 || !strings.HasPrefix(linked[1].licences[0].name, "LICENSE") {
		t.Errorf("%+v", linked)
	}
	f, err := bill(info, "1.2.3", linked)
	if err != nil {
		t.Fatal(err)
	}
	var bom cdx.BOM
	if err := cdx.NewBOMDecoder(bytes.NewReader(f.text), cdx.BOMFileFormatJSON).Decode(&bom); err != nil {
		t.Fatal(err)
	}
	if v := bom.Metadata.Component.Version; v != "1.2.3+0123456789ab" {
		t.Errorf("the version is %s", v)
	}
	if c := (*bom.Components)[1]; c.PackageURL != "pkg:golang/github.com/spf13/cobra@v1.0.0" || (*c.Properties)[0].Value != "h1:x=" || (*c.Licenses)[0].License.ID != "Apache-2.0" {
		t.Errorf("%+v", c)
	}
	again, err := bill(info, "1.2.3", linked)
	if err != nil || !bytes.Equal(f.text, again.text) {
		t.Error("the same program has two bills")
	}
	empty := t.TempDir()
	if l, err := licencesIn(empty); err != nil || len(l) != 0 {
		t.Errorf("%v, %v", l, err)
	}
	for name, want := range map[string]bool{"LICENSE": true, "LICENCE.md": true, "COPYING": true, "NOTICE.txt": true, "license.go": false, "licenses": false} {
		if got := licenceName.MatchString(name) && !notLicence.MatchString(name); got != want {
			t.Errorf("%s is a licence: %v", name, got)
		}
	}
}

// TestConsolePackages lists what is in the console's bundle, and refuses a package without a licence.
func TestConsolePackages(t *testing.T) {
	dir := t.TempDir()
	put := func(path, text string) {
		t.Helper()
		path = filepath.Join(dir, path)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	put("web/package-lock.json", `{"packages":{"":{"version":"1"},"node_modules/@a/b":{"version":"2.0.0","integrity":"sha512-x"},"node_modules/tool":{"version":"3.0.0","dev":true}}}`)
	if l, err := consolePackages(dir); err != nil || l != nil {
		t.Errorf("a console that is not built: %v, %v", l, err)
	}
	put("dist/index.html", "")
	put("web/node_modules/@a/b/README", "")
	if _, err := consolePackages(dir); !errors.Is(err, errNoLicence) {
		t.Errorf("a package without a licence: %v", err)
	}
	put("web/node_modules/@a/b/LICENSE", "Permission to use, copy, modify, and/or distribute this software for any purpose with or without fee is hereby granted, provided that the above copyright notice and this permission notice appear in all copies.")
	l, err := consolePackages(dir)
	if err != nil || len(l) != 1 || l[0].url() != "pkg:npm/%40a/b@2.0.0" || l[0].sum != "sha512-x" {
		t.Errorf("%+v, %v", l, err)
	}
	put("web/node_modules/@a/b/LICENSE", "Do what you like.")
	if l, err = consolePackages(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := spdx(l[0]); err == nil {
		t.Error("an unknown licence has an identifier")
	}
}

func TestTargets(t *testing.T) {
	err := build(filepath.Join(t.TempDir(), "x"), platform{"plan9", "amd64"})
	if err == nil || !strings.Contains(err.Error(), "build it on such a machine") {
		t.Error(err)
	}
	if errors.Is(err, errNoLicence) {
		t.Error("it is another error")
	}
}
