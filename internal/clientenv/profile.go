package clientenv

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// WriteProfile writes a profile of the node into a configuration file as the AWS CLI has it, in the place of one
// of that name; everything else in the file stays as it is. caBundle may be empty.
func WriteProfile(file, profile string, n Node, caBundle string) error {
	if profile == "" || strings.ContainsAny(profile, "[]\n\r\"'") || strings.TrimSpace(profile) != profile {
		return fmt.Errorf("%q cannot be the name of a profile", profile)
	}
	text, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	header := "[profile " + profile + "]"
	if profile == "default" {
		header = "[default]"
	}
	section := header + "\n" +
		"endpoint_url = " + n.URL + "\n" +
		"region = " + n.Region + "\n" +
		"aws_access_key_id = " + n.AccessKey + "\n" +
		"aws_secret_access_key = " + n.SecretKey + "\n"
	if n.SessionToken != "" {
		section += "aws_session_token = " + n.SessionToken + "\n"
	}
	if caBundle != "" {
		section += "ca_bundle = " + caBundle + "\n"
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	mode := fs.FileMode(0o600)
	if info, err := os.Stat(file); err == nil {
		mode = info.Mode().Perm()
	}
	if real, err := filepath.EvalSymlinks(file); err == nil {
		file = real // the link of a user's stays
	}
	if err := writeFile(file, []byte(replaceSection(string(text), header, section))); err != nil {
		return err
	}
	return os.Chmod(file, mode)
}

// replaceSection puts a section in the place of that with the header, or behind all others.
func replaceSection(text, header, section string) string {
	var out strings.Builder
	found, skipping := false, false
	for line := range strings.Lines(text) {
		if trimmed := strings.TrimSpace(line); strings.HasPrefix(trimmed, "[") {
			skipping = strings.Join(strings.Fields(trimmed), " ") == header
			if skipping {
				if !found {
					out.WriteString(section + "\n")
				}
				found = true
			}
		}
		if !skipping {
			out.WriteString(line)
		}
	}
	if found {
		return strings.TrimRight(out.String(), "\n") + "\n"
	}
	if text != "" && !strings.HasSuffix(text, "\n") {
		out.WriteString("\n")
	}
	if text != "" {
		out.WriteString("\n")
	}
	return out.String() + section
}
