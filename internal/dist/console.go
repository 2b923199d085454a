package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// consolePackages are the packages of npm that the built console is made of; none where it is not built. Those of the
// lock file that are not for development alone count, whether or not each has left something in the bundle.
func consolePackages(console string) ([]module, error) {
	switch _, err := os.Stat(filepath.Join(console, "dist", "index.html")); {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	}
	web := filepath.Join(console, "web")
	text, err := os.ReadFile(filepath.Join(web, "package-lock.json"))
	if err != nil {
		return nil, err
	}
	var lock struct {
		Packages map[string]struct {
			Version   string
			Integrity string
			Dev       bool
		}
	}
	if err := json.Unmarshal(text, &lock); err != nil {
		return nil, fmt.Errorf("package-lock.json: %w", err)
	}
	var packages []module
	for _, dir := range slices.Sorted(maps.Keys(lock.Packages)) {
		p := lock.Packages[dir]
		if dir == "" || p.Dev { // "" is the console itself
			continue
		}
		m := module{ecosystem: "npm", path: strings.TrimPrefix(dir, "node_modules/"), version: p.Version, sum: p.Integrity}
		if m.licences, err = licencesIn(filepath.Join(web, dir)); err != nil {
			return nil, err
		}
		if len(m.licences) == 0 {
			return nil, fmt.Errorf("%w: %s", errNoLicence, m.path)
		}
		packages = append(packages, m)
	}
	return packages, nil
}
