package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/google/licensecheck"
)

// module is what the program has of somebody else: a Go module that is linked in, or a package of the console.
type module struct {
	ecosystem          string // of its package URL: golang or npm
	path, version, sum string
	licences           []licence
}

// url is the module's package URL.
func (m module) url() string {
	return "pkg:" + m.ecosystem + "/" + strings.ReplaceAll(m.path, "@", "%40") + "@" + m.version
}

// licence is a file with a licence, or a notice that goes with one.
type licence struct {
	name string
	text []byte
}

// linkedModules are those that a program says it is made of, Go's own library first, with their licences.
func linkedModules(info *debug.BuildInfo) ([]module, error) {
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return nil, fmt.Errorf("go env GOROOT: %w", err)
	}
	std := module{ecosystem: "golang", path: "std", version: strings.TrimPrefix(info.GoVersion, "go")}
	if std.licences, err = licencesIn(strings.TrimSpace(string(root))); err != nil {
		return nil, err
	}
	dirs, err := moduleDirs(info.Deps)
	if err != nil {
		return nil, err
	}
	modules := []module{std}
	var without []string
	for _, d := range info.Deps {
		if d.Replace != nil {
			d = d.Replace
		}
		m := module{ecosystem: "golang", path: d.Path, version: d.Version, sum: d.Sum}
		if m.licences, err = licencesIn(dirs[d.Path]); err != nil {
			return nil, err
		}
		if len(m.licences) == 0 {
			without = append(without, d.Path)
		}
		modules = append(modules, m)
	}
	if len(without) > 0 {
		return nil, fmt.Errorf("%w: %s", errNoLicence, strings.Join(without, ", "))
	}
	return modules, nil
}

// moduleDirs are where the modules' sources are.
func moduleDirs(deps []*debug.Module) (map[string]string, error) {
	args := []string{"list", "-m", "-json"}
	for _, d := range deps {
		args = append(args, d.Path)
	}
	cmd := exec.Command("go", args...)
	var errOut bytes.Buffer
	cmd.Stderr = &errOut
	text, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list -m: %w: %s", err, errOut.Bytes())
	}
	dirs := make(map[string]string)
	for dec := json.NewDecoder(bytes.NewReader(text)); ; {
		var m struct{ Path, Dir string }
		if err := dec.Decode(&m); err == io.EOF {
			return dirs, nil
		} else if err != nil {
			return nil, err
		}
		dirs[m.Path] = m.Dir
	}
}

var licenceName = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|copyright|patents|unlicense)([-._].*)?$`)

// notLicence are files of programs and pages with such names.
var notLicence = regexp.MustCompile(`(?i)\.(go|c|h|sh|py|html|tmpl)$`)

// licencesIn are the licences of a module, in its own folder.
func licencesIn(dir string) ([]licence, error) {
	if dir == "" {
		return nil, nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var found []licence
	for _, e := range entries {
		if !e.Type().IsRegular() || !licenceName.MatchString(e.Name()) || notLicence.MatchString(e.Name()) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		found = append(found, licence{e.Name(), text})
	}
	return found, nil
}

// bill is what the program is made of, as CycloneDX has it. It has no time and no serial number: the same program has
// the same bill.
func bill(info *debug.BuildInfo, version string, linked []module) (_ file, err error) {
	bom := cdx.NewBOM()
	bom.Metadata = &cdx.Metadata{Component: &cdx.Component{
		BOMRef: "brookmere", Type: cdx.ComponentTypeApplication, Name: "brookmere", Version: withRevision(version, info),
		Licenses: &cdx.Licenses{{License: &cdx.License{ID: "Apache-2.0"}}}, Properties: buildProperties(info),
	}}
	components := []cdx.Component{}
	refs := []string{}
	for _, m := range linked {
		c := cdx.Component{BOMRef: m.url(), Type: cdx.ComponentTypeLibrary, Name: m.path, Version: m.version, PackageURL: m.url()}
		if c.Licenses, err = spdx(m); err != nil {
			return file{}, err
		}
		if m.sum != "" {
			c.Properties = &[]cdx.Property{{Name: sumNames[m.ecosystem], Value: m.sum}}
		}
		components, refs = append(components, c), append(refs, c.BOMRef)
	}
	bom.Components = &components
	bom.Dependencies = &[]cdx.Dependency{{Ref: "brookmere", Dependencies: &refs}}
	var b bytes.Buffer
	if err := cdx.NewBOMEncoder(&b, cdx.BOMFileFormatJSON).SetPretty(true).Encode(bom); err != nil {
		return file{}, fmt.Errorf("write the bill of materials: %w", err)
	}
	return file{text: b.Bytes(), mode: 0o644}, nil
}

// sumNames are what checksums of modules are called, by ecosystem.
var sumNames = map[string]string{"golang": "go:sum", "npm": "npm:integrity"}

// spdx are the licences that a module's files are the texts of.
func spdx(m module) (*cdx.Licenses, error) {
	if id, ok := chosen[m.path]; ok {
		return &cdx.Licenses{{License: &cdx.License{ID: id}}}, nil
	}
	var known cdx.Licenses
	var seen []string
	for _, l := range m.licences {
		for _, match := range licensecheck.Scan(l.text).Match {
			if match.IsURL || slices.Contains(seen, match.ID) || strings.HasPrefix(match.ID, googlePatents) {
				continue
			}
			seen = append(seen, match.ID)
			known = append(known, cdx.LicenseChoice{License: &cdx.License{ID: match.ID}})
		}
	}
	if len(known) == 0 {
		return nil, fmt.Errorf("the licence of %s is none that is known", m.path)
	}
	return &known, nil
}

// chosen are the licences of modules that leave a choice, in words of their own.
var chosen = map[string]string{
	"kernel.org/pub/linux/libs/security/libcap/psx": "BSD-3-Clause", // or GPL-2.0
}

// googlePatents begins the names of grants that go with a licence, which SPDX has no identifiers for.
const googlePatents = "GooglePatent"

// buildProperties are the settings that tell one build from another.
func buildProperties(info *debug.BuildInfo) *[]cdx.Property {
	told := []string{"GOOS", "GOARCH", "vcs.revision", "vcs.modified"}
	properties := []cdx.Property{{Name: "go:version", Value: info.GoVersion}}
	for _, s := range info.Settings {
		if slices.Contains(told, s.Key) {
			properties = append(properties, cdx.Property{Name: "go:" + s.Key, Value: s.Value})
		}
	}
	return &properties
}
