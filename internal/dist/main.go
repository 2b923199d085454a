// Command dist builds release archives: the program, the completions of shells, the licences of all that is linked,
// a list of it as CycloneDX, and checksums.
//
//	go run ./internal/dist                                     # for this machine, into dist/
//	go run ./internal/dist -target linux/amd64,linux/arm64
//
// The program is linked with the C and C++ libraries of the system, as DuckDB needs them: it runs where glibc and libstdc++ are as new
// as on the machine that builds. For another processor it takes a cross compiler: linux/arm64 on linux/amd64 takes aarch64-linux-gnu-gcc and -g++
// (Debian's packages gcc-aarch64-linux-gnu and g++-aarch64-linux-gnu). macOS and Windows are built on such a machine: their C libraries
// are not to be had elsewhere.
package main

import (
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// modulePath is of this program.
const modulePath = "github.com/brookmere/brookmere"

func main() {
	var (
		out    = flag.String("o", "dist", "`directory` for the archives")
		target = flag.String("target", runtime.GOOS+"/"+runtime.GOARCH, "`platforms` to build for, as linux/amd64,linux/arm64")
	)
	flag.Parse()
	if err := run(*out, strings.Split(*target, ",")); err != nil {
		fmt.Fprintln(os.Stderr, "dist:", err)
		os.Exit(1)
	}
}

// platform is what a program is built for.
type platform struct{ os, arch string }

func (p platform) String() string { return p.os + "/" + p.arch }

// host is the platform of this machine.
var host = platform{runtime.GOOS, runtime.GOARCH}

// crossCompilers are those for another platform, by name: C, then C++.
var crossCompilers = map[platform]map[platform][2]string{
	{"linux", "amd64"}: {{"linux", "arm64"}: {"aarch64-linux-gnu-gcc", "aarch64-linux-gnu-g++"}},
	{"linux", "arm64"}: {{"linux", "amd64"}: {"x86_64-linux-gnu-gcc", "x86_64-linux-gnu-g++"}},
}

func run(out string, targets []string) error {
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "brookmere-dist-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	own := filepath.Join(work, "host")
	if err := build(own, host); err != nil {
		return err
	}
	version, err := versionOf(own)
	if err != nil {
		return err
	}
	completions, err := shellCompletions(own)
	if err != nil {
		return err
	}
	var sums bytes.Buffer
	for _, text := range targets {
		goos, arch, ok := strings.Cut(text, "/")
		if !ok {
			return fmt.Errorf("-target %s: want OS/ARCHITECTURE, as linux/amd64", text)
		}
		p := platform{goos, arch}
		program := own
		if p != host {
			program = filepath.Join(work, goos+"-"+arch)
			if err := build(program, p); err != nil {
				return err
			}
		}
		name := fmt.Sprintf("brookmere_%s_%s_%s", version, p.os, p.arch)
		files, err := contents(program, version, completions)
		if err != nil {
			return fmt.Errorf("%s: %w", p, err)
		}
		archive, bom := filepath.Join(out, name+".tar.gz"), filepath.Join(out, name+".cdx.json")
		if err := writeArchive(archive, name, files); err != nil {
			return fmt.Errorf("write %s: %w", archive, err)
		}
		if err := os.WriteFile(bom, files["sbom.cdx.json"].text, 0o644); err != nil {
			return err
		}
		for _, file := range []string{archive, bom} {
			line, size, err := checksum(file)
			if err != nil {
				return err
			}
			sums.WriteString(line)
			fmt.Printf("%s  %.1f MB\n", file, float64(size)/1e6)
		}
	}
	return os.WriteFile(filepath.Join(out, "SHA256SUMS"), sums.Bytes(), 0o644)
}

// build builds the program for a platform.
func build(to string, p platform) error {
	flags := "-s -w"
	if p.os == "linux" {
		flags += " -extldflags=-Wl,--exclude-libs,ALL" // or 7 MB are names of DuckDB's, which it would export
	}
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=auto", "-ldflags="+flags, "-o", to, modulePath+"/cmd/brookmere")
	cmd.Env = append(os.Environ(), "GOOS="+p.os, "GOARCH="+p.arch, "CGO_ENABLED=1")
	if p != host {
		compilers, ok := crossCompilers[host][p]
		if !ok {
			return fmt.Errorf("%s cannot be built on %s, as DuckDB needs its C and C++ libraries: build it on such a machine", p, host)
		}
		for _, c := range compilers {
			if _, err := exec.LookPath(c); err != nil {
				return fmt.Errorf("%s is built with %s, which is not on this machine", p, strings.Join(compilers[:], " and "))
			}
		}
		cmd.Env = append(cmd.Env, "CC="+compilers[0], "CXX="+compilers[1])
	}
	fmt.Printf("building for %s\n", p)
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build for %s: %w\n%s", p, err, text)
	}
	return nil
}

// versionOf is what the program says of itself: "brookmere 0.1.0 (go1.26, linux/amd64)".
func versionOf(program string) (string, error) {
	text, err := exec.Command(program, "version").Output()
	if err != nil {
		return "", fmt.Errorf("ask the program for its version: %w", err)
	}
	words := strings.Fields(string(text))
	if len(words) < 2 || words[0] != "brookmere" {
		return "", fmt.Errorf("the program's version is told as %q", text)
	}
	return words[1], nil
}

// shellCompletions are the scripts that complete the program's commands, by the names that shells' packages give them.
func shellCompletions(program string) (map[string]file, error) {
	files := make(map[string]file)
	for shell, name := range map[string]string{"bash": "brookmere.bash", "zsh": "_brookmere", "fish": "brookmere.fish"} {
		text, err := exec.Command(program, "completion", shell).Output()
		if err != nil {
			return nil, fmt.Errorf("completion for %s: %w", shell, err)
		}
		files["completions/"+name] = file{text: text, mode: 0o644}
	}
	return files, nil
}

// sources are the files of the repository that an archive has.
var sources = []string{"LICENSE", "README.md", "CHANGELOG.md", "SECURITY.md", "deploy/brookmere.service"}

// contents are the files of an archive, by their paths in it.
func contents(program, version string, completions map[string]file) (map[string]file, error) {
	files := make(map[string]file)
	text, err := os.ReadFile(program)
	if err != nil {
		return nil, err
	}
	files["brookmere"] = file{text: text, mode: 0o755}
	for name, f := range completions {
		files[name] = f
	}
	for _, name := range sources {
		if text, err = os.ReadFile(name); err != nil {
			return nil, fmt.Errorf("%w (run it in the root of the repository)", err)
		}
		files[name] = file{text: text, mode: 0o644}
	}
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return nil, fmt.Errorf("read what the program is made of: %w", err)
	}
	linked, err := linkedModules(info)
	if err != nil {
		return nil, err
	}
	packages, err := consolePackages("internal/console")
	if err != nil {
		return nil, err
	}
	linked = append(linked, packages...)
	for _, m := range linked {
		for _, l := range m.licences {
			files["licences/"+m.path+"/"+l.name] = file{text: l.text, mode: 0o644}
		}
	}
	if files["sbom.cdx.json"], err = bill(info, version, linked); err != nil {
		return nil, err
	}
	return files, nil
}

func checksum(path string) (line string, size int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	h := sha256.New()
	if size, err = io.Copy(h, f); err != nil {
		return "", 0, err
	}
	return hex.EncodeToString(h.Sum(nil)) + "  " + filepath.Base(path) + "\n", size, nil
}

// sortedNames are the keys of m in order.
func sortedNames[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

var errNoLicence = errors.New("modules without a licence file")
