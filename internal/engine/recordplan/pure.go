package recordplan

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/itchyny/gojq"
)

// impure are the functions and variables of jq whose value is not the record's alone: the
// time, the environment, further input, files. A partition that depended on them would
// be another one when a record is delivered again after a crash.
var impure = []string{
	"now", "localtime", "strflocaltime", "env", "$ENV", "$__prog_args", "input", "inputs", "input_filename", "input_line_number",
	"debug", "stderr", "halt", "halt_error", "get_search_list", "modulemeta",
}

// checkPure refuses a query that uses any of them, or modules.
func checkPure(q *gojq.Query) error {
	var bad string
	var walk func(v reflect.Value)
	walk = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.Pointer, reflect.Interface:
			if v.IsNil() {
				return
			}
			if f, ok := v.Interface().(*gojq.Func); ok && slices.Contains(impure, f.Name) {
				bad = f.Name
			}
			if kv, ok := v.Interface().(*gojq.ObjectKeyVal); ok && slices.Contains(impure, kv.Key) && kv.Key[0] == '$' {
				bad = kv.Key // {$ENV}
			}
			if _, ok := v.Interface().(*gojq.Import); ok {
				bad = "import"
			}
			walk(v.Elem())
		case reflect.Slice:
			for i := range v.Len() {
				walk(v.Index(i))
			}
		case reflect.Struct:
			for i := range v.NumField() {
				if v.Type().Field(i).IsExported() {
					walk(v.Field(i))
				}
			}
		}
	}
	walk(reflect.ValueOf(q))
	if bad != "" {
		return fmt.Errorf("metadata extraction query: %s is not allowed: partition keys can depend on the record alone", bad)
	}
	return nil
}
