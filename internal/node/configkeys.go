package node

import (
	"fmt"
	"io"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
)

// Key is a key of the configuration, as Config's tags declare it.
type Key struct {
	// Name is the path to the key: "delivery.memory_mib", "credentials[].account".
	Name string
	// Flag is the name of the flag that sets it too; empty where there is none.
	Flag string
	// Default is what a node does without it; empty where that is nothing, or as Doc says.
	Default string
	// Doc says what it is for, in a phrase.
	Doc string

	value string       // the word in Doc that stands for the flag's value
	index []int        // of the field in Config; of no use below a list
	typ   reflect.Type // of the field
}

// Keys are all keys of the configuration, in the order in which Config declares them.
func Keys() []Key {
	return appendKeys(nil, reflect.ValueOf(DefaultConfig()), "", nil)
}

// appendKeys adds the keys of v, a structure, whose names begin with prefix.
func appendKeys(keys []Key, v reflect.Value, prefix string, index []int) []Key {
	for i := range v.NumField() {
		f, at := v.Type().Field(i), append(index[:len(index):len(index)], i)
		k := Key{
			Name: prefix + f.Tag.Get("yaml"), Flag: f.Tag.Get("flag"), Default: f.Tag.Get("default"), Doc: f.Tag.Get("doc"),
			value: f.Tag.Get("value"), index: at, typ: f.Type,
		}
		if k.Default == "" && !v.Field(i).IsZero() {
			k.Default = fmt.Sprint(v.Field(i))
		}
		if k.Doc != "" {
			keys = append(keys, k)
		}
		switch {
		case f.Type.Kind() == reflect.Struct:
			keys = appendKeys(keys, v.Field(i), k.Name+".", at)
		case f.Type.Kind() == reflect.Pointer:
			keys = appendKeys(keys, reflect.Zero(f.Type.Elem()), k.Name+".", at)
		case f.Type.Kind() == reflect.Slice && f.Type.Elem().Kind() == reflect.Struct:
			keys = appendKeys(keys, reflect.Zero(f.Type.Elem()), k.Name+"[].", at)
		}
	}
	return keys
}

// Type names what the key takes: "text", "number", "true or false", "duration", "list" or "section".
func (k Key) Type() string {
	switch {
	case k.typ == reflect.TypeFor[time.Duration]():
		return "duration"
	case k.typ.Kind() == reflect.String:
		return "text"
	case k.typ.Kind() == reflect.Int:
		return "number"
	case k.typ.Kind() == reflect.Bool:
		return "true or false"
	case k.typ.Kind() == reflect.Slice:
		return "list"
	}
	return "section"
}

// Usage is Doc for the help of a flag: the word for the value stands in back quotes.
func (k Key) Usage() string {
	if k.value == "" {
		return k.Doc
	}
	return strings.Replace(k.Doc, k.value, "`"+k.value+"`", 1)
}

// Set puts the value that text says into cfg. Only a key with a flag can be set.
func (k Key) Set(cfg *Config, text string) error {
	field := reflect.ValueOf(cfg).Elem().FieldByIndex(k.index)
	switch k.Type() {
	case "text":
		field.SetString(text)
	case "number":
		n, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("%q: want a whole number", text)
		}
		field.SetInt(int64(n))
	case "true or false":
		b, err := strconv.ParseBool(text)
		if err != nil {
			return fmt.Errorf("%q: want true or false", text)
		}
		field.SetBool(b)
	case "duration":
		d, err := time.ParseDuration(text)
		if err != nil {
			return fmt.Errorf("%q: want a duration, as 5s", text)
		}
		field.SetInt(int64(d))
	default:
		return fmt.Errorf("%s: only the configuration's file sets this", k.Name)
	}
	return nil
}

// unknownKeys says which keys of a file there are none of, and which is nearest to each.
// It ends in a space, or is empty.
func unknownKeys(text []byte) string {
	var file yaml.MapSlice
	if yaml.UnmarshalWithOptions(text, &file, yaml.UseOrderedMap()) != nil {
		return "" // what is wrong is said by whoever reads it for its values
	}
	var said strings.Builder
	for _, name := range pathsOf(file, "") {
		best, least := "", math.MaxInt
		for _, k := range Keys() {
			if k.Name == name || strings.HasPrefix(k.Name, name+".") {
				best = ""
				break
			}
			// A key in the wrong section is nearer than another of its section.
			if d := min(distance(name, k.Name), 1+distance(name, k.Name[strings.LastIndexByte(k.Name, '.')+1:])); d < least {
				best, least = k.Name, d
			}
		}
		if best != "" {
			fmt.Fprintf(&said, "there is no key %s: the nearest is %s; ", name, best)
		}
	}
	return strings.TrimSuffix(said.String(), "; ") + strings.Repeat(" ", min(said.Len(), 1))
}

// pathsOf are the paths to the keys of v, of sections before what is in them.
func pathsOf(v any, prefix string) (all []string) {
	switch v := v.(type) {
	case yaml.MapSlice:
		for _, item := range v {
			name := prefix + fmt.Sprint(item.Key)
			all = append(append(all, name), pathsOf(item.Value, name+".")...)
		}
	case []any:
		for _, item := range v {
			all = append(all, pathsOf(item, strings.TrimSuffix(prefix, ".")+"[].")...)
		}
	}
	return all
}

// distance is the number of characters to insert, delete or replace to make a into b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := before
			if a[i] != b[j] {
				change++
			}
			before = row[j+1]
			row[j+1] = min(change, before+1, row[j]+1)
		}
	}
	return row[len(b)]
}

// WriteConfiguration writes the reference of the configuration, in Markdown.
func WriteConfiguration(w io.Writer) error {
	var b strings.Builder
	b.WriteString(`# Configuration

<!-- Written by "make docs" from the code. -->

` + "`brookmere up --config FILE`" + ` reads a YAML file of these keys; a dot leads into a section, and ` + "`[]`" + ` into each
entry of a list. A flag overrides the file. A key that there is none of is an error.

` + "```yaml" + `
listen: 0.0.0.0:4566
data: /var/lib/brookmere
credentials:
  - access_key_id: AKIAEXAMPLE
    secret_access_key_file: /run/secrets/brookmere
delivery:
  memory_mib: 256
` + "```" + `

| key | takes | default | flag | what it is for |
|---|---|---|---|---|
`)
	for _, k := range Keys() {
		flag := ""
		if k.Flag != "" {
			flag = "`--" + k.Flag + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", k.Name, k.Type(), strings.ReplaceAll(k.Default, "|", `\|`), flag, strings.ReplaceAll(strings.ReplaceAll(k.Doc, "|", `\|`), "*", `\*`))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// KeysHelp lists the keys of the file for a terminal.
func KeysHelp() string {
	var b strings.Builder
	for _, k := range Keys() {
		fmt.Fprintf(&b, "  %s", k.Name)
		if k.Default != "" {
			fmt.Fprintf(&b, " (default %s)", k.Default)
		}
		column := 99
		for _, word := range strings.Fields(k.Doc) {
			if column+1+len(word) > 88 {
				b.WriteString("\n     ")
				column = 5
			}
			b.WriteString(" " + word)
			column += 1 + len(word)
		}
		b.WriteByte('\n')
	}
	return b.String()
}
