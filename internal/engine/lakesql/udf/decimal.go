package udf

import (
	"database/sql/driver"
	"errors"
	"math/big"
	"strings"

	"github.com/duckdb/duckdb-go/v2"
)

// Decimals of any digits, as texts, for results that DuckDB has no type to calculate in.

func init() {
	udfs["decimal_product"] = scalar{in: []duckdb.Type{text, text}, out: text, f: decimalProduct}
	udfs["decimal_average"] = scalar{in: []duckdb.Type{text, text, whole, whole}, out: text, f: decimalAverage}
	udfs["decimal_quotient"] = scalar{in: []duckdb.Type{text, text, whole}, out: text, f: decimalQuotient}
}

var (
	errDecimal  = errors.New("NUMERIC_VALUE_OUT_OF_RANGE: Decimal overflow")
	errNoNumber = errors.New("INVALID_FUNCTION_ARGUMENT: not a decimal")
	ten         = big.NewInt(10)
)

// unscaled is the digits of a decimal, and how many of them are behind the point.
func unscaled(s string) (*big.Int, int, error) {
	before, after, _ := strings.Cut(s, ".")
	n, ok := new(big.Int).SetString(before+after, 10)
	if !ok || len(s) > 80 {
		return nil, 0, errNoNumber
	}
	return n, len(after), nil
}

// scaled writes digits as a decimal; one of more than 38 is too large.
func scaled(n *big.Int, scale int) (any, error) {
	digits := new(big.Int).Abs(n).String()
	if len(digits) > 38 {
		return nil, errDecimal
	}
	if len(digits) <= scale {
		digits = strings.Repeat("0", scale+1-len(digits)) + digits
	}
	if scale > 0 {
		digits = digits[:len(digits)-scale] + "." + digits[len(digits)-scale:]
	}
	if n.Sign() < 0 {
		digits = "-" + digits
	}
	return digits, nil
}

func decimalProduct(v []driver.Value) (any, error) {
	a, s, err := unscaled(v[0].(string))
	if err != nil {
		return nil, err
	}
	b, t, err := unscaled(v[1].(string))
	if err != nil {
		return nil, err
	}
	return scaled(a.Mul(a, b), s+t)
}

// decimalQuotient divides to a scale, halves rounded away from zero.
func decimalQuotient(v []driver.Value) (any, error) {
	a, s, err := unscaled(v[0].(string))
	if err != nil {
		return nil, err
	}
	b, t, err := unscaled(v[1].(string))
	if err != nil {
		return nil, err
	}
	if b.Sign() == 0 {
		return nil, errors.New("DIVISION_BY_ZERO: Division by zero")
	}
	scale := int(v[2].(int64))
	if up := scale + t - s; up >= 0 {
		a.Mul(a, new(big.Int).Exp(ten, big.NewInt(int64(up)), nil))
	} else {
		b.Mul(b, new(big.Int).Exp(ten, big.NewInt(int64(-up)), nil))
	}
	return scaled(rounded(a, b), scale)
}

// decimalAverage divides the sum of whole numbers of a scale's last digit, given in units of 10^19 and what
// is beside these, by their count, halves rounded away from zero.
func decimalAverage(v []driver.Value) (any, error) {
	high, ok := new(big.Int).SetString(v[0].(string), 10)
	low, ok2 := new(big.Int).SetString(v[1].(string), 10)
	if !ok || !ok2 {
		return nil, errNoNumber
	}
	count := big.NewInt(v[2].(int64))
	if count.Sign() == 0 {
		return nil, nil
	}
	sum := high.Mul(high, new(big.Int).Exp(ten, big.NewInt(19), nil))
	sum.Add(sum, low)
	return scaled(rounded(sum, count), int(v[3].(int64)))
}

// rounded is a quotient, halves rounded away from zero. It changes its operands.
func rounded(a, b *big.Int) *big.Int {
	negative := a.Sign()*b.Sign() < 0
	a.Abs(a)
	b.Abs(b)
	a.Add(a.Lsh(a, 1), b)
	a.Quo(a, b.Lsh(b, 1))
	if negative {
		a.Neg(a)
	}
	return a
}
