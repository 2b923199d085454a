package etl

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/dlclark/regexp2"

	"github.com/brookmere/brookmere/internal/engine/hivetype"
)

// Transforms of rows: Filter, Route, DropDuplicates, Union, Join.

// Condition is one comparison of a filter. Values are paths or constants.
type Condition struct {
	Op      string // EQ, LT, GT, LTE, GTE, REGEX, ISNULL
	Negated bool
	Values  []Operand
}

// Operand is a path, or else a constant.
type Operand struct {
	Path     []string
	Constant string
}

func (c Condition) check() error {
	want := 2
	switch c.Op {
	case "EQ", "LT", "GT", "LTE", "GTE":
	case "REGEX":
		if len(c.Values) == 2 {
			if c.Values[1].Path != nil {
				return errors.New("REGEX takes a pattern that is a constant")
			}
			if _, err := newPattern(c.Values[1].Constant); err != nil {
				return err
			}
		}
	case "ISNULL":
		want = 1
	default:
		return fmt.Errorf("there is no operation %q", c.Op)
	}
	if len(c.Values) != want {
		return fmt.Errorf("%s compares %d values, not %d", c.Op, want, len(c.Values))
	}
	return nil
}

// pattern is a regular expression that is searched at the beginning of a text, as Python's match does.
type pattern struct {
	linear *regexp.Regexp
	back   *regexp2.Regexp // with what the other has not: lookaround, references to groups
}

// patternTimeout bounds the time of a match that backtracks, maxPattern the length of a pattern.
const (
	patternTimeout = time.Second
	maxPattern     = 64 << 10
)

func newPattern(text string) (*pattern, error) {
	if len(text) > maxPattern {
		return nil, fmt.Errorf("a regular expression has more than %d bytes", maxPattern)
	}
	if re, err := regexp.Compile(`\A(?:` + text + `)`); err == nil {
		return &pattern{linear: re}, nil
	}
	re, err := regexp2.Compile(`\A(?:`+text+`)`, regexp2.None)
	if err != nil {
		return nil, fmt.Errorf("%q is not a regular expression", text)
	}
	re.MatchTimeout = patternTimeout
	return &pattern{back: re}, nil
}

func (p *pattern) match(s string) (bool, error) {
	if p.linear != nil {
		return p.linear.MatchString(s), nil
	}
	return p.back.MatchString(s)
}

// Filters are conditions, of which one must hold (Or) or all.
type Filters struct {
	Or         bool
	Conditions []Condition
}

func (t Filters) check() error {
	if len(t.Conditions) == 0 {
		return errors.New("it has no condition")
	}
	for _, c := range t.Conditions {
		if err := c.check(); err != nil {
			return err
		}
	}
	return nil
}

// truth is what a condition says of a row. As in the functions of Glue's scripts, a comparison of what is not there is an
// error, and a row with an error is left out whatever the condition would be negated to.
type truth int8

const (
	no truth = iota
	yes
	wrong
)

// compile makes the test of a row. The first error of a pattern that takes too long, or of ctx, is left in failed; no row
// passes after it.
func (t Filters) compile(ctx context.Context, f *Frame, failed *error) func(row []any) bool {
	var tests []func(row []any) truth
	for _, c := range t.Conditions {
		tests = append(tests, c.compile(ctx, f, failed))
	}
	return func(row []any) bool {
		for i, test := range tests {
			is := test(row)
			if is == wrong {
				return false
			}
			if (is == yes) != t.Conditions[i].Negated == t.Or {
				return t.Or
			}
		}
		return !t.Or
	}
}

func truthOf(b bool) truth {
	if b {
		return yes
	}
	return no
}

