package geometry

import (
	"math"

	"github.com/peterstace/simplefeatures/geom"
)

// SphericalArea is the square metres of polygons on the Earth, whose sides are arcs of great circles;
// false if there are none.
func (s *Shape) SphericalArea() (float64, bool, error) {
	if s.IsEmpty() {
		return 0, false, nil
	}
	if err := s.onEarth("ST_Area", "POLYGON or MULTI_POLYGON", "POLYGON", "MULTI_POLYGON"); err != nil {
		return 0, false, err
	}
	sum := 0.0
	for _, part := range parts(s.g) {
		for i, ring := range part.MustAsPolygon().DumpRings() {
			excess, err := sphericalExcess(coordinates(ring.AsGeometry(), nil))
			if err != nil {
				return 0, false, err
			}
			if i > 0 {
				excess = -excess
			}
			sum += excess
		}
	}
	const metres = earthRadiusKM * 1000
	return math.Abs(sum) * metres * metres, true, nil
}

// sphericalExcess is the area of a ring on the unit sphere: the sum of those between its sides and the
// equator, or the rest of the hemisphere where it goes around a pole.
func sphericalExcess(ring []geom.XY) (float64, error) {
	if len(ring) < 4 {
		return 0, refused("Polygon is not valid: a loop contains less then 3 vertices.")
	}
	sum, around := 0.0, 0.0
	for i := 1; i < len(ring); i++ {
		if ring[i] == ring[i-1] {
			return 0, refused("Polygon is not valid: it has two identical consecutive vertices")
		}
		turn := math.Remainder((ring[i].X-ring[i-1].X)*math.Pi/180, 2*math.Pi)
		t1, t2 := math.Tan(ring[i-1].Y*math.Pi/360), math.Tan(ring[i].Y*math.Pi/360)
		sum += 2 * math.Atan2(math.Tan(turn/2)*(t1+t2), 1+t1*t2)
		around += turn
	}
	sum = math.Abs(sum)
	if math.Abs(around) > math.Pi {
		sum = 2*math.Pi - sum
	}
	return math.Abs(sum), nil
}
