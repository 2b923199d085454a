package clientenv

import (
	"os"
	"path/filepath"
	"strings"
)

// phpDir is where the settings of PHP are, below the directory of an environment's files: PHP reads all .ini files of a directory.
const phpDir = "php"

// phpSettings writes the settings by which PHP trusts a bundle, and returns PHP_INI_SCAN_DIR that adds them to those of
// old and of the system. PHP finds a proxy by HTTPS_PROXY, but reads no variable that names certificates. It returns
// "" for a path that such a file cannot name.
func phpSettings(dir, bundle, old string) (string, error) {
	if strings.ContainsAny(bundle, "\"$\n\\") || strings.Contains(dir, string(filepath.ListSeparator)) {
		return "", nil
	}
	own := filepath.Join(dir, phpDir)
	if err := os.MkdirAll(own, 0o700); err != nil {
		return "", err
	}
	text := `curl.cainfo = "` + bundle + `"` + "\n" + `openssl.cafile = "` + bundle + `"` + "\n"
	if err := writeFile(filepath.Join(own, "brookmere.ini"), []byte(text)); err != nil {
		return "", err
	}
	dirs := filepath.SplitList(old)
	if len(dirs) == 0 {
		dirs = []string{""} // the system's
	}
	if dirs[len(dirs)-1] != own { // the last one counts
		dirs = append(dirs, own)
	}
	return strings.Join(dirs, string(filepath.ListSeparator)), nil
}
