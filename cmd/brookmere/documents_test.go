package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// inCode finds commands in the code of a document: in lines of a block, and between backquotes.
var inCode = regexp.MustCompile("(?m)(?:^(?:    |\\$ |)|`|&& |[|] |\\$\\()brookmere ([a-z][^`\n]*)")

// shellWords splits a command as a shell does, up to what ends it.
func shellWords(line string) (list []string) {
	var word strings.Builder
	var quote rune
	inWord := false
	for _, c := range line {
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(c)
		case c == '\'' || c == '"':
			quote, inWord = c, true
		case strings.ContainsRune("|;&<>)#", c) || c == '\\':
			if inWord {
				list = append(list, word.String())
			}
			return list
		case c == ' ' || c == '\t':
			if inWord {
				list = append(list, word.String())
				word.Reset()
			}
			inWord = false
		default:
			inWord = true
			word.WriteRune(c)
		}
	}
	if inWord {
		list = append(list, word.String())
	}
	return list
}

// checkCommands checks that every command and flag that a text names is there, and returns how many it names.
func checkCommands(t *testing.T, where, text string) (found int) {
	t.Helper()
	for _, m := range inCode.FindAllStringSubmatch(text, -1) {
		found++
		args := shellWords(m[1])
		cmd, rest, err := newRootCommand().Find(args)
		if err != nil {
			t.Errorf("%s: brookmere %s: %v", where, m[1], err)
			continue
		}
		if cmd.HasSubCommands() && len(rest) > 0 && !strings.HasPrefix(rest[0], "-") {
			if err := cmd.ValidateArgs(rest[:1]); err != nil {
				t.Errorf("%s: brookmere %s: %v", where, m[1], err)
			}
		}
		cmd.InitDefaultHelpFlag()
		for _, a := range rest {
			if a == "--" {
				break
			}
			name, _, _ := strings.Cut(a, "=")
			var flag *pflag.Flag
			switch {
			case strings.HasPrefix(name, "--"):
				flag = cmd.Flag(name[2:])
			case len(name) == 2 && name[0] == '-':
				if flag = cmd.Flags().ShorthandLookup(name[1:]); flag == nil {
					flag = cmd.InheritedFlags().ShorthandLookup(name[1:])
				}
			default:
				continue
			}
			if flag == nil {
				t.Errorf("%s: brookmere %s: %q has no flag %s", where, m[1], cmd.CommandPath(), name)
			}
		}
	}
	return found
}

// TestDocumentedCommands: every command and flag that a document names is there. That they do what a document says, the
// tests with real clients try.
func TestDocumentedCommands(t *testing.T) {
	root, found := filepath.Join("..", ".."), 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name := d.Name(); d.IsDir() && (name == "node_modules" || name == "testdata" || name == "format" || name == ".git" || name == ".venv") {
			return filepath.SkipDir
		}
		if filepath.Ext(path) != ".md" || d.Name() == "CHANGELOG.md" {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		found += checkCommands(t, path, string(text))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if found < 100 {
		t.Errorf("%d commands found in the documents", found)
	}
}
