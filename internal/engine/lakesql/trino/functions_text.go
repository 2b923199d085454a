package trino

import (
	"fmt"
	"regexp/syntax"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/lakesql/duck"
	"github.com/brookmere/brookmere/internal/engine/lakesql/fault"
	"github.com/brookmere/brookmere/internal/engine/lakesql/javaregexp"
	"github.com/brookmere/brookmere/internal/engine/sql"
	"github.com/brookmere/brookmere/internal/engine/sql/types"
)

// maxPadded bounds what lpad and rpad make of one value.
const maxPadded = 64 << 20

// white is what trim takes away.
const white = "'\t\n\v\f\r\x1c\x1d\x1e\x1f \u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2008\u2009\u200a\u2028\u2029\u205f\u3000'"

// replacement turns Java's $1 into RE2's \1, of a replacement that is not constant.
const replacement = `regexp_replace(replace(%s, '\', '\\'), '\$(\d)', '\\\1', 'g')`

func stringFunctions() map[string]function {
	pad := func(name string) function {
		return function{result: "varchar", write: func(c *invocation) (string, *sql.Type) {
			length := "CASE WHEN $2 < 0 OR $2 > 2147483647 THEN " + duck.Raised("Target length must be in the range [0..2147483647]") + fmt.Sprintf(" WHEN $2 > %d THEN ", maxPadded) + memoryExceeded
			if types.Is(c.typ(0), "varbinary") {
				return c.fill("trino_pad_bytes('" + name + "', $1, " + length + " ELSE $2 END, $3)"), types.Varbinary
			}
			return c.fill(name + "($1, CAST(" + length + " ELSE $2 END AS INTEGER), CASE WHEN $3 = '' THEN " + duck.Raised("Padding string must not be empty") + " ELSE $3 END)"), nil
		}}
	}
	trim := func(name string) function {
		return function{result: "varchar1", write: func(c *invocation) (string, *sql.Type) {
			if len(c.args) == 1 { // white space, not the space alone
				return name + "(" + c.args[0] + ", " + white + ")", nil
			}
			return c.fill(name + "($*)"), nil
		}}
	}
	substr := function{result: "varchar1", write: func(c *invocation) (string, *sql.Type) {
		if types.Is(c.typ(0), "varbinary") {
			if len(c.args) == 2 {
				return c.fill("trino_substr_bytes($1, $2, 9223372036854775807)"), types.Varbinary
			}
			return c.fill("trino_substr_bytes($1, $2, $3)"), types.Varbinary
		}
		// A start of zero, or before the beginning, gives nothing in Trino.
		body := c.fill("substr($*)")
		if len(c.args) == 3 {
			if _, ok := c.exprs[2].(*sql.Number); !ok { // a length below zero is one to the left in DuckDB
				body = c.fill("substr($1, $2, greatest($3, 0))")
				body = c.fill("CASE WHEN $3 IS NOT NULL THEN ") + body + " END"
			}
		}
		if n, ok := c.exprs[1].(*sql.Number); ok && n.Text != "0" {
			return body, nil
		}
		return c.fill("CASE WHEN $2 = 0 OR $2 < -length($1) THEN CASE WHEN $1 IS NOT NULL THEN '' END ELSE ") + body + " END", nil
	}}
	entries := "list_transform(list_filter(string_split($1, $2), lambda __e: __e <> ''), lambda __e: struct_pack(key := CASE WHEN len(string_split(__e, $3)) = 2 THEN string_split(__e, $3)[1] ELSE __raise('INVALID_FUNCTION_ARGUMENT: Key-value delimiter must appear exactly once in each entry. Bad input: ''' || __e || '''') END, value := string_split(__e, $3)[2]))"
	return map[string]function{
		"length": {result: "bigint", write: func(c *invocation) (string, *sql.Type) {
			if types.Is(c.typ(0), "varbinary") {
				return c.fill("octet_length($1)"), nil
			}
			return c.fill("length($1)"), nil
		}},
		"lower": {template: "lower($1)", result: "1"}, "upper": {result: "1", // by code points, as Java's: of two letters there is no upper case
			template: "CASE WHEN contains($1, 'ß') THEN replace(upper(replace($1, 'ß', chr(57344))), chr(57344), 'ß') ELSE upper($1) END"},
		"trim": trim("trim"), "ltrim": trim("ltrim"), "rtrim": trim("rtrim"),
		"substr": substr, "substring": substr,
		"concat": {write: func(c *invocation) (string, *sql.Type) {
			typ := c.typ(0)
			for i := range c.args {
				if types.IsText(c.typ(i)) {
					typ = types.Varchar
				}
			}
			if types.IsText(typ) || types.Is(typ, "varbinary") {
				for _, t := range c.typs {
					if types.Apart(typ, t) {
						fault.Fail(c.at, "FUNCTION_NOT_FOUND", "Unexpected parameters (%s) for function concat. Expected: %s", c.typeNames(), expected(translations["concat"].Function))
					}
				}
			}
			text := c.args[0]
			for i := 1; i < len(c.args); i++ {
				text, typ = concatenate(c.at, text, c.args[i], typ, c.typ(i))
			}
			return text, typ
		}},
		"concat_ws": {result: "varchar", write: func(c *invocation) (string, *sql.Type) {
			if types.Is(c.typ(1), "array") {
				return "CASE WHEN " + c.args[0] + " IS NOT NULL THEN " + c.joined(c.fill("list_filter($2, lambda __e: __e IS NOT NULL)"), 0) + " END", nil
			}
			return c.fill("concat_ws($*)"), nil
		}},
		"split": {result: "[varchar1", write: func(c *invocation) (string, *sql.Type) {
			if len(c.args) == 2 {
				if d, ok := c.exprs[1].(*sql.String); ok && d.Value != "" {
					return c.fill("string_split($1, $2)"), nil
				}
				return c.fill("CASE WHEN $2 = '' THEN " + duck.Raised("The delimiter may not be the empty string") + " ELSE string_split($1, $2) END"), nil
			}
			return c.fill("CASE WHEN $3 <= 0 THEN "+duck.Raised("Limit must be positive")+" WHEN $3 > 2147483647 THEN "+duck.Raised("Limit is too large")+" WHEN $2 = '' THEN "+duck.Raised("The delimiter may not be the empty string")+" WHEN len(string_split($1, $2)) <= $3 THEN string_split($1, $2) ELSE list_append(string_split($1, $2)[1:$3 - 1], ") + c.joined(c.fill("string_split($1, $2)[$3:]"), 1) + ") END", nil
		}},
		"split_part":   {template: "CASE WHEN $2 IS NOT NULL THEN string_split($1, $2)[CASE WHEN $3 < 1 THEN __raise('INVALID_FUNCTION_ARGUMENT: Index must be greater than zero') ELSE $3 END] END", result: "varchar1"},
		"split_to_map": {result: "{varchar", template: "map_from_entries(" + entries + ")"},
		"split_to_multimap": {write: func(c *invocation) (string, *sql.Type) {
			return multimap(c.fill(entries)), types.MapOf(types.Varchar, types.ArrayOf(types.Varchar))
		}},
		"index": {result: "bigint", write: func(c *invocation) (string, *sql.Type) { return translations["strpos"].write(c) }},
		"strpos": {result: "bigint", write: func(c *invocation) (string, *sql.Type) {
			if len(c.args) == 3 {
				return c.fill("trino_strpos($*)"), nil
			}
			return c.fill("strpos($1, $2)"), nil
		}},
		"replace": {result: "varchar", write: func(c *invocation) (string, *sql.Type) {
			if len(c.args) == 2 {
				return c.fill("replace($1, $2, '')"), nil
			}
			if s, ok := c.exprs[1].(*sql.String); ok && s.Value != "" {
				return c.fill("replace($*)"), nil
			}
			// Nothing is before, between and after all characters.
			return c.fill("CASE WHEN $2 = '' AND $1 = '' THEN $3 WHEN $2 = '' THEN $3 || coalesce(array_to_string(list_transform(string_split($1, ''), lambda __e: __e || $3), ''), '') ELSE replace($*) END"), nil
		}},
		"lpad": pad("lpad"), "rpad": pad("rpad"),
		"starts_with": {template: "starts_with($*)", result: "boolean"}, "ends_with": {template: "ends_with($*)", result: "boolean"},
		"chr": {template: "chr(CAST($1 AS INTEGER))", result: "varchar"}, "codepoint": {template: "CAST(trino_codepoint($1) AS INTEGER)", result: "integer"},
		"levenshtein_distance": {template: "trino_levenshtein($*)", result: "bigint"},
		"hamming_distance":     {template: "trino_hamming($*)", result: "bigint"},
		"translate":            {template: "trino_translate($*)", result: "varchar"},
		"normalize": {result: "varchar", write: func(c *invocation) (string, *sql.Type) {
			if len(c.args) == 1 {
				return c.fill("nfc_normalize($1)"), nil
			}
			return c.fill("trino_normalize($1, $2)"), nil
		}},
		"soundex":    {template: "trino_soundex($1)", result: "varchar"},
		"luhn_check": {template: "trino_luhn_check($1)", result: "boolean"},
		"format": {result: "varchar", write: func(c *invocation) (string, *sql.Type) {
			kinds := make([]byte, 0, len(c.args))
			args := []string{c.args[0], ""}
			for i, a := range c.args[1:] {
				kind := byte('s')
				switch t := c.typ(i + 1); {
				case types.IsInteger(t):
					kind = 'i'
				case types.Is(t, "decimal"):
					kind = 'n'
				case types.Is(t, "double", "real"):
					kind = 'f'
				case types.Is(t, "boolean"):
					kind = 'b'
				case types.Is(t, "date", "timestamp", "timestamp with time zone"):
					kind, a = 'd', c.local(a, t)
				}
				kinds = append(kinds, kind)
				args = append(args, "CAST("+a+" AS VARCHAR)")
			}
			args[1] = duck.Quote(string(kinds))
			return "trino_format(" + strings.Join(args, ", ") + ")", nil
		}},
		"format_number":   {template: "trino_format_number(CAST($1 AS DOUBLE))", result: "varchar"},
		"parse_data_size": {template: "CAST(trino_data_size($1) AS DECIMAL(38,0))", result: "decimal38"},
		"reverse": {result: "1", write: func(c *invocation) (string, *sql.Type) {
			switch {
			case types.Is(c.typ(0), "array"):
				return c.fill("list_reverse($1)"), nil
			case types.Is(c.typ(0), "varbinary"):
				return c.fill("trino_reverse_bytes($1)"), nil
			}
			return c.fill("reverse($1)"), nil
		}},
		"url_encode":            {template: "trino_url_encode($1)", result: "varchar"},
		"url_decode":            {template: "trino_url_decode($1)", result: "varchar"},
		"url_extract_protocol":  {template: "trino_url_protocol($1)", result: "varchar1"},
		"url_extract_host":      {template: "trino_url_host($1)", result: "varchar1"},
		"url_extract_port":      {template: "trino_url_port($1)", result: "bigint"},
		"url_extract_path":      {template: "trino_url_path($1)", result: "varchar1"},
		"url_extract_query":     {template: "trino_url_query($1)", result: "varchar1"},
		"url_extract_fragment":  {template: "trino_url_fragment($1)", result: "varchar1"},
		"url_extract_parameter": {template: "trino_url_parameter($1, $2)", result: "varchar1"},
		"current_user":          {template: "'brookmere'", result: "varchar"},
		"current_catalog":       {result: "varchar", write: func(c *invocation) (string, *sql.Type) { return duck.Quote(c.catalogName()), nil }},
		"current_schema":        {result: "varchar", write: func(c *invocation) (string, *sql.Type) { return duck.Quote(c.database), nil }},
		"version":               {template: "'brookmere'", result: "varchar"},
	}
}

