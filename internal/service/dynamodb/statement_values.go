package dynamodb

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/awswire/scan"
	"github.com/brookmere/brookmere/internal/engine/itemstore/attr"
)

// This file: the values of the question marks of statements. AWS tells what is wrong with
// the first of them in the order of the request, within maps too, where other operations
// have an order of their own.

// statementValues reads the values of a statement's question marks; w is where they are
// written.
func statementValues(parameters []types.AttributeValue, w written) (values []attr.Value, err error) {
	for i, v := range parameters {
		x, err := fromSDKAt(v, 0, maxDepth+1)
		if err != nil {
			if first := w.firstWrong(i, v); first != nil {
				err = first
			}
			return nil, older(err)
		}
		values = append(values, x)
	}
	return values, nil
}

// written is where the parameters of a statement are in the JSON of a request.
type written struct {
	body []byte // nil: not known
	list string // the member that has the statements; empty: the request is one
	i    int    // which of them
}

func writtenIn(ctx context.Context, list string, i int) written {
	return written{awswire.RequestJSON(ctx), list, i}
}

// firstWrong is what is wrong with the first of the wrong values in v, parameter k, in the
// order of the JSON that it was read from; nil if none is found there.
func (w written) firstWrong(k int, v types.AttributeValue) (err error) {
	d := &scanner{JSON: scan.JSON{Data: w.body}}
	statement := func() bool {
		return d.member("Parameters", func() bool {
			return d.element(k, func() bool {
				err = d.firstWrong(v, 0, maxDepth+1)
				return false
			})
		})
	}
	if w.list == "" {
		statement()
	} else {
		d.member(w.list, func() bool { return d.element(w.i, statement) })
	}
	return err
}

// member reads an object, one member of it with f. Where f is false the reading ends.
func (d *scanner) member(name string, f func() bool) bool {
	return d.object(func(n []byte) bool {
		if string(n) == name {
			return f()
		}
		return d.Skip() == nil
	})
}

// element reads an array, one element of it with f. Where f is false the reading ends.
func (d *scanner) element(i int, f func() bool) bool {
	n := -1
	return d.array(func() bool {
		if n++; n == i {
			return f()
		}
		return d.Skip() == nil
	})
}

// firstWrong reads the JSON of v up to the first value that is wrong and returns what is
// wrong with it.
func (d *scanner) firstWrong(v types.AttributeValue, depth, most int) (err error) {
	switch v := v.(type) {
	case *types.AttributeValueMemberL:
		if depth++; depth > most {
			return refusedValue(tooDeep)
		}
		d.member("L", func() bool {
			i := -1
			return d.array(func() bool {
				if i++; i < len(v.Value) {
					err = d.firstWrong(v.Value[i], depth, most)
				}
				return i < len(v.Value) && err == nil
			})
		})
	case *types.AttributeValueMemberM:
		if depth++; depth > most {
			return refusedValue(tooDeep)
		}
		d.member("M", func() bool {
			return d.object(func(b []byte) bool {
				name := string(b)
				e, ok := v.Value[name]
				wrong := wrongName(name)
				switch {
				case wrong != "":
					err = refusedValue(wrong)
				case ok:
					err = d.firstWrong(e, depth, most)
				default:
					return d.Skip() == nil
				}
				return err == nil
			})
		})
	default:
		if _, err = fromSDKAt(v, depth, most); err == nil {
			_ = d.Skip() // what cannot be read ends the reading at the next value
		}
	}
	return err
}
