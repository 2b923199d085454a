package attr

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/cockroachdb/apd/v3"
)

func TestParseNumber(t *testing.T) {
	for text, want := range map[string]string{
		"0": "0", "-0": "0", "0.000": "0", "100": "100", "100.0": "100", "1e2": "100", "1.50E1": "15", "-1.5": "-1.5", "+7": "7", "007": "7",
		".5": "0.5", "5.": "5", "0e125": "0", "0.0e126": "0", "0e-130": "0", "1e-130": "0." + strings.Repeat("0", 129) + "1", "9.99e125": "999" + strings.Repeat("0", 123),
		strings.Repeat("9", 38): strings.Repeat("9", 38), strings.Repeat("9", 38) + "000": strings.Repeat("9", 38) + "000",
	} {
		if got, err := ParseNumber(text); err != nil || string(got) != want {
			t.Errorf("ParseNumber(%q) = %q, %v; want %q", text, got, err, want)
		}
	}
	for text, want := range map[string]error{
		"": ErrNotNumber, "a": ErrNotNumber, "1a": ErrNotNumber, "1e": ErrNotNumber, "--1": ErrNotNumber, "1.2.3": ErrNotNumber, " 1": ErrNotNumber, ".": ErrNotNumber,
		"NaN": ErrNotNumber, "1e126": ErrOverflow, "-1e999999999999": ErrOverflow, "1e-131": ErrUnderflow, strings.Repeat("1", 39): ErrPrecision,
		"1e9223372036854775808": ErrNotNumber, "1e9223372036854775807": ErrOverflow, "1e-9223372036854775808": ErrUnderflow, "1e+-1": ErrNotNumber,
		"0e126": ErrOverflow, "0.0e127": ErrOverflow, "0e-131": ErrUnderflow,
	} {
		if got, err := ParseNumber(text); !errors.Is(err, want) {
			t.Errorf("ParseNumber(%q) = %q, %v; want %v", text, got, err, want)
		}
	}
}

func TestError32(t *testing.T) {
	for text, want := range map[string]error{
		"abc": ErrNotNumber, "": ErrNotNumber, "e": ErrNotNumber, "1e126": ErrOverflow, "-1e-131": ErrUnderflow, "0e126": ErrOverflow,
		"1e99999999999": ErrNotNumber, "1e-99999999999": ErrNotNumber, "1e2147483648": ErrNotNumber, "1e-2147483648": ErrNotNumber,
		"1e2147483647": ErrUnderflow, "1.5e-2147483647": ErrNotNumber, "1e9223372036854775808": ErrNotNumber, strings.Repeat("1", 39): ErrPrecision,
	} {
		_, err := ParseNumber(text)
		if got := Error32(text, err); !errors.Is(got, want) {
			t.Errorf("Error32(%q) = %v, want %v", text, got, want)
		}
	}
}

func TestNumberSize(t *testing.T) {
	for n, want := range map[Number]int{"0": 1, "1": 2, "12": 2, "123": 3, "100": 2, "-1": 3, "0.5": 2, "0.05": 2, "1.5": 3, "0.0001": 2, Number(strings.Repeat("9", 38)): 20} {
		if got := n.Size(); got != want {
			t.Errorf("size of %s is %d, want %d", n, got, want)
		}
	}
}

func random(rng *rand.Rand) Number {
	s := ""
	if rng.IntN(2) == 0 {
		s = "-"
	}
	for range 1 + rng.IntN(20) {
		s += string(rune('0' + rng.IntN(10)))
	}
	if rng.IntN(2) == 0 {
		s = s[:len(s)-1] + "." + s[len(s)-1:]
	}
	n, err := ParseNumber(s + "e" + []string{"0", "3", "-3", "20", "-25"}[rng.IntN(5)])
	if err != nil {
		return "0"
	}
	return n
}