func regexpFunctions() map[string]function {
	return map[string]function{
		"regexp_like": {result: "boolean", write: func(c *invocation) (string, *sql.Type) {
			if re := c.beyond(never); re != nil {
				return "trino_regex_found(" + re.pattern + ", " + c.args[0] + ")", nil
			}
			p, _, _ := c.pattern(1)
			return "regexp_matches(" + c.args[0] + ", " + p + ")", nil
		}},
		"regexp_extract": {result: "varchar1", write: func(c *invocation) (string, *sql.Type) {
			grouped := never
			if len(c.args) == 3 {
				grouped = optional
			}
			if re := c.beyond(grouped); re != nil {
				return re.cut("%[1]s[2 + " + re.group() + "]"), nil
			}
			p, groups, _ := c.pattern(1)
			g := "0"
			if len(c.args) == 3 {
				g = c.group(2, groups)
			}
			return fmt.Sprintf("CASE WHEN regexp_matches(%s, %s) THEN regexp_extract(%[1]s, %[2]s, %[3]s) END", c.args[0], p, g), nil
		}},
		"regexp_extract_all": {result: "[varchar1", write: func(c *invocation) (string, *sql.Type) {
			grouped := javaregexp.MayBeEmpty
			if len(c.args) == 3 {
				grouped = optionalOrEmpty
			}
			if re := c.beyond(grouped); re != nil {
				return re.cut("list_transform(range(2 + " + re.group() + ", len(%[1]s), %[2]d), lambda %[3]s: %[1]s[%[3]s])"), nil
			}
			p, groups, _ := c.pattern(1)
			g := "0"
			if len(c.args) == 3 {
				g = c.group(2, groups)
			}
			return "regexp_extract_all(" + c.args[0] + ", " + p + ", " + g + ")", nil
		}},
		"regexp_count": {result: "bigint", write: func(c *invocation) (string, *sql.Type) {
			if re := c.beyond(javaregexp.MayBeEmpty); re != nil {
				return re.cut("len(%[1]s) // %[2]d"), nil
			}
			p, _, _ := c.pattern(1)
			return "len(regexp_extract_all(" + c.args[0] + ", " + p + "))", nil
		}},
		"regexp_split": {result: "[varchar1", write: func(c *invocation) (string, *sql.Type) {
			if re := c.beyond(looksBack); re != nil {
				return re.cut("list_transform(range(1, len(%[1]s) + 1, %[2]d), lambda %[3]s: %[1]s[%[3]s])"), nil
			}
			p, _, _ := c.pattern(1)
			return "string_split_regex(" + c.args[0] + ", " + p + ")", nil
		}},
		"regexp_position": {result: "integer", write: func(c *invocation) (string, *sql.Type) {
			start, n := "1", "1"
			checked := func(text string) string { return text }
			if len(c.args) > 2 {
				start = c.args[2]
				checked = func(text string) string {
					return "CASE WHEN " + start + " < 1 THEN " + duck.Raised("start position cannot be smaller than 1") + " ELSE " + text + " END"
				}
			}
			if len(c.args) > 3 {
				n = c.args[3]
				first := checked
				checked = func(text string) string {
					return first("CASE WHEN " + n + " < 1 THEN " + duck.Raised("occurrence cannot be smaller than 1") + " ELSE " + text + " END")
				}
			}
			if re := c.beyond(looksBack); re != nil {
				return checked("CAST(trino_regex_position(" + re.pattern + ", " + re.text + ", CAST(" + start + " AS BIGINT), CAST(" + n + " AS BIGINT)) AS INTEGER)"), nil
			}
			p, _, _ := c.pattern(1)
			// The text before the n-th match is what the parts and matches before it are long.
			rest := "substr(" + c.args[0] + ", " + start + ")"
			parts, matches := "string_split_regex("+rest+", "+p+")", "regexp_extract_all("+rest+", "+p+")"
			return checked(fmt.Sprintf("CAST(CASE WHEN %s IS NULL OR %s IS NULL THEN NULL WHEN len(%s) < %s THEN -1 ELSE %s + list_sum(list_transform(%s[1:%[4]s], lambda __e: length(__e))) + coalesce(list_sum(list_transform(%[3]s[1:%[4]s - 1], lambda __e: length(__e))), 0) END AS INTEGER)",
				c.args[0], p, matches, n, start, parts)), nil
		}},
		"regexp_replace": {result: "varchar", write: func(c *invocation) (string, *sql.Type) {
			needs := javaregexp.MayBeEmpty
			if len(c.args) == 3 {
				needs = never // of a replacement that is not constant
			}
			switch c.exprs[len(c.exprs)-1].(type) {
			case *sql.Lambda:
				needs = func(re *syntax.Regexp) bool { return optional(re) || looksBack(re) }
			case *sql.String: // RE2 has names for nine groups
				needs = func(re *syntax.Regexp) bool { return javaregexp.MayBeEmpty(re) || len(c.args) == 3 && re.MaxCap() > 9 }
			}
			if re := c.beyond(needs); re != nil {
				return c.replaceBeyond(re), nil
			}
			p, groups, names := c.pattern(1)
			to := "''"
			if len(c.args) == 3 {
				switch x := c.exprs[2].(type) {
				case *sql.Lambda:
					return c.replaceByLambda(p, groups), nil
				case *sql.String:
					to = stringLiteral(re2Replacement(javaReplacement(x.Position, x.Value, groups, names)))
				default:
					to = strings.ReplaceAll(replacement, "%s", c.args[2])
				}
			}
			return "regexp_replace(" + c.args[0] + ", " + p + ", " + to + ", 'g')", nil
		}},
	}
}

