package athena

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/athena/types"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/lakesql"
)

// How failures are worded: the errors of calls, and the reasons, categories and types of
// statements that failed.

// failure is a statement that failed, in Athena's words.
type failure struct {
	reason   string
	category int32
}

func (f *failure) Error() string { return f.reason }

func failf(format string, args ...any) error {
	return &failure{fmt.Sprintf(format, args...), userError}
}

// accessDenied is the code of a call to the catalog that the caller of a statement may not make.
const accessDenied = "AccessDeniedException"

// deniedInDDL is such a call of a statement that runs on Hive.
type deniedInDDL struct{ error }

func (d *deniedInDDL) Unwrap() error { return d.error }

// errCutoff is a query that would read more than its workgroup allows.
var errCutoff = errors.New("Bytes scanned limit was exceeded") //lint:ignore ST1005 it is Athena's text

// exhausted is how Athena says that a statement needs more memory than it may have.
const exhausted = "Query exhausted resources at this scale factor"

// reason words an error for StateChangeReason. What is nobody's mistake is logged, and its
// text, which may name what is inside of the node, is not shown.
func (s *Service) reason(ctx context.Context, d *executionDoc, err error) (string, int32) {
	var f *failure
	var q *lakesql.Error
	switch {
	case errors.As(err, &f):
		return f.reason, f.category
	case errors.As(err, &q):
		switch {
		case q.Name == "EXCEEDED_LOCAL_MEMORY_LIMIT":
			return exhausted, userError
		case strings.HasPrefix(q.Name, "GENERIC_INTERNAL"):
			s.logger.Error("query failed", "query", d.ID, "error", err)
			return q.Error(), systemError
		}
		return q.Error(), userError
	}
	var api interface {
		ErrorCode() string
		ErrorMessage() string
	}
	if errors.As(err, &api) {
		switch api.ErrorCode() {
		case "NoSuchBucket":
			return "The S3 location provided to save your query results is invalid. Please check your S3 location is correct and is in the same region and try again. If you continue to see the issue, contact customer support for further assistance.", userError
		case "AccessDenied":
			return "Access denied when writing output to url: " + d.Output + " . Please ensure you are allowed to access the S3 bucket.", userError
		case accessDenied:
			text := catalogError(api.ErrorMessage(), api.ErrorCode(), awswire.CallerFrom(ctx).RequestID)
			if _, ok := errors.AsType[*deniedInDDL](err); ok {
				text = ddlTask + "MetaException(message:" + text + ")"
			}
			return text, userError
		case "InternalError", "InternalFailure", "InternalServiceException", "InternalServerException":
			s.logger.Error("query failed", "query", d.ID, "error", err)
			return internalError, systemError
		}
		return api.ErrorMessage(), userError
	}
	s.logger.Error("query failed", "query", d.ID, "error", err)
	return internalError, systemError
}

// catalogError words an error of the catalog as the client by which Athena calls it does.
func catalogError(message, code, request string) string {
	return fmt.Sprintf("%s (Service: AmazonDataCatalog; Status Code: 400; Error Code: %s; Request ID: %s; Proxy: null)", message, code, request)
}

// internalError is the reason of a failure that is not a mistake in the statement.
const internalError = "GENERIC_INTERNAL_ERROR: The query could not be run because of an internal error."

// errorTypes are the types of user errors in Athena's error reference, by the names that their
// reasons begin with.
var errorTypes = map[string]int32{
	"DIVISION_BY_ZERO": 1001, "HIVE_BAD_DATA": 1001, "HIVE_CURSOR_ERROR": 1001, "NUMERIC_VALUE_OUT_OF_RANGE": 1001, "HIVE_PARTITION_SCHEMA_MISMATCH": 1004,
	"TYPE_MISMATCH": 1002, "HIVE_INVALID_METADATA": 1004, "INVALID_TABLE_PROPERTY": 1103,
	"COLUMN_NOT_FOUND": 1006, "CATALOG_NOT_FOUND": 1006, "SYNTAX_ERROR": 1006,
	"INVALID_CAST_ARGUMENT": 1100, "INVALID_FUNCTION_ARGUMENT": 1106, "INVALID_VIEW": 1107, "VIEW_IS_RECURSIVE": 1107,
	"NOT_SUPPORTED": 1200, "TABLE_NOT_FOUND": 1301, "SCHEMA_NOT_FOUND": 1301, "HIVE_CANNOT_OPEN_SPLIT": 1302, "FUNCTION_NOT_FOUND": 1303,
	"HIVE_FILESYSTEM_ERROR": 1306, "Permission denied on S3 path": 1501, "Access denied when writing output to url": 1501,
	"The S3 location provided to save your query results is invalid. Please check your S3 location is correct and is in the same region and try again. If you continue to see the issue, contact customer support for further assistance.": 1306,
	exhausted: 0,
}

// errorType is Athena's type of an error.
func errorType(category int32, reason string) int32 {
	if category != userError {
		return 200
	}
	name, _, _ := strings.Cut(reason, ":")
	if t, ok := errorTypes[name]; ok {
		return t
	}
	switch {
	case strings.Contains(reason, "Error Code: "+accessDenied+";"):
		return 1501
	case strings.HasPrefix(reason, ddlTask):
		return 1100
	case strings.HasPrefix(reason, "FAILED: SemanticException"):
		return 1006
	}
	return 1000
}

// message is the text of an AWS error.
func message(err error) string {
	var api interface{ ErrorMessage() string }
	if errors.As(err, &api) {
		return api.ErrorMessage()
	}
	return err.Error()
}

// invalidRequest refuses a call; of no code, with that of bad input.
func invalidRequest(code, format string, args ...any) error {
	if code == "" {
		code = "INVALID_INPUT"
	}
	return &types.InvalidRequestException{Message: aws.String(fmt.Sprintf(format, args...)), AthenaErrorCode: aws.String(code)}
}

func executionNotFound(id string) error {
	return invalidRequest("QUERY_EXECUTION_NOT_FOUND", "QueryExecution %s was not found", id)
}
