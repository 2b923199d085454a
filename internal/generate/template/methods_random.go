package template

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

const (
	lower   = "abcdefghijklmnopqrstuvwxyz"
	digits  = "0123456789"
	maxMade = 10_000 // characters or words that one tag makes
)

var randomMethods = map[string]maker{
	"number":               number,
	"float":                float,
	"arrayElement":         arrayElement,
	"arrayElements":        arrayElements,
	"weightedArrayElement": weightedArrayElement,
	"objectElement":        objectElement,
	"uuid":                 uuid,
	"boolean":              plain(func(s *Source) string { return [...]string{"false", "true"}[s.rng.IntN(2)] }),
	"alphaNumeric":         characters(digits + lower),
	"alpha":                characters(lower),
	"hexaDecimal":          hexadecimal,
	"word":                 plain(func(s *Source) string { return s.fake.Word() }),
	"words":                words(func(s *Source) string { return s.fake.Word() }),
	"image":                imageURL(""),
	"locale":               oneOf("en", "de", "fr", "es", "it", "nl", "pl", "pt_BR", "sv", "tr", "ja", "ko", "zh_CN"),
}

var datatypeMethods = map[string]maker{
	"number": number, "float": float, "uuid": uuid, "boolean": randomMethods["boolean"], "hexaDecimal": hexadecimal, "datetime": past(1),
}

var helperMethods = map[string]maker{
	"randomize": arrayElement, "arrayElement": arrayElement, "arrayElements": arrayElements,
	"slugify":                 func(a arguments) (appender, error) { return constant(slug(a.text(0))), nil },
	"replaceSymbolWithNumber": symbols("#"),
	"replaceSymbols":          symbols("#?"),
	"shuffle":                 shuffle,
}

func constant(text string) appender {
	return func(_ *Source, dst []byte) []byte { return append(dst, text...) }
}

// number gives a number from min to max, both inclusive, in steps of precision; a single number is max.
// Without arguments it is 0 to 99999. A negative max is exclusive, as in faker.js.
func number(a arguments) (appender, error) { return numberWith(a, 1) }

// float is number in steps of 0.01; a single number is the step.
func float(a arguments) (appender, error) {
	if step, ok := a.at(0).(float64); ok {
		a = arguments{map[string]any{"precision": step}}
	}
	return numberWith(a, 0.01)
}

func numberWith(a arguments, precision float64) (appender, error) {
	lowest, highest := 0.0, 99999.0
	switch o := a.at(0).(type) {
	case float64:
		highest = o
	case map[string]any:
		for key, v := range o {
			n, ok := v.(float64)
			if !ok {
				return nil, fmt.Errorf("%s is not a number", key)
			}
			switch key {
			case "min":
				lowest = n
			case "max":
				highest = n
			case "precision":
				precision = n
			}
		}
	}
	if precision <= 0 {
		return nil, fmt.Errorf("precision %v: want more than 0", precision)
	}
	if lowest > highest {
		return nil, fmt.Errorf("min %v is more than max %v", lowest, highest)
	}
	if highest >= 0 {
		highest += precision
	}
	from, width := lowest/precision, highest/precision-lowest/precision
	if width > 1<<53 {
		return nil, fmt.Errorf("there are more than 2^53 numbers from %v to %v", lowest, highest)
	}
	return func(s *Source, dst []byte) []byte {
		return appendNumber(dst, precision*math.Floor(s.rng.Float64()*width+from))
	}, nil
}

func arrayElement(a arguments) (appender, error) {
	if a == nil {
		a = arguments{[]any{"a", "b", "c"}}
	}
	list, err := element(a.at(0))
	if err != nil {
		return nil, err
	}
	texts := make([]string, len(list))
	for i, v := range list {
		texts[i] = string(appendValue(nil, v))
	}
	return func(s *Source, dst []byte) []byte { return append(dst, s.pick(texts)...) }, nil
}

// weightedArrayElement is the generator's own: {"weights":[...],"data":[...]}, weights that add up to 1.
func weightedArrayElement(a arguments) (appender, error) {
	const form = `want {"weights":[0.3,0.7],"data":["a","b"]}`
	o, _ := a.at(0).(map[string]any)
	weights, werr := element(o["weights"])
	data, derr := element(o["data"])
	if cmp.Or(werr, derr) != nil || len(weights) != len(data) {
		return nil, fmt.Errorf("%s, as many weights as data", form)
	}
	var (
		total float64
		until = make([]float64, len(weights)) // the sum of the weights so far
		texts = make([]string, len(data))
	)
	for i, w := range weights {
		n, ok := w.(float64)
		if !ok || n < 0 {
			return nil, fmt.Errorf("%s, weights not below 0", form)
		}
		total += n
		until[i], texts[i] = total, string(appendValue(nil, data[i]))
	}
	if total <= 0 || math.IsInf(total, 0) {
		return nil, fmt.Errorf("%s, a weight above 0", form)
	}
	return func(s *Source, dst []byte) []byte {
		i, _ := slices.BinarySearch(until, math.Nextafter(s.rng.Float64()*total, math.Inf(1)))
		return append(dst, texts[min(i, len(texts)-1)]...)
	}, nil
}