// replaceByLambda joins what is between the matches with what the lambda makes of them.
func (c *invocation) replaceByLambda(p string, groups int) string {
	if groups < 0 {
		fault.Fail(c.exprs[1].Pos(), "NOT_SUPPORTED", "Argument 2 of function regexp_replace must be a constant where argument 3 is a lambda expression")
	}
	z, q := c.fresh(), c.fresh()
	all, elements := []string{"regexp_extract_all(" + c.args[0] + ", " + p + ", 0)"}, make([]string, groups)
	for i := range groups {
		all = append(all, fmt.Sprintf("regexp_extract_all(%s, %s, %d)", c.args[0], p, i+1))
		elements[i] = fmt.Sprintf("%s[%d]", z, i+2)
	}
	body, _ := c.lambda(2, param{"[" + strings.Join(elements, ", ") + "]", types.ArrayOf(types.Varchar)})
	return fmt.Sprintf("CASE WHEN %s IS NOT NULL THEN array_to_string(list_transform(list_zip(string_split_regex(%[1]s, %s), list_transform(list_zip(%s), lambda %s: %s)), lambda %s: %[6]s[1] || coalesce(%[6]s[2], '')), '') END",
		c.args[0], p, strings.Join(all, ", "), z, body, q)
}

func binaryFunctions() map[string]function {
	bytes := func(template, result string) function {
		return function{template: template, result: result}
	}
	decode := func(encoding string) function {
		return function{result: "varbinary", write: func(c *invocation) (string, *sql.Type) {
			text := c.args[0]
			if types.Is(c.typ(0), "varbinary") {
				text = "decode(" + text + ")"
			}
			return "trino_decode('" + encoding + "', " + text + ")", nil
		}}
	}
	hmac := func(name string) function {
		return function{template: "trino_hmac('" + name + "', $1, $2)", result: "varbinary"}
	}
	return map[string]function{
		"md5": bytes("unhex(md5($1))", "varbinary"), "sha1": bytes("unhex(sha1($1))", "varbinary"), "sha256": bytes("unhex(sha256($1))", "varbinary"),
		"sha512": bytes("trino_hash('sha512', $1)", "varbinary"), "xxhash64": bytes("trino_hash('xxhash64', $1)", "varbinary"), "crc32": bytes("trino_crc32($1)", "bigint"),
		"hmac_md5": hmac("md5"), "hmac_sha1": hmac("sha1"), "hmac_sha256": hmac("sha256"), "hmac_sha512": hmac("sha512"),
		"to_hex": bytes("hex($1)", "varchar"), "from_hex": decode("hex"), "to_base64": bytes("base64($1)", "varchar"), "from_base64": decode("base64"),
		"to_base64url": bytes("trino_encode('base64url', $1)", "varchar"), "from_base64url": decode("base64url"),
		"to_base32": bytes("trino_encode('base32', $1)", "varchar"), "from_base32": decode("base32"),
		"to_utf8": {template: "encode($1)", result: "varbinary"},
		"from_utf8": {result: "varchar", write: func(c *invocation) (string, *sql.Type) {
			if len(c.args) == 1 {
				return c.fill("trino_from_utf8($1, chr(65533))"), nil
			}
			if types.IsInteger(c.typ(1)) {
				return c.fill("trino_from_utf8($1, chr(CAST($2 AS INTEGER)))"), nil
			}
			return c.fill("trino_from_utf8($1, $2)"), nil
		}},
		"to_big_endian_32":   {template: "trino_pack('32', $1)", result: "varbinary"},
		"to_big_endian_64":   {template: "trino_pack('64', $1)", result: "varbinary"},
		"from_big_endian_32": bytes("CAST(trino_unpack('32', $1) AS INTEGER)", "integer"), "from_big_endian_64": bytes("trino_unpack('64', $1)", "bigint"),
		"to_ieee754_32":   {template: "trino_pack_float('32', CAST($1 AS DOUBLE))", result: "varbinary"},
		"to_ieee754_64":   {template: "trino_pack_float('64', CAST($1 AS DOUBLE))", result: "varbinary"},
		"from_ieee754_32": bytes("CAST(trino_unpack_float('32', $1) AS FLOAT)", "real"), "from_ieee754_64": bytes("trino_unpack_float('64', $1)", "double"),
	}
}
