package cloudwatch

import (
	"errors"

	"github.com/brookmere/brookmere/internal/engine/metricmath"
)

// band is not there yet.
func (e *evaluation) band(*query, float64) (lower, upper metricmath.Series, bad, err error) {
	return lower, upper, errors.New("the function ANOMALY_DETECTION_BAND is not supported"), nil
}
