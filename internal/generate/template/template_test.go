package template

import (
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

var at = time.Date(2026, 11, 28, 14, 0, 41, 123_456_789, time.UTC)

func render(t testing.TB, text string, seed uint64) string {
	t.Helper()
	tpl, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(tpl.Source(seed).Append(nil, at))
}

func TestTextIsCleanedAsTheGeneratorDoes(t *testing.T) {
	for in, want := range map[string]string{
		"  a\n  b \n":                     "a  b",
		"{\"a\": {\"b\":1}}":              `{"a": {"b":1}}`,
		"{{current.timestamp}}":           "2026-11-28T14:00:41+00:00",
		"{{date.now}}":                    "2026-11-28T14:00:41+00:00",
		"{{date.utc}}":                    "2026-11-28T14:00:41Z",
		"{{random.number(\n0\n)}}!":       "0!",
		`{{random.arrayElement(["x"])}}`:  "x",
		`{{random.arrayElement([1.50])}}`: "1.5",
		`{{random.arrayElement([null])}}`: "null",
		`{{random.weightedArrayElement({"weights":[0,1],"data":[1,2]})}}`: "2",
		"no tag }} {{": "no tag }} {{",
		"":             "",
	} {
		if got := render(t, in, 1); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestFormatsOfDates(t *testing.T) {
	for format, want := range map[string]string{
		"YYYY-MM-DD HH:mm:ss.SSS":           "2026-11-28 14:00:41.123",
		"dddd, MMMM Do YYYY, h:mm:ss a":     "Saturday, November 28th 2026, 2:00:41 pm",
		"ddd, hA":                           "Sat, 2PM",
		"DD/MMM/YYYY:HH:mm:ss Z":            "28/Nov/2026:14:00:41 +00:00",
		"[today] x X":                       "today 1795874441123 1795874441",
		"YY M D d E DDDo Q ww WW gggg ZZ k": "26 11 28 6 6 332nd 4 48 48 2026 +0000 14",
		"L LT":                              "11/28/2026 2:00 PM",
		"SSSSSS":                            "123456",
		`\Y-Y`:                              "Y-2026",
	} {
		if got := render(t, `{{date.utc("`+strings.ReplaceAll(format, `\`, `\\`)+`")}}`, 1); got != want {
			t.Errorf("%q: got %q, want %q", format, got, want)
		}
	}
}

func TestNumbersHaveBothEnds(t *testing.T) {
	for text, want := range map[string][3]float64{ // lowest, highest, step
		"{{random.number(3)}}":                                   {0, 3, 1},
		`{{random.number({"min":-2,"max":2})}}`:                  {-2, 2, 1},
		`{{random.number({"min":10,"max":11,"precision":0.5})}}`: {10, 11, 0.5},
		`{{random.float({"min":1,"max":1.02})}}`:                 {1, 1.02, 0.01},
		`{{finance.amount(5,7)}}`:                                {5, 7, 1},
	} {
		tpl, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		s, low, high := tpl.Source(7), math.Inf(1), math.Inf(-1)
		for range 2000 {
			var n float64
			if err := json.Unmarshal(s.Append(nil, at), &n); err != nil {
				t.Fatal(err)
			}
			low, high = min(low, n), max(high, n)
			if r := math.Mod(math.Abs(n)+1e-9, want[2]); r > 1e-6 {
				t.Fatalf("%s: %v is no multiple of %v", text, n, want[2])
			}
		}
		if math.Abs(low-want[0]) > 1e-9 || math.Abs(high-want[1]) > 1e-9 {
			t.Errorf("%s: got %v to %v, want %v to %v", text, low, high, want[0], want[1])
		}
	}
}

func TestWeights(t *testing.T) {
	tpl, err := Parse(`{{random.weightedArrayElement({"weights":[0.3,0.2,0.5],"data":["cat","fish","dog"]})}}`)
	if err != nil {
		t.Fatal(err)
	}
	s, n := tpl.Source(3), map[string]int{}
	for range 10000 {
		n[string(s.Append(nil, at))]++
	}
	for word, want := range map[string]int{"cat": 3000, "fish": 2000, "dog": 5000} {
		if d := n[word] - want; d < -300 || d > 300 {
			t.Errorf("%s: %d of 10000, want about %d", word, n[word], want)
		}
	}
}

// TestEveryMethod calls each without arguments: it gives one line of text that is not empty.
func TestEveryMethod(t *testing.T) {
	need := map[string]string{ // what does not work without
		"date.between": `("2026-01-01","2026-01-02")`, "random.weightedArrayElement": `({"weights":[1],"data":["a"]})`,
		"helpers.slugify": `("a b")`, "helpers.replaceSymbols": `("#?")`, "helpers.replaceSymbolWithNumber": `("#")`,
	}
	for _, module := range Modules() {
		for _, method := range Methods(module) {
			name := module + "." + method
			got := render(t, "{{"+name+need[name]+"}}", 11)
			if got == "" || strings.Contains(got, "{{") || strings.Contains(got, `"`) {
				t.Errorf("%s gives %q", name, got)
			}
		}
	}
}

// TestTemplatesAreApart: what one template asks for changes no other, and sources of one template do not disturb each other.
func TestTemplatesAreApart(t *testing.T) {
	if got := render(t, `{{internet.email("a","b","one.example")}}`, 1); !strings.HasSuffix(got, "@one.example") {
		t.Error(got)
	}
	for seed := range uint64(20) {
		if got := render(t, `{{internet.email}}`, seed); strings.HasSuffix(got, "@one.example") {
			t.Fatal("a provider of another template is used: " + got)
		}
	}
	parsed, err := Parse(`{{helpers.shuffle(["a","b","c","d","e"])}} {{random.arrayElements(["a","b","c"],2)}}`)
	if err != nil {
		t.Fatal(err)
	}
	one := parsed.Source(7)
	first := string(one.Append(nil, time.Now()))
	one.Append(nil, time.Now())
	if again := string(parsed.Source(7).Append(nil, time.Now())); again != first {
		t.Errorf("the same seed gives %q and %q", first, again)
	}
	if _, some, _ := strings.Cut(first, " "); len(some) != 3 {
		t.Errorf("two elements are %q", some)
	}
}

// TestModulesOfFaker has the methods that people's templates name.
func TestModulesOfFaker(t *testing.T) {
	for module, methods := range map[string]string{
		"address":  "zipCode zipCodeByState city cityPrefix citySuffix streetName streetAddress streetSuffix streetPrefix secondaryAddress county country countryCode state stateAbbr latitude longitude direction cardinalDirection ordinalDirection nearbyGPSCoordinate timeZone",
		"commerce": "color department productName price productAdjective productMaterial product productDescription",
		"company":  "suffixes companyName companySuffix catchPhrase bs catchPhraseAdjective catchPhraseDescriptor catchPhraseNoun bsAdjective bsBuzz bsNoun",
		"database": "column type collation engine",
		"date":     "past future between recent soon month weekday now utc",
		"finance":  "account accountName routingNumber mask amount transactionType currencyCode currencyName currencySymbol bitcoinAddress litecoinAddress ethereumAddress iban bic creditCardNumber creditCardCVV pin transactionDescription",
		"hacker":   "abbreviation adjective noun verb ingverb phrase",
		"image":    "image avatar imageUrl abstract animals business cats city food nightlife fashion people nature sports technics transport dataUri",
		"internet": "avatar email exampleEmail userName protocol httpMethod url domainName domainSuffix domainWord ip ipv6 port userAgent color mac password",
		"lorem":    "word words sentence slug sentences paragraph paragraphs text lines",
		"name":     "firstName lastName middleName findName jobTitle gender prefix suffix title jobDescriptor jobArea jobType",
		"phone":    "phoneNumber phoneNumberFormat phoneFormats",
		"random":   "number float arrayElement arrayElements objectElement uuid boolean word words image locale alpha alphaNumeric hexaDecimal weightedArrayElement",
		"system":   "fileName commonFileName mimeType commonFileType commonFileExt fileType fileExt directoryPath filePath semver",
		"vehicle":  "vehicle manufacturer model type fuel vin color",
	} {
		for method := range strings.FieldsSeq(methods) {
			if !slices.Contains(Methods(module), method) {
				t.Errorf("%s.%s is not there", module, method)
			}
		}
	}
}

// TestAccountNumbers: what is left of an IBAN by 97, read as its standard says, is 1.
func TestAccountNumbers(t *testing.T) {
	for seed := range uint64(500) {
		text, country := "{{finance.iban}}", ""
		if seed%3 == 1 {
			text = "{{finance.iban(true)}}"
		} else if seed%3 == 2 {
			text, country = `{{finance.iban(false,"NL")}}`, "NL"
		}
		got := render(t, text, seed)
		if !strings.HasPrefix(got, country) || strings.Contains(got, " ") != (seed%3 == 1) {
			t.Errorf("%s gives %s", text, got)
		}
		plain := strings.ReplaceAll(got, " ", "")
		digits := ""
		for _, c := range plain[4:] + plain[:4] {
			if c >= 'A' && c <= 'Z' {
				digits += strconv.Itoa(int(c-'A') + 10)
			} else {
				digits += string(c)
			}
		}
		if n, ok := new(big.Int).SetString(digits, 10); !ok || n.Mod(n, big.NewInt(97)).Int64() != 1 {
			t.Errorf("%s is not valid", got)
		}
	}
	if _, err := Parse(`{{finance.iban(false,"XX")}}`); err == nil || !strings.Contains(err.Error(), "countries") {
		t.Errorf("an unknown country: %v", err)
	}
}

func TestShapes(t *testing.T) {
	for text, shape := range map[string]string{
		"{{random.uuid}}":                 `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`,
		"{{internet.ip}}":                 `^\d+\.\d+\.\d+\.\d+$`,
		"{{internet.email}}":              `^\S+@\w+\.com$`,
		"{{date.past}}":                   `^[A-Z][a-z]{2} [A-Z][a-z]{2} \d\d 202[56] \d\d:\d\d:\d\d GMT\+0000 \(Coordinated Universal Time\)$`,
		`{{phone.phoneNumber("0## ##")}}`: `^0\d\d \d\d$`,
		"{{address.latitude}}":            `^-?\d{1,2}\.\d{4}$`,
		"{{random.alphaNumeric(7)}}":      `^[0-9a-z]{7}$`,
		`{{finance.amount(1,9,3,"€")}}`:   `^€\d\.000$`,
	} {
		if got := render(t, text, 5); !regexp.MustCompile(shape).MatchString(got) {
			t.Errorf("%s gives %q", text, got)
		}
	}
}

func TestMistakesAreNamed(t *testing.T) {
	for text, want := range map[string]string{
		"ab{{nam.firstName}}":         `template: {{nam.firstName}} at byte 2: there is no module "nam"`,
		"{{name.frist}}":              `there is no method "frist" in module "name" (methods: findName, firstName,`,
		"{{random.arrayElement([])}}": "want a list",
		`{{random.weightedArrayElement({"weights":[1],"data":[1,2]})}}`: "as many weights as data",
		`{{random.number({"min":5,"max":1})}}`:                          "min 5 is more than max 1",
		`{{random.number({"precision":0})}}`:                            "precision 0",
		`{{random.alphaNumeric(1e9)}}`:                                  "more than can be made",
		`{{random.number(1e400)}}`:                                      "the number 1e400 is out of range",
		`{{random.number({"min":-1,"max":9e400})}}`:                     "the number 9e400 is out of range",
		`{{date.between("2026-01-01",1e999)}}`:                          "out of range",
		"{{random.arrayElement(" + strings.Repeat("[", 200) + ")}}":     "template: {{random.arrayElement(" + strings.Repeat("[", 80) + "...}} at byte 0: want a list",
	} {
		_, err := Parse(text)
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
}

func TestSeed(t *testing.T) {
	const text = "{{random.uuid}} {{name.findName}} {{random.number}}"
	if a, b := render(t, text, 1), render(t, text, 1); a != b {
		t.Errorf("one seed gave %q and %q", a, b)
	}
	if a, b := render(t, text, 1), render(t, text, 2); a == b {
		t.Errorf("two seeds gave %q", a)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`{"a":{{random.number({"min":1,"max":2})}},"b":"{{date.now("YYYY [x] \\Y")}}"}`)
	f.Add(`{{random.weightedArrayElement({"weights":[0.5,1e308],"data":[{},[1]]})}}`)
	f.Add(`{{date.between("2026-01-01","2026-01-01")}}{{lorem.words(3)}}{{finance.amount(1,2,3)}}`)
	f.Fuzz(func(t *testing.T, text string) {
		tpl, err := Parse(text)
		if err == nil {
			tpl.Source(1).Append(nil, at)
		}
	})
}

// Trade is a template as people use it for trades.
const trade = `{
    "trade_id": "{{random.uuid}}",
    "ticker": "{{random.arrayElement(["AAPL","AMZN","GOOG","MSFT","TSLA"])}}",
    "qty": {{random.number({"min":1,"max":1000})}},
    "price": {{random.number({"min":10,"max":500})}},
    "side": "{{random.weightedArrayElement({"weights":[0.6,0.4],"data":["BUY","SELL"]})}}",
    "time": "{{date.now}}"
}`

func BenchmarkTrade(b *testing.B) {
	tpl, err := Parse(trade)
	if err != nil {
		b.Fatal(err)
	}
	s, buf := tpl.Source(1), make([]byte, 0, 512)
	b.ReportAllocs()
	for b.Loop() {
		buf = s.Append(buf[:0], at)
	}
	b.SetBytes(int64(len(buf)))
}

// TestLongRecords: a short template does not make a record without end.
func TestLongRecords(t *testing.T) {
	parsed, err := Parse(strings.Repeat("{{lorem.slug(10000)}}", 1500))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(parsed.Source(1).Append([]byte("before"), time.Now())); n <= MaxRecord || n > MaxRecord+1<<20 {
		t.Errorf("%d bytes", n)
	}
}