func (c Condition) compile(ctx context.Context, f *Frame, failed *error) func(row []any) truth {
	operand := func(o Operand) func(row []any) any {
		if o.Path == nil {
			return func([]any) any { return o.Constant }
		}
		if value, _ := f.at(o.Path); value != nil {
			return value
		}
		return func([]any) any { return nil }
	}
	a := operand(c.Values[0])
	switch c.Op {
	case "ISNULL":
		return func(row []any) truth { return truthOf(a(row) == nil) }
	case "REGEX":
		re, err := newPattern(c.Values[1].Constant)
		if err != nil { // it was checked
			*failed = err
			return func([]any) truth { return wrong }
		}
		return func(row []any) truth {
			v := a(row)
			if v == nil || *failed != nil { // each row more could take as long
				return wrong
			}
			if *failed = ctx.Err(); *failed != nil {
				return wrong
			}
			is, err := re.match(textOf(v))
			if err != nil {
				*failed = fmt.Errorf("the regular expression %q takes too long to match", c.Values[1].Constant)
				return wrong
			}
			return truthOf(is)
		}
	}
	b := operand(c.Values[1])
	return func(row []any) truth {
		x, y := a(row), b(row)
		if x == nil || y == nil {
			if c.Op == "EQ" {
				return truthOf(x == nil && y == nil)
			}
			return wrong
		}
		n := compare(x, y)
		switch c.Op {
		case "EQ":
			return truthOf(n == 0)
		case "LT":
			return truthOf(n < 0)
		case "GT":
			return truthOf(n > 0)
		case "LTE":
			return truthOf(n <= 0)
		}
		return truthOf(n >= 0)
	}
}

// compare orders values: numbers as numbers, also against text that is one, else as text.
func compare(a, b any) int {
	_, aText := a.(string)
	_, bText := b.(string)
	if !aText || !bText {
		if x, ok := a.(int64); ok {
			if y, ok := b.(int64); ok {
				return cmpOrder(x, y)
			}
		}
		x, okA := toFloat(a)
		y, okB := toFloat(b)
		_, aBool := a.(bool)
		_, bBool := b.(bool)
		if okA && okB && !aBool && !bBool {
			return cmpOrder(x, y)
		}
	}
	return strings.Compare(textOf(a), textOf(b))
}

