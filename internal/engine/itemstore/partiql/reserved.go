package partiql

import "strings"

// reservedWords are those of SQL that a name can be only in quotes where it follows a dot.
const reservedWords = ` absolute action add all allocate alter and any are as asc assertion at authorization avg
begin between bit bit_length by cascade cascaded case cast catalog char character character_length char_length
check close coalesce collate collation column commit connect connection constraint constraints continue convert
corresponding count create cross current current_date current_time current_timestamp current_user cursor date
deallocate dec decimal declare default deferrable deferred delete desc describe descriptor diagnostics disconnect
distinct domain double drop else end escape except exception exec execute exists external extract false fetch first
float for foreign found from full get global go goto grant group having identity immediate in indicator initially
inner input insensitive insert int integer intersect interval into is isolation join key language last left level
like local lower match max min module names national natural nchar next no not null nullif numeric octet_length of
on only open option or order outer output overlaps pad partial position precision prepare preserve primary prior
privileges procedure public read real references relative restrict revoke right rollback rows schema scroll section
select session session_user set size smallint some space sql sqlcode sqlerror sqlstate substring sum system_user
table temporary then time timestamp to transaction translate translation trim true union unique unknown update upper
usage user using value values varchar varying view when whenever where with work write zone `

var isReserved = func() map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(reservedWords) {
		m[w] = true
	}
	return m
}()

func reserved(word string) bool { return isReserved[strings.ToLower(word)] }

// misplaced says what is wrong with a word that is where an operand should be; nil if it can
// be one.
func misplaced(t token) *Error {
	if t.kind != word {
		return nil
	}
	switch strings.ToUpper(t.text) {
	case "AND", "OR", "IS", "LIKE", "IN", "BETWEEN":
		return malformed("Unexpected operator")
	case "SELECT", "FROM", "WHERE", "ORDER", "GROUP", "BY", "HAVING", "INSERT", "INTO", "UPDATE", "DELETE", "SET", "VALUES", "AS", "ASC", "DESC", "UNION", "JOIN":
		return malformed("Unexpected keyword")
	}
	return nil
}

// types are the values that have a type of SQL, by the names of DynamoDB's types. Those
// of no attribute are not here.
var types = map[string][]string{
	"BOOL": {"BOOL"}, "BOOLEAN": {"BOOL"}, "NULL": {"NULL"}, "MISSING": nil,
	"SMALLINT": {"N"}, "INT": {"N"}, "INT4": {"N"}, "INT8": {"N"}, "INTEGER": {"N"}, "FLOAT": {"N"}, "REAL": {"N"}, "DOUBLE PRECISION": {"N"}, "DECIMAL": {"N"}, "NUMERIC": {"N"},
	"STRING": {"S"}, "CHAR": {"S"}, "CHARACTER": {"S"}, "CHARACTER VARYING": {"S"}, "VARCHAR": {"S"},
	"BLOB": {"B"}, "LIST": {"L"}, "STRUCT": {"M"}, "TUPLE": {"M"}, "BAG": {"SS", "NS", "BS"},
}

// typeName reads the name of a type, in capitals.
func (p *parser) typeName() (string, *Error) {
	if p.peek().kind == word {
		name := strings.ToUpper(p.peek().text)
		if two := name + " " + strings.ToUpper(p.t[p.at+1].text); p.t[p.at+1].kind == word {
			if _, ok := types[two]; ok {
				p.at += 2
				return two, nil
			}
		}
		if _, ok := types[name]; ok {
			p.at++
			return name, nil
		}
	}
	return "", malformed("Expected type name")
}
