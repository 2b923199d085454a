package glue

import (
	"context"
	"errors"
)

func (r *jobRunning) script(ctx context.Context) error {
	return errors.New("this version runs visual jobs alone, no scripts")
}