func cmpOrder[T int64 | float64](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func filtered(f *Frame, rows [][]any, keep func(row []any) bool) *Frame {
	out := &Frame{Columns: f.Columns}
	for _, row := range rows {
		if keep(row) {
			out.rows = append(out.rows, row)
		}
	}
	return out
}

// Filter keeps the rows for which the filters hold.
type Filter struct{ Filters }

// Check implements Transform.
func (t Filter) Check(n int) error { return errors.Join(oneInput(n), t.check()) }

// Apply implements Transform.
func (t Filter) Apply(ctx context.Context, in []*Frame) ([]*Frame, error) {
	var failed error
	f := filtered(in[0], in[0].Rows(), t.compile(ctx, in[0], &failed))
	if failed != nil {
		return nil, failed
	}
	return []*Frame{f}, nil
}

// Route makes a collection of a frame a group, and one of the rows of no group.
type Route struct{ Groups []Filters }

// Check implements Transform.
func (t Route) Check(n int) error {
	errs := []error{oneInput(n)}
	for _, g := range t.Groups {
		errs = append(errs, g.check())
	}
	return errors.Join(errs...)
}

// Apply implements Transform.
func (t Route) Apply(ctx context.Context, in []*Frame) ([]*Frame, error) {
	f, rows := in[0], in[0].Rows()
	var tests []func(row []any) bool
	var out []*Frame
	var failed error
	for _, g := range t.Groups {
		test := g.compile(ctx, f, &failed)
		tests = append(tests, test)
		out = append(out, filtered(f, rows, test))
	}
	out = append(out, filtered(f, rows, func(row []any) bool {
		return !slices.ContainsFunc(tests, func(test func([]any) bool) bool { return test(row) })
	}))
	if failed != nil {
		return nil, failed
	}
	return out, nil
}

// rowKey is a text that equals that of another row where the values do.
func rowKey(b []byte, row []any, columns []int) []byte {
	for _, i := range columns {
		b = append(appendJSON(b, row[i]), 0)
	}
	return b
}

func allColumns(f *Frame) []int {
	all := make([]int, len(f.Columns))
	for i := range all {
		all[i] = i
	}
	return all
}

// DropDuplicates keeps the first of the rows that are equal in columns; none: in all.
type DropDuplicates struct{ Columns [][]string }

// Check implements Transform.
func (t DropDuplicates) Check(n int) error { return errors.Join(oneInput(n), checkPaths(t.Columns)) }

// Apply implements Transform.
func (t DropDuplicates) Apply(_ context.Context, in []*Frame) ([]*Frame, error) {
	f := in[0]
	columns := allColumns(f)
	if len(t.Columns) > 0 {
		columns = columns[:0]
		for _, p := range t.Columns {
			i := f.Column(strings.Join(p, "."))
			if i < 0 {
				return nil, fmt.Errorf("there is no column %q", strings.Join(p, "."))
			}
			columns = append(columns, i)
		}
	}
	seen := make(map[string]bool)
	var key []byte
	return []*Frame{filtered(f, f.Rows(), func(row []any) bool {
		key = rowKey(key[:0], row, columns)
		if seen[string(key)] {
			return false
		}
		seen[string(key)] = true
		return true
	})}, nil
}

// Union puts frames behind each other, columns by name; Distinct: equal rows once.
type Union struct{ Distinct bool }

// Check implements Transform.
func (t Union) Check(n int) error {
	if n < 2 {
		return fmt.Errorf("it takes two inputs, not %d", n)
	}
	return nil
}

// Apply implements Transform.
func (t Union) Apply(ctx context.Context, in []*Frame) ([]*Frame, error) {
	out := &Frame{}
	for _, f := range in {
		for _, c := range f.Columns {
			if i := out.Column(c.Name); i < 0 {
				out.Columns = append(out.Columns, c)
			} else {
				out.Columns[i].Type = Widest(out.Columns[i].Type, c.Type)
			}
		}
	}
	for _, f := range in {
		to := make([]int, len(f.Columns))
		for i, c := range f.Columns {
			to[i] = out.Column(c.Name)
		}
		for _, row := range f.Rows() {
			r := make([]any, len(out.Columns))
			for i, v := range row {
				c := out.Columns[to[i]]
				if r[to[i]] = v; !c.Type.Equal(f.Columns[i].Type) {
					r[to[i]], _ = cast(v, c.Type)
				}
			}
			out.rows = append(out.rows, r)
		}
	}
	if t.Distinct {
		return DropDuplicates{}.Apply(ctx, []*Frame{out})
	}
	return []*Frame{out}, nil
}

// Join joins two frames on keys that are equal. Left and Right are as many paths.
type Join struct {
	Type        string // equijoin, left, right, outer, leftsemi, leftanti
	Left, Right [][]string
}

// Check implements Transform.
func (t Join) Check(n int) error {
	if n != 2 {
		return fmt.Errorf("it takes two inputs, not %d", n)
	}
	if len(t.Left) == 0 || len(t.Left) != len(t.Right) {
		return errors.New("both sides of a join have the same number of keys, at least one")
	}
	if !slices.Contains([]string{"equijoin", "left", "right", "outer", "leftsemi", "leftanti"}, t.Type) {
		return fmt.Errorf("there is no join type %q", t.Type)
	}
	return errors.Join(checkPaths(t.Left), checkPaths(t.Right))
}

// keyTypes are what the keys of two sides are compared as; nil: as they are.
func keyTypes(left, right *Frame, l, r [][]string) []*hivetype.Type {
	types := make([]*hivetype.Type, len(l))
	for i := range l {
		_, a := left.at(l[i])
		_, b := right.at(r[i])
		if a == nil || b == nil || a.Equal(b) {
			continue
		}
		switch text := hivetype.String; { // as Spark: a text becomes what it is compared with
		case a.Kind == text && b.Kind == hivetype.Decimal, b.Kind == text && a.Kind == hivetype.Decimal:
			types[i] = doubleType
		case a.Kind == text && !nests(b):
			types[i] = b
		case b.Kind == text && !nests(a):
			types[i] = a
		case numberRank(a.Kind) > 0 && numberRank(b.Kind) > 0:
			types[i] = Widest(a, b)
		}
	}
	return types
}

// nests says whether a type has others within it.
func nests(t *hivetype.Type) bool {
	return t.Kind == hivetype.Array || t.Kind == hivetype.Map || t.Kind == hivetype.Struct
}

func keysOf(f *Frame, paths [][]string, types []*hivetype.Type) (func(b []byte, row []any) ([]byte, bool), error) {
	var values []func([]any) any
	for _, p := range paths {
		v, _ := f.at(p)
		if v == nil {
			return nil, fmt.Errorf("there is no column %q", strings.Join(p, "."))
		}
		values = append(values, v)
	}
	return func(b []byte, row []any) ([]byte, bool) {
		for i, value := range values {
			v := value(row)
			if types[i] != nil {
				v, _ = cast(v, types[i])
			}
			if v == nil {
				return b, false
			}
			if f, ok := v.(float64); ok && f == float64(int64(f)) {
				v = int64(f)
			}
			b = append(appendJSON(b, v), 0)
		}
		return b, true
	}, nil
}

// maxJoined bounds the bytes of the rows that a join makes, without the values that they share with its inputs.
var maxJoined int64 = 1 << 30

// Apply implements Transform.
func (t Join) Apply(ctx context.Context, in []*Frame) ([]*Frame, error) {
	left, right := in[0], in[1]
	types := keyTypes(left, right, t.Left, t.Right)
	leftKey, err := keysOf(left, t.Left, types)
	if err != nil {
		return nil, err
	}
	rightKey, err := keysOf(right, t.Right, types)
	if err != nil {
		return nil, err
	}
	out := &Frame{Columns: slices.Clone(left.Columns)}
	semi := t.Type == "leftsemi" || t.Type == "leftanti"
	if !semi {
		for _, c := range right.Columns {
			for out.Column(c.Name) >= 0 {
				c.Name = "." + c.Name // as Glue tells the columns of the right side apart
			}
			out.Columns = append(out.Columns, c)
		}
	}
	rows := right.Rows()
	index := make(map[string][]int)
	var key []byte
	for i, row := range rows {
		k, ok := rightKey(key[:0], row)
		if key = k; ok {
			index[string(k)] = append(index[string(k)], i)
		}
	}
	matched := make([]bool, len(rows))
	wide := len(left.Columns)
	most := int(maxJoined / int64(24+16*len(out.Columns)))
	for n, row := range left.Rows() {
		if n%4096 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		k, ok := leftKey(key[:0], row)
		key = k
		var found []int
		if ok {
			found = index[string(k)]
		}
		if semi {
			if (len(found) > 0) == (t.Type == "leftsemi") {
				out.rows = append(out.rows, row)
			}
			continue
		}
		for _, i := range found {
			matched[i] = true
			joined := append(make([]any, 0, len(out.Columns)), row...)
			out.rows = append(out.rows, append(joined, rows[i]...))
			if len(out.rows) > most { // one row may have partners without end
				return nil, ErrTooLarge
			}
			if len(out.rows)%4096 == 0 && ctx.Err() != nil {
				return nil, ctx.Err()
			}
		}
		if len(found) == 0 && (t.Type == "left" || t.Type == "outer") {
			out.rows = append(out.rows, append(slices.Clone(row), make([]any, len(right.Columns))...))
		}
		if len(out.rows) > most {
			return nil, ErrTooLarge
		}
	}
	if t.Type == "right" || t.Type == "outer" {
		for i, row := range rows {
			if !matched[i] {
				out.rows = append(out.rows, append(make([]any, wide, len(out.Columns)), row...))
			}
		}
	}
	return []*Frame{out}, nil
}
