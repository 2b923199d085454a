package kinesisanalytics

import (
	"github.com/brookmere/brookmere/internal/awswire"
)

// Both versions of the API have these errors by the same names, so they are made by their codes.

func notFound(name string) error {
	return awswire.Errorf("ResourceNotFoundException", "Application %s not found.", name)
}

func noPart(kind, id string) error {
	return awswire.Errorf("ResourceNotFoundException", "%s %s not found.", kind, id)
}

func exists(name string) error {
	return awswire.Errorf("ResourceInUseException", "Application with name: %s already exists.", name)
}

func inUse(name, status, wanted string) error {
	return awswire.Errorf("ResourceInUseException", "Application %s is in the state %s. It has to be %s for this operation.", name, status, wanted)
}

func stale(name string, given, current int64) error {
	return awswire.Errorf("ConcurrentModificationException", "Application version Id %d does not match the current version %d of application %s.", given, current, name)
}

func invalid(format string, args ...any) error {
	return awswire.Errorf("InvalidArgumentException", format, args...)
}

func badConfiguration(format string, args ...any) error {
	return awswire.Errorf("InvalidApplicationConfigurationException", format, args...)
}

func badCode(err error) error {
	return awswire.Errorf("CodeValidationException", "SQL error: %s", err)
}

func limitExceeded(format string, args ...any) error {
	return awswire.Errorf("LimitExceededException", format, args...)
}

func unsupported(format string, args ...any) error {
	return awswire.Errorf("UnsupportedOperationException", format+" not supported by Brookmere.", args...)
}

func tooManyTags() error {
	return awswire.Errorf("TooManyTagsException", "An application can have at most %d tags.", maxTags)
}