// objectElement gives one of an object's values, or of its keys where the second argument is "key".
func objectElement(a arguments) (appender, error) {
	o, ok := a.at(0).(map[string]any)
	if a == nil {
		o, ok = map[string]any{"foo": "bar", "too": "car"}, true
	}
	if !ok || len(o) == 0 {
		return nil, fmt.Errorf(`want an object, as {"a":1,"b":2}`)
	}
	keys := slices.Sorted(maps.Keys(o))
	if a.text(1) == "key" {
		return func(s *Source, dst []byte) []byte { return append(dst, s.pick(keys)...) }, nil
	}
	return func(s *Source, dst []byte) []byte { return appendValue(dst, o[s.pick(keys)]) }, nil
}

func uuid(arguments) (appender, error) {
	const form = "xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx"
	return func(s *Source, dst []byte) []byte {
		const hex = "0123456789abcdef"
		var bits uint64
		for i := range len(form) {
			if i%16 == 0 {
				bits = s.rng.Uint64()
			}
			switch form[i] {
			case 'x':
				dst = append(dst, hex[bits&15])
			case 'y':
				dst = append(dst, hex[bits&3|8])
			default:
				dst = append(dst, form[i])
			}
			bits >>= 4
		}
		return dst
	}, nil
}

// characters gives as many of an alphabet as its argument says, or one. An object says it as count.
func characters(alphabet string) maker {
	return func(a arguments) (appender, error) {
		if o, ok := a.at(0).(map[string]any); ok {
			a = arguments{o["count"]}
		}
		n, err := a.count(0, 1, maxMade)
		return func(s *Source, dst []byte) []byte { return s.appendOf(dst, alphabet, n) }, err
	}
}

func hexadecimal(a arguments) (appender, error) {
	n, err := a.count(0, 1, maxMade)
	return func(s *Source, dst []byte) []byte {
		return s.appendOf(append(dst, "0x"...), "0123456789abcdefABCDEF", n)
	}, err
}

// symbols gives its argument with those of its characters made digits and letters.
func symbols(which string) maker {
	return func(a arguments) (appender, error) {
		format := a.text(0)
		if n, ok := a.at(0).(float64); ok {
			format = string(appendNumber(nil, n))
		}
		return func(s *Source, dst []byte) []byte {
			if which == "#?" {
				return s.appendSymbols(dst, format)
			}
			for i := range len(format) {
				if format[i] == '#' {
					dst = append(dst, byte('0'+s.rng.IntN(10)))
				} else {
					dst = append(dst, format[i])
				}
			}
			return dst
		}, nil
	}
}

func shuffle(a arguments) (appender, error) {
	if a == nil {
		a = arguments{[]any{"a", "b", "c"}}
	}
	list, err := element(a.at(0))
	return func(s *Source, dst []byte) []byte {
		return appendValue(dst, s.shuffled(list))
	}, err
}

// shuffled is a copy: the list is that of all sources of a template.
func (s *Source) shuffled(list []any) []any {
	list = slices.Clone(list)
	s.rng.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list
}

// arrayElements gives some elements of a list, as many as the second argument says, or one or more; as JavaScript
// makes text of a list, with commas.
func arrayElements(a arguments) (appender, error) {
	if a == nil {
		a = arguments{[]any{"a", "b", "c"}}
	}
	list, err := element(a.at(0))
	if err != nil {
		return nil, err
	}
	count, given := a.at(1).(float64)
	count = max(0, min(count, float64(len(list))))
	return func(s *Source, dst []byte) []byte {
		n := int(count)
		if !given {
			n = 1 + s.rng.IntN(len(list))
		}
		return appendValue(dst, s.shuffled(list)[:n])
	}, nil
}

// words gives as many words as its argument says, or three.
func words(word func(*Source) string) maker {
	return func(a arguments) (appender, error) {
		n, err := a.count(0, 3, maxMade)
		return func(s *Source, dst []byte) []byte { return s.appendWords(dst, word, n, " ") }, err
	}
}

func (s *Source) appendWords(dst []byte, word func(*Source) string, n int, between string) []byte {
	for i := range n {
		if i > 0 {
			dst = append(dst, between...)
		}
		dst = append(dst, word(s)...)
	}
	return dst
}

// slug makes text fit for an address: blanks become hyphens, and what is not a letter, digit, dot or hyphen goes.
func slug(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '.' || r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z':
			return r
		}
		return -1
	}, text)
}

// quoted is a text as JSON has it, for messages.
func quoted(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}
