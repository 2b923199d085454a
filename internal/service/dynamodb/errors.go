package dynamodb

import (
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/itemstore"
	"github.com/brookmere/brookmere/internal/engine/itemstore/attr"
	"github.com/brookmere/brookmere/internal/engine/itemstore/expr"
)

func invalid(format string, args ...any) error { return awswire.Validationf(format, args...) }

// invalidValue is an error about the value of a parameter.
func invalidValue(format string, args ...any) error {
	return invalid("One or more parameter values were invalid: "+format, args...)
}

// constraint is an error of the form that the API's model has for its members.
func constraint(value, path, rule string) error {
	return invalid("1 validation error detected: Value %sat '%s' failed to satisfy constraint: %s", value, path, rule)
}

// tableUnknown is what operations on items say.
func tableUnknown() error {
	return &types.ResourceNotFoundException{Message: aws.String("Requested resource not found")}
}

// noTable is what operations on tables say.
func noTable(name string) error {
	return &types.ResourceNotFoundException{Message: aws.String("Requested resource not found: Table: " + name + " not found")}
}

func inUse(format string, args ...any) error {
	return &types.ResourceInUseException{Message: aws.String(fmt.Sprintf(format, args...))}
}

func vectorIndexes() error {
	return unsupported("A vector index is not supported by Brookmere: use global secondary indexes, or search what is exported to S3.")
}

func unsupported(format string, args ...any) error {
	return awswire.Errorf("UnsupportedOperationException", format, args...)
}

const keySchemaMismatch = "The provided key element does not match the schema"

// expression words what is wrong with an expression that a parameter has.
func expression(parameter string, err error) error {
	var e *expr.Error
	if errors.As(err, &e) {
		return invalid("Invalid %s: %s", parameter, e.Message)
	}
	return err
}

// sizedExpression is expression for the operations that tell the size of an expression
// that is too large.
func sizedExpression(parameter string, err error) error {
	var e *expr.Error
	if errors.As(err, &e) && e.Size > 0 {
		return invalid("Invalid %s: %s; expression size: %d", parameter, e.Message, e.Size)
	}
	return expression(parameter, err)
}

// updateFailed words what an item did to an update.
func updateFailed(err error) error {
	switch {
	case errors.Is(err, expr.ErrMissing):
		return invalid("The provided expression refers to an attribute that does not exist in the item")
	case errors.Is(err, expr.ErrOperandType):
		return invalid("An operand in the update expression has an incorrect data type")
	case errors.Is(err, expr.ErrPath):
		return invalid("The document path provided in the update expression is invalid for update")
	case errors.Is(err, attr.ErrPrecision): // a sum is told so as one that is too large
		err = attr.ErrOverflow
	}
	return numberError("", err)
}

// numberError words what is wrong with a number.
func numberError(text string, err error) error {
	switch {
	case errors.Is(err, attr.ErrNotNumber):
		if text == "" {
			return invalid("The parameter cannot be converted to a numeric value")
		}
		return invalid("The parameter cannot be converted to a numeric value: %s", text)
	case errors.Is(err, attr.ErrOverflow):
		return invalid("Number overflow. Attempting to store a number with magnitude larger than supported range")
	case errors.Is(err, attr.ErrUnderflow):
		return invalid("Number underflow. Attempting to store a number with magnitude smaller than supported range")
	case errors.Is(err, attr.ErrPrecision):
		return invalid("Attempting to store more than 38 significant digits in a Number")
	}
	return err
}

// storeError words what the item store says.
func storeError(err error) error {
	switch {
	case errors.Is(err, itemstore.ErrFull):
		return &types.InternalServerError{Message: aws.String("The disk is full")}
	case errors.Is(err, itemstore.ErrDropped):
		return tableUnknown()
	case errors.Is(err, itemstore.ErrConflict):
		return &types.TransactionConflictException{Message: aws.String("Transaction is ongoing for the item")}
	}
	return err
}
