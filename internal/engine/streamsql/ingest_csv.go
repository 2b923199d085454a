package streamsql

import (
	"encoding/base64"
	"strings"
)

// csv reads the rows of a record.
func (d *recordDecoder) csv(data []byte, row []value, now int64) {
	s := view(data)
	for s != "" {
		start := s
		n := 0
		var err *rowError
		column := 0
		for i := range row[:len(d.types)] {
			row[i] = null
		}
		done := false
		for !done {
			var field string
			quoted := false
			if strings.HasPrefix(s, `"`) {
				field, n, quoted = quotedField(s)
			}
			if quoted {
				s = s[n:]
			} else {
				end := len(s)
				if i := strings.Index(s, d.rowEnd); i >= 0 {
					end = i
				}
				if i := strings.Index(s[:end], d.colEnd); i >= 0 {
					end = i
				}
				field, s = s[:end], s[end:]
			}
			switch {
			case strings.HasPrefix(s, d.colEnd) && s != "":
				s = s[len(d.colEnd):]
			case strings.HasPrefix(s, d.rowEnd) && s != "":
				s = s[len(d.rowEnd):]
				done = true
			default:
				if s != "" { // text behind a closing quote
					field += s[:1]
					s = s[1:]
				}
				done = s == ""
			}
			if done && d.rowEnd == "\n" {
				field = strings.TrimSuffix(field, "\r")
			}
			if column < len(d.types) && err == nil {
				t := d.types[column]
				switch {
				case t.isString():
					row[column] = value{s: fit(field, t)}
				case strings.TrimSpace(field) == "":
				case t.Kind == Varbinary:
					raw, e := base64.StdEncoding.DecodeString(field)
					if e != nil {
						err = &rowError{errorInvalidValue, "the text is not base64"}
					}
					row[column] = value{s: string(raw)}
				default:
					row[column], err = parse(field, t)
				}
				if err != nil {
					err = named(err, d.schema.Columns[column].Name)
				}
			}
			column++
		}
		line := start[:len(start)-len(s)]
		switch {
		case column == 1 && strings.TrimSpace(line) == "":
		case err != nil:
			d.fail(err, []byte(line))
		default:
			d.out.push(now, row)
		}
	}
}

// quotedField reads a field in double quotes; n is how many bytes it takes.
func quotedField(s string) (field string, n int, ok bool) {
	for i := 1; i < len(s); i++ {
		if s[i] != '"' {
			continue
		}
		if i+1 < len(s) && s[i+1] == '"' {
			i++
			continue
		}
		return strings.ReplaceAll(s[1:i], `""`, `"`), i + 1, true
	}
	return "", 0, false
}
