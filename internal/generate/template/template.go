package template

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/brianvoe/gofakeit/v7"
)

// Template is a template that was read. It is immutable.
type Template struct{ parts []part }

// A part of a template is text, or a method that appends what it made.
type part struct {
	text   string
	append appender
}

type appender func(s *Source, dst []byte) []byte

// Error is what is wrong with a template, and where: Offset counts bytes of the text that Parse was
// given with blanks at its ends and line feeds removed.
type Error struct {
	Offset int
	Tag    string // what stands between {{ and }}
	Reason string
}

func (e *Error) Error() string {
	tag := e.Tag
	if r := []rune(tag); len(r) > shownTag {
		tag = string(r[:shownTag]) + "..."
	}
	return fmt.Sprintf("template: {{%s}} at byte %d: %s", tag, e.Offset, e.Reason)
}

// shownTag is how many characters of a tag an error shows.
const shownTag = 100

// Parse reads a template. Its errors are *Error.
func Parse(text string) (*Template, error) {
	text = strings.ReplaceAll(strings.TrimSpace(text), "\n", "")
	text = strings.Replace(text, "{{current.timestamp}}", "{{date.now}}", 1)
	t := &Template{}
	for at := 0; at < len(text); {
		open := strings.Index(text[at:], "{{")
		var length int
		if open >= 0 {
			length = strings.Index(text[at+open:], "}}")
		}
		if open < 0 || length < 0 {
			t.text(text[at:])
			break
		}
		open += at
		t.text(text[at:open])
		tag := text[open+2 : open+length]
		a, err := bind(tag)
		if err != nil {
			return nil, &Error{Offset: open, Tag: tag, Reason: err.Error()}
		}
		t.parts = append(t.parts, part{append: a})
		at = open + length + 2
	}
	return t, nil
}

func (t *Template) text(s string) {
	if s != "" {
		t.parts = append(t.parts, part{text: s})
	}
}

// bind finds the method of a tag and gives it its arguments.
func bind(tag string) (appender, error) {
	name, args := tag, arguments(nil)
	if open := strings.IndexByte(tag, '('); open >= 0 {
		if n := strings.IndexByte(tag[open:], ')'); n > 1 { // () is left in the name by faker.js, which then finds no such method
			var err error
			if args, err = parseArguments(tag[open+1 : open+n]); err != nil {
				return nil, err
			}
			name = tag[:open] + tag[open+n+1:]
		} else if n == 1 {
			name = tag[:open] + tag[open+2:]
		}
	}
	module, method, _ := strings.Cut(strings.TrimSpace(name), ".")
	method, _, _ = strings.Cut(method, ".") // faker.js passes over what is behind: random.number.float is random.number
	methods, ok := modules[module]
	if !ok {
		return nil, fmt.Errorf("there is no module %q (modules: %s)", module, strings.Join(Modules(), ", "))
	}
	make, ok := methods[method]
	if !ok {
		return nil, fmt.Errorf("there is no method %q in module %q (methods: %s)", method, module, strings.Join(Methods(module), ", "))
	}
	return make(args)
}

// Source makes records of a template. The same seed gives the same records, times apart. It is for
// one goroutine.
type Source struct {
	parts []part
	rng   *rand.Rand
	fake  *gofakeit.Faker
	now   time.Time
}

// Source returns a source of records with the seed.
func (t *Template) Source(seed uint64) *Source {
	pcg := rand.NewPCG(seed, 0x6661_6b65_7266_616b)
	return &Source{parts: t.parts, rng: rand.New(pcg), fake: gofakeit.NewFaker(pcg, false)}
}

// MaxRecord is the longest record of a stream, in bytes.
const MaxRecord = 10 << 20

// Append appends one record, made at now, to dst. The zone of now is the zone of date.now. A record that is longer than
// MaxRecord ends with the tag that made it so: no stream takes it.
func (s *Source) Append(dst []byte, now time.Time) []byte {
	s.now = now
	begin := len(dst)
	for i := range s.parts {
		if len(dst)-begin > MaxRecord {
			break
		}
		if p := &s.parts[i]; p.append == nil {
			dst = append(dst, p.text...)
		} else {
			dst = p.append(s, dst)
		}
	}
	return dst
}
