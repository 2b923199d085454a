package geometry

import (
	"math"

	"github.com/peterstace/simplefeatures/geom"
)

// Tiles around a place, and those that a geometry lies in.

const (
	earthRadiusKM = 6371.01
	maxRadius     = 1000      // kilometres
	maxTiles      = 1_000_000 // that a circle or a rectangle is made of
	maxTileTests  = 25_000_000
)

// TilesAround are the tile of a place and those next to it, column by column.
func TilesAround(latitude, longitude float64, zoom int64) ([]Tile, error) {
	center, err := TileAt(latitude, longitude, zoom)
	if err != nil {
		return nil, err
	}
	var out []Tile
	for x := center.X - 1; x <= center.X+1; x++ {
		for y := center.Y - 1; y <= center.Y+1; y++ {
			if t, err := TileOf(int64(x), int64(y), zoom); err == nil {
				out = append(out, t)
			}
		}
	}
	return out, nil
}

// TilesWithin are the tiles that a circle on the Earth lies in: first the row and the column of its
// middle, then its quarters, on the right and on the left, from the outside to the middle.
func TilesWithin(latitude, longitude float64, zoom int64, km float64) ([]Tile, error) {
	center, err := TileAt(latitude, longitude, zoom)
	switch {
	case err != nil:
		return nil, err
	case !(km >= 0):
		return nil, refused("Radius must be >= 0")
	case km > maxRadius:
		return nil, refused("Radius must be <= 1,000 km")
	}
	share := km / earthRadiusKM
	sin, cos := math.Sincos(latitude * math.Pi / 180)
	toward := func(sign float64) float64 { // the latitude of the circle's top or bottom
		d := math.Asin(sin*math.Cos(share)+sign*cos*math.Sin(share)) * 180 / math.Pi
		return min(max(d, -maxLatitude), maxLatitude)
	}
	aside := func(sign float64) float64 { // the longitude of its right or left end
		d := longitude + sign*math.Atan2(math.Sin(share)*cos, math.Cos(share)-sin*sin)*180/math.Pi
		switch {
		case d > maxLongitude:
			return d - 2*maxLongitude
		case d < -maxLongitude:
			return d + 2*maxLongitude
		}
		return d
	}
	var ends [4]Tile
	for i, at := range [][2]float64{{toward(1), longitude}, {toward(-1), longitude}, {latitude, aside(-1)}, {latitude, aside(1)}} {
		if ends[i], err = TileAt(at[0], at[1], zoom); err != nil {
			return nil, err
		}
	}
	top, bottom, left, right := ends[0].Y, ends[1].Y, ends[2].X, ends[3].X
	count := 1 << zoom
	wide := right - left + 1
	if wide <= 0 { // over the 180th meridian
		wide += count
	}
	if wide*(bottom-top+1) > maxTiles {
		return nil, refused("The number of input tiles is too large (more than 1M) to compute a set of covering Bing tiles.")
	}
	tile := func(x, y int) Tile { return Tile{x, y, int(zoom)} }
	var out []Tile
	for i := range wide {
		out = append(out, tile((left+i)%count, center.Y))
	}
	for y := top; y <= bottom; y++ {
		if y != center.Y {
			out = append(out, tile(center.X, y))
		}
	}
	inside := func(x, y int) bool { // of a corner
		lon, lat := cornerOf(x, y, int(zoom))
		d, err := GreatCircle(latitude, longitude, lat, lon)
		return err == nil && d <= km
	}
	side := func(from, step, corner int) {
		for x := from; x != center.X; x = (x + step + count) % count {
			in := false
			for y := top; y < center.Y; y++ {
				if in = in || inside(x+corner, y+1); in {
					out = append(out, tile(x, y))
				}
			}
			in = false
			for y := bottom; y > center.Y; y-- {
				if in = in || inside(x+corner, y); in {
					out = append(out, tile(x, y))
				}
			}
		}
	}
	side(right, -1, 0)
	side(left, 1, 1)
	return out, nil
}

// Tiles are the tiles of a zoom level that a geometry lies in, column by column.
func (s *Shape) Tiles(zoom int64) ([]Tile, error) {
	if err := checkZoom(zoom); err != nil {
		return nil, err
	}
	x0, y0, x1, y1, ok := s.Bounds()
	if !ok {
		return nil, nil
	}
	if y0 < -maxLatitude || y1 > maxLatitude {
		return nil, refused("Latitude span for the geometry must be in [-85.05, 85.05] range")
	}
	if x0 < -maxLongitude || x1 > maxLongitude {
		return nil, refused("Longitude span for the geometry must be in [-180.00, 180.00] range")
	}
	first, err := TileAt(y1, x0, zoom)
	if err != nil {
		return nil, err
	}
	last, err := TileAt(y0, x1, zoom)
	if err != nil {
		return nil, err
	}
	// What only touches the next tile is not in it.
	if lon, lat := cornerOf(last.X, last.Y, last.Zoom); lon == x1 && last.X > first.X || lat == y0 && last.Y > first.Y {
		if lon == x1 && last.X > first.X {
			last.X--
		}
		if lat == y0 && last.Y > first.Y {
			last.Y--
		}
	}
	whole := s.g.IsPoint() || s.isRectangle()
	count := (last.X - first.X + 1) * (last.Y - first.Y + 1)
	switch {
	case whole && count > maxTiles:
		return nil, refused("The number of input tiles is too large (more than 1M) to compute a set of covering Bing tiles.")
	case !whole && float64(count)*float64(numPoints(s.g, true)) > maxTileTests:
		return nil, refused("The zoom level is too high or the geometry is too complex to compute a set of covering Bing tiles. " +
			"Please use a lower zoom level or convert the geometry to its bounding box using the ST_Envelope function.")
	}
	var out []Tile
	for x := first.X; x <= last.X; x++ {
		for y := first.Y; y <= last.Y; y++ {
			t := Tile{x, y, int(zoom)}
			if !whole {
				if meets, err := Intersects(t.Polygon(), s); err != nil {
					return nil, err
				} else if !meets {
					continue
				}
			}
			out = append(out, t)
		}
	}
	return out, nil
}

// isRectangle reports whether it is the rectangle around it.
func (s *Shape) isRectangle() bool {
	if !s.g.IsPolygon() {
		return false
	}
	p := s.g.MustAsPolygon()
	return p.NumInteriorRings() == 0 && p.ExteriorRing().Coordinates().Length() == 5 && s.g.Area() == s.Envelope().g.Area() && s.g.Area() > 0
}

// UnionAll is the union of geometries; nil of none.
func UnionAll(shapes []*Shape) (*Shape, error) {
	if len(shapes) == 0 {
		return nil, nil
	}
	all := make([]geom.Geometry, len(shapes))
	for i, s := range shapes {
		g, err := s.valid()
		if err != nil {
			return nil, err
		}
		all[i] = g
	}
	if err := checkCost(geom.NewGeometryCollection(all).AsGeometry(), geom.Geometry{}); err != nil {
		return nil, err
	}
	return guarded(func() (*Shape, error) {
		g, err := geom.UnionMany(all)
		if err != nil {
			return nil, err
		}
		return shaped(g), nil
	})
}
