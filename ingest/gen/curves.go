package gen

import (
	"math"
	"math/rand/v2"

	"github.com/apache/arrow/go/v15/arrow/array"
)

// The surrogate of the CURVES images: a quadratic through three random points, drawn as ink.
const (
	side   = 28
	pixels = side * side
	margin = 3    // points are uniform in [margin, side−1−margin]²
	points = 60   // of ink along the curve, at equal steps of its parameter
	ink    = 0.65 // of each
	blur   = 0.9  // standard deviation of the Gaussian, in pixels
	radius = 4    // of its kernel
)

var kernel = gaussian()

func gaussian() (k [2*radius + 1]float64) {
	sum := 0.0
	for i := range k {
		d := float64(i - radius)
		k[i] = math.Exp(-d * d / (2 * blur * blur))
		sum += k[i]
	}
	for i := range k {
		k[i] /= sum
	}
	return k
}

// curves draws one image, row by row, intensities in [0, 1].
func curves(r *rand.Rand, _ int, _ int64, b row) {
	var x, y [3]float64
	for k := range x {
		x[k] = margin + r.Float64()*(side-1-2*margin)
		y[k] = margin + r.Float64()*(side-1-2*margin)
	}
	var image, half [pixels]float64
	for k := range points {
		t := float64(k) / (points - 1)
		splat(&image, through(x, t), through(y, t))
	}
	smooth(&half, &image, 1)
	smooth(&image, &half, side)
	l := b.x.(*array.ListBuilder)
	l.Append(true)
	values := l.ValueBuilder().(*array.Float32Builder)
	for _, v := range image {
		values.Append(float32(min(1, v)))
	}
}

// through is the quadratic with p at t = 0, ½, 1.
func through(p [3]float64, t float64) float64 {
	return p[0]*(2*t-1)*(t-1) + p[1]*4*t*(1-t) + p[2]*t*(2*t-1)
}

// splat drops ink on the four nearest pixels, by bilinear weights; what falls outside is lost.
func splat(image *[pixels]float64, x, y float64) {
	x0, y0 := math.Floor(x), math.Floor(y)
	for dy := range 2 {
		for dx := range 2 {
			col, row := int(x0)+dx, int(y0)+dy
			if col < 0 || col >= side || row < 0 || row >= side {
				continue
			}
			wx, wy := 1-math.Abs(x-float64(col)), 1-math.Abs(y-float64(row))
			image[row*side+col] += ink * wx * wy
		}
	}
}

// smooth sets dst to src blurred along one axis: stride 1 along rows, stride side along columns.
func smooth(dst, src *[pixels]float64, stride int) {
	for i := range dst {
		at := i / stride % side // place along the axis
		sum := 0.0
		for k, w := range kernel {
			if p := at + k - radius; p >= 0 && p < side {
				sum += w * src[i+(k-radius)*stride]
			}
		}
		dst[i] = sum
	}
}
