package expr

import (
	"strconv"

	"github.com/brookmere/brookmere/internal/engine/itemstore/attr"
)

// What DynamoDB counts for the parts of an UpdateItem's expression, in bytes, as measured by
// others at the limit of an item's size. A path that is changed counts its first name, and for
// each further element laterElement and its name or the digits of its index.
const (
	chargeUpdate   = 3
	chargeWrite    = 19 // of SET and ADD
	chargeRemove   = 1  // of REMOVE and DELETE, which do not count what they take away
	laterElement   = 4
	chargeOperand  = 1 // of a path that is read, whose value does not count
	operandElement = 14
)

var chargeOf = map[string]int{"+": 34, "-": 37, "list_append": 37, "if_not_exists": 39}

// Charge is the bytes that DynamoDB counts for the update itself, whatever the item: they are
// limited as an item's size is.
func (u *Update) Charge() int {
	n := chargeUpdate
	for _, a := range u.actions {
		for i, e := range a.path {
			if i > 0 {
				n += laterElement
			}
			n += e.length()
		}
		switch a.section {
		case "SET":
			n += chargeWrite + a.value.charge()
		case "ADD":
			n += chargeWrite + attr.ValueSize(a.operand)
		default:
			n += chargeRemove
		}
	}
	return n
}

func (t *term) charge() int {
	switch {
	case t.op != "":
		n := chargeOf[t.op]
		for _, x := range t.args {
			n += x.charge()
		}
		return n
	case t.val != nil:
		return attr.ValueSize(t.val)
	}
	n := chargeOperand
	for _, e := range t.path {
		n += operandElement + e.length()
	}
	return n
}

func (e Element) length() int {
	if e.list {
		return len(strconv.Itoa(e.Index))
	}
	return len(e.Name)
}
