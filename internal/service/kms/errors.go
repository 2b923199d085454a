package kms

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/brookmere/brookmere/internal/awswire"
)

func disabled(k *keyDoc) error {
	return &types.DisabledException{Message: message("%s is disabled.", k.arn())}
}

func message(format string, args ...any) *string {
	m := fmt.Sprintf(format, args...)
	return &m
}

func notFound(format string, args ...any) error {
	return &types.NotFoundException{Message: message(format, args...)}
}

func noKey(arn string) error { return notFound("Key '%s' does not exist", arn) }

func invalid(format string, args ...any) error {
	return awswire.Errorf("ValidationException", format, args...)
}

func unsupported(format string, args ...any) error {
	return &types.UnsupportedOperationException{Message: message(format, args...)}
}

func accessDenied(format string, args ...any) error {
	return awswire.Errorf("AccessDeniedException", format, args...)
}

func wrongState(format string, args ...any) error {
	return &types.KMSInvalidStateException{Message: message(format, args...)}
}

func wrongUsage(format string, args ...any) error {
	return &types.InvalidKeyUsageException{Message: message(format, args...)}
}

var (
	errCiphertext = &types.InvalidCiphertextException{}
	errOtherKey   = &types.IncorrectKeyException{Message: message("The key ID in the request does not identify a CMK that can perform this operation.")}
	errUnreadable = accessDenied("The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access.")
	errDryRun     = &types.DryRunOperationException{Message: message("The request would have succeeded, but the DryRun option is set.")}
	errMarker     = &types.InvalidMarkerException{Message: message("Could not deserialize marker")}
)