// TestOrder holds the order of numbers and of their key codes to apd's.
func TestOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 20000 {
		a, b := random(rng), random(rng)
		var x, y apd.Decimal
		x.SetString(string(a))
		y.SetString(string(b))
		want := x.Cmp(&y)
		if got := a.Compare(b); got != want {
			t.Fatalf("%s and %s compare as %d, want %d", a, b, got, want)
		}
		if got := bytes.Compare(AppendKey(nil, a), AppendKey(nil, b)); got != want {
			t.Fatalf("key codes of %s and %s compare as %d, want %d", a, b, got, want)
		}
		sum, err := a.Add(b)
		if err == nil {
			var z apd.Decimal
			exact.Add(&z, &x, &y)
			if n, _ := ParseNumber(z.Text('f')); n != sum {
				t.Fatalf("%s + %s = %s, want %s", a, b, sum, n)
			}
		}
	}
	for _, pair := range [][2]Value{{String("a"), String("b")}, {String("a"), String("a\x00")}, {String(""), String("a")}, {Binary{0}, Binary{0, 0}}, {Binary{0xff}, Binary{0xff, 0}}} {
		if bytes.Compare(AppendKey(nil, pair[0]), AppendKey(nil, pair[1])) >= 0 {
			t.Errorf("the key code of %q is not below that of %q", pair[0], pair[1])
		}
	}
}

var sample = Item{
	"s": String("text \" \n"), "n": Number("-1.5"), "b": Binary{0, 1}, "t": Bool(true), "f": Bool(false), "z": Null{},
	"l": List{String("x"), List{}, Map{"k": Number("1")}}, "m": Map{}, "ss": StringSet{"a", "b"}, "ns": NumberSet{"1", "2"}, "bs": BinarySet{{1}, {2, 3}},
}

func TestStoredForm(t *testing.T) {
	b := AppendItem(nil, sample)
	got, err := ParseItem(b)
	if err != nil || !Equal(got, sample) {
		t.Fatalf("read back %v, %v", got, err)
	}
	if n, err := StoredSize(b); err != nil || n != Size(sample) {
		t.Errorf("stored size %d, %v; want %d", n, err, Size(sample))
	}
	for name, want := range sample {
		if v, err := StoredValue(b, name); err != nil || !Equal(v, want) {
			t.Errorf("attribute %s is %v, %v; want %v", name, v, err, want)
		}
	}
	want := `{"b":{"B":"AAE="},"bs":{"BS":["AQ==","AgM="]},"f":{"BOOL":false},"l":{"L":[{"S":"x"},{"L":[]},{"M":{"k":{"N":"1"}}}]},"m":{"M":{}},"n":{"N":"-1.5"},"ns":{"NS":["1","2"]},"s":{"S":"text \" \n"},"ss":{"SS":["a","b"]},"t":{"BOOL":true},"z":{"NULL":true}}`
	if js := AppendJSON(nil, sample); string(js) != strings.ReplaceAll(want, "\n", `\n`) {
		t.Errorf("JSON %s", js)
	}
	if Depth(sample["l"]) != 2 || Depth(sample["s"]) != 0 {
		t.Error("depths")
	}
}

func FuzzParseItem(f *testing.F) {
	f.Add(AppendItem(nil, sample))
	f.Fuzz(func(t *testing.T, b []byte) {
		item, err := ParseItem(b)
		size, serr := StoredSize(b)
		_, jerr := AppendStoredJSON(nil, b)
		if err != nil {
			return
		}
		if serr != nil || jerr != nil {
			t.Fatalf("an item whose size or JSON cannot be told: %v, %v", serr, jerr)
		}
		again, err := ParseItem(AppendItem(nil, item))
		if err != nil || !Equal(item, again) {
			t.Fatalf("%v became %v (%v)", item, again, err)
		}
		if len(item) > 0 && size < 0 {
			t.Fatal("size below zero")
		}
	})
}

func FuzzParseNumber(f *testing.F) {
	for _, s := range []string{"1", "-1.5e10", "0.000", "1e-130", "9e125"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := ParseNumber(s)
		if err != nil {
			return
		}
		if m, err := ParseNumber(string(n)); err != nil || m != n {
			t.Fatalf("%q became %q became %q (%v)", s, n, m, err)
		}
		var want, got apd.Decimal
		if _, _, err := want.SetString(s); err != nil {
			return
		}
		got.SetString(string(n))
		if want.Cmp(&got) != 0 {
			t.Fatalf("%q became %q", s, n)
		}
	})
}
