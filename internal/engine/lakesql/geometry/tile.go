package geometry

import (
	"fmt"
	"math"
	"strings"
)

// Tile is a tile of Bing's map, which at each zoom level is a square of 2^zoom tiles by as many,
// in Mercator's projection, from the upper left corner.
type Tile struct{ X, Y, Zoom int }

const (
	maxZoom      = 23
	pixels       = 256 // of a tile, in each direction
	maxLatitude  = 85.05112878
	maxLongitude = 180.0
)

func checkZoom(zoom int64) error {
	switch {
	case zoom <= 0:
		return refused("Zoom level must be > 0")
	case zoom > maxZoom:
		return refused("Zoom level must be <= %d", maxZoom)
	}
	return nil
}

// TileOf is the tile with coordinates.
func TileOf(x, y, zoom int64) (Tile, error) {
	if err := checkZoom(zoom); err != nil {
		return Tile{}, err
	}
	for _, c := range []int64{x, y} {
		if c < 0 || c >= 1<<zoom {
			return Tile{}, refused("XY coordinates for a Bing tile at zoom level %d must be within [0, %d) range", zoom, 1<<zoom)
		}
	}
	return Tile{int(x), int(y), int(zoom)}, nil
}

// TileOfQuadkey is the tile with a quadkey: a digit for each zoom level, whose low bit is the
// one of x and whose high bit is that of y.
func TileOfQuadkey(key string) (Tile, error) {
	switch {
	case key == "":
		return Tile{}, refused("QuadKey must not be empty string")
	case len(key) > maxZoom:
		return Tile{}, refused("QuadKey must be %d characters or less", maxZoom)
	case strings.Trim(key, "0123") != "":
		return Tile{}, refused("Invalid QuadKey digit sequence: %s", key)
	}
	t := Tile{Zoom: len(key)}
	for _, d := range []byte(key) {
		t.X = t.X<<1 | int(d-'0')&1
		t.Y = t.Y<<1 | int(d-'0')>>1
	}
	return t, nil
}

// TileAt is the tile that a place lies in.
func TileAt(latitude, longitude float64, zoom int64) (Tile, error) {
	switch {
	case !(latitude >= -maxLatitude && latitude <= maxLatitude):
		return Tile{}, refused("Latitude must be between -85.05112878 and 85.05112878")
	case !(longitude >= -maxLongitude && longitude <= maxLongitude):
		return Tile{}, refused("Longitude must be between -180.0 and 180.0")
	}
	if err := checkZoom(zoom); err != nil {
		return Tile{}, err
	}
	size := float64(int64(pixels) << zoom)
	tile := func(share float64) int { return int(min(max(share*size, 0), size-1)) / pixels }
	sin := math.Sin(latitude * math.Pi / 180)
	return Tile{tile((longitude + 180) / 360), tile(0.5 - math.Log((1+sin)/(1-sin))/(4*math.Pi)), int(zoom)}, nil
}

// ParseTile reads what String writes.
func ParseTile(text string) (Tile, error) {
	var x, y, zoom int64
	if n, err := fmt.Sscanf(text, "{x=%d, y=%d, zoom=%d}", &x, &y, &zoom); n != 3 || err != nil {
		return Tile{}, refused("Invalid Bing tile")
	}
	return TileOf(x, y, zoom)
}

// String is the tile as it is carried through a query, and shown.
func (t Tile) String() string { return fmt.Sprintf("{x=%d, y=%d, zoom=%d}", t.X, t.Y, t.Zoom) }

// Quadkey is the tile's quadkey.
func (t Tile) Quadkey() string {
	key := make([]byte, t.Zoom)
	for i := range key {
		bit := t.Zoom - 1 - i
		key[i] = byte('0' + t.X>>bit&1 + t.Y>>bit&1<<1)
	}
	return string(key)
}

// Polygon is the tile's area, in degrees.
func (t Tile) Polygon() *Shape {
	x0, y1 := cornerOf(t.X, t.Y, t.Zoom)
	x1, y0 := cornerOf(t.X+1, t.Y+1, t.Zoom)
	return Rectangle(x0, y0, x1, y1)
}

// cornerOf is the upper left corner of a tile, in degrees.
func cornerOf(x, y, zoom int) (longitude, latitude float64) {
	count := float64(int64(1) << zoom)
	latitude = 90 - 360*math.Atan(math.Exp(-(0.5-float64(y)/count)*2*math.Pi))/math.Pi
	return 360 * (float64(x)/count - 0.5), latitude
}

// GreatCircle is the distance of two places on the Earth, taken for a sphere, in kilometres.
func GreatCircle(latitude1, longitude1, latitude2, longitude2 float64) (float64, error) {
	for _, v := range []float64{latitude1, latitude2} {
		if !(v >= -90 && v <= 90) {
			return 0, refused("Latitude must be between -90 and 90")
		}
	}
	for _, v := range []float64{longitude1, longitude2} {
		if !(v >= -180 && v <= 180) {
			return 0, refused("Longitude must be between -180 and 180")
		}
	}
	radians := func(degrees float64) float64 { return degrees / 180 * math.Pi }
	sin1, cos1 := math.Sincos(radians(latitude1))
	sin2, cos2 := math.Sincos(radians(latitude2))
	sinD, cosD := math.Sincos(radians(longitude1) - radians(longitude2))
	across, along := cos2*sinD, cos1*sin2-sin1*cos2*cosD
	return math.Atan2(math.Sqrt(across*across+along*along), sin1*sin2+cos1*cos2*cosD) * earthRadiusKM, nil
}
