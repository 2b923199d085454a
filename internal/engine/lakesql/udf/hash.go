package udf

import (
	"database/sql/driver"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math"
	"math/big"
	"strings"
	"unicode/utf16"

	"github.com/blevesearch/snowballstem"
	"github.com/blevesearch/snowballstem/danish"
	"github.com/blevesearch/snowballstem/dutch"
	"github.com/blevesearch/snowballstem/english"
	"github.com/blevesearch/snowballstem/finnish"
	"github.com/blevesearch/snowballstem/french"
	"github.com/blevesearch/snowballstem/german"
	"github.com/blevesearch/snowballstem/hungarian"
	"github.com/blevesearch/snowballstem/irish"
	"github.com/blevesearch/snowballstem/italian"
	"github.com/blevesearch/snowballstem/norwegian"
	"github.com/blevesearch/snowballstem/portuguese"
	"github.com/blevesearch/snowballstem/romanian"
	"github.com/blevesearch/snowballstem/russian"
	"github.com/blevesearch/snowballstem/spanish"
	"github.com/blevesearch/snowballstem/swedish"
	"github.com/blevesearch/snowballstem/turkish"
	"github.com/cespare/xxhash/v2"
	"github.com/duckdb/duckdb-go/v2"
)

// The hashes of values by which Trino's checksum goes: xxHash64 of what a value is stored as. Numbers,
// dates and times are 8 bytes, little endian; long decimals are two such halves, whose hashes are
// combined by exclusive or.

func hashLong(v int64) int64 {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], uint64(v))
	return int64(xxhash.Sum64(b[:]))
}

// hashDecimal hashes the unscaled value of a decimal of more than 18 digits.
func hashDecimal(digits string) (any, error) {
	n, ok := new(big.Int).SetString(digits, 10)
	if !ok {
		return nil, argumentError("not a decimal: %s", digits)
	}
	low := new(big.Int).And(n, new(big.Int).SetUint64(math.MaxUint64)) // of the two's complement
	high := new(big.Int).Rsh(n, 64)
	return hashLong(high.Int64()) ^ hashLong(int64(low.Uint64())), nil
}

// prime is what each hash of a checksum is multiplied by; a null counts as the hash 1.
const prime = 0x9E3779B185EBCA87

// checksum makes the checksum of the sum of all hashes.
func checksum(sum string) (any, error) {
	n, ok := new(big.Int).SetString(sum, 10)
	if !ok {
		return nil, argumentError("not a sum: %s", sum)
	}
	n.And(n, new(big.Int).SetUint64(math.MaxUint64))
	return binary.LittleEndian.AppendUint64(nil, n.Uint64()*prime), nil
}

// hashFold combines the hashes of an array's elements or a row's fields, hashSum those of a map's entries.
var (
	hashFold = lists{scalar{in: []duckdb.Type{whole, longs}, out: whole, f: func(v []driver.Value) (any, error) {
		h := v[0].(int64)
		for _, x := range integers(v[1]) {
			h = 31*h + x
		}
		return h, nil
	}}}
	hashSum = lists{scalar{in: []duckdb.Type{longs}, out: whole, f: func(v []driver.Value) (any, error) {
		var h int64
		for _, x := range integers(v[0]) {
			h += x
		}
		return h, nil
	}}}
)

// stemmers are the stemmers of Snowball by the codes of languages.
var stemmers = map[string]func(*snowballstem.Env) bool{
	"da": danish.Stem, "de": german.Stem, "en": english.Stem, "es": spanish.Stem, "fi": finnish.Stem, "fr": french.Stem, "hu": hungarian.Stem, "ir": irish.Stem,
	"it": italian.Stem, "nl": dutch.Stem, "no": norwegian.Stem, "pt": portuguese.Stem, "ro": romanian.Stem, "ru": russian.Stem, "sv": swedish.Stem, "tr": turkish.Stem,
}

func wordStem(word, language string) (any, error) {
	stem := stemmers[language]
	switch {
	case stem == nil && strings.Contains(" ca eu hy lt ", " "+language+" "):
		return nil, errors.New("NOT_SUPPORTED: word_stem of language " + language + " is not supported")
	case stem == nil:
		return nil, argumentError("Unknown stemmer language: %s", language)
	}
	env := snowballstem.NewEnv(word)
	stem(env)
	return env.Current(), nil
}

func init() {
	udfs["xxh_long"] = scalar{in: []duckdb.Type{whole}, out: whole, f: func(v []driver.Value) (any, error) { return hashLong(v[0].(int64)), nil }}
	udfs["xxh_double"] = scalar{in: []duckdb.Type{real8}, out: whole, f: func(v []driver.Value) (any, error) {
		f := v[0].(float64)
		switch {
		case f == 0:
			f = 0 // of both zeros
		case math.IsNaN(f):
			return hashLong(0x7ff8000000000000), nil // the one that Java has
		}
		return hashLong(int64(math.Float64bits(f))), nil
	}}
	udfs["xxh_real"] = scalar{in: []duckdb.Type{real8}, out: whole, f: func(v []driver.Value) (any, error) {
		f := float32(v[0].(float64))
		switch {
		case f == 0:
			f = 0
		case f != f:
			return hashLong(0x7fc00000), nil
		}
		return hashLong(int64(int32(math.Float32bits(f)))), nil
	}}
	udfs["xxh_decimal"] = scalar{in: []duckdb.Type{text}, out: whole, f: string1(hashDecimal)}
	udfs["xxh_text"] = scalar{in: []duckdb.Type{text}, out: whole, f: string1(func(s string) (any, error) { return int64(xxhash.Sum64String(s)), nil })}
	udfs["xxh_bytes"] = scalar{in: []duckdb.Type{bytesOf}, out: whole, f: bytes1(func(b []byte) any { return int64(xxhash.Sum64(b)) })}
	udfs["checksum"] = scalar{in: []duckdb.Type{text}, out: bytesOf, f: string1(checksum)}
	udfs["murmur3"] = scalar{in: []duckdb.Type{bytesOf}, out: bytesOf, f: bytes1(func(b []byte) any {
		h1, h2 := murmur(b)
		return binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, h1), h2)
	})}
	udfs["word_stem"] = scalar{in: []duckdb.Type{text, text}, out: text, f: func(v []driver.Value) (any, error) { return wordStem(v[0].(string), v[1].(string)) }}
	udfs["char2hexint"] = scalar{in: []duckdb.Type{text}, out: text, f: string1(func(s string) (any, error) {
		var b []byte
		for _, u := range utf16.Encode([]rune(s)) {
			b = binary.BigEndian.AppendUint16(b, u)
		}
		return strings.ToUpper(hex.EncodeToString(b)), nil
	})}
}
