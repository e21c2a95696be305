package evaluate

import (
	"math"
	"math/rand/v2"
	"testing"

	"curvestream/ingest"
)

// Classes and active indices are drawn with the odds of their predictions, to the power of 1 over the temperature.
func TestDraws(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	p := []float64{0.6, 0, 0.3, 0.1}
	const draws = 40000
	for _, temperature := range []float64{0.5, 1, 2} {
		class, active := drawerOf("softmax_cross_entropy", temperature), drawerOf("logistic_cross_entropy", temperature)
		var classes, actives [4]float64
		for range draws {
			for k, x := range class(p, rng) {
				classes[k] += x / draws
			}
			for k, x := range active(p, rng) {
				actives[k] += x / draws
			}
		}
		sum := 0.0
		for _, x := range p {
			sum += math.Pow(x, 1/temperature)
		}
		for k, x := range p {
			odds := math.Pow(x/(1-x), 1/temperature)
			if math.Abs(classes[k]-math.Pow(x, 1/temperature)/sum) > 0.012 || math.Abs(actives[k]-odds/(1+odds)) > 0.012 {
				t.Errorf("temperature %g, p = %g: class in %g, active in %g of the draws", temperature, x, classes[k], actives[k])
			}
		}
	}
	for range 100 {
		if row := drawerOf("softmax_cross_entropy", 0)(p, rng); row[0] != 1 {
			t.Errorf("temperature 0 draws %v", row)
		}
		if row := drawerOf("logistic_cross_entropy", 0)([]float64{0.6, 0.4, 1, 0}, rng); row[0]*row[2] != 1 || row[1]+row[3] != 0 {
			t.Errorf("temperature 0 draws %v", row)
		}
	}
	if row := drawerOf("squared_error", 1)(p, rng); row[2] != 0.3 {
		t.Errorf("numbers are drawn: %v", row)
	}
}

// A prime is read as the inputs are encoded; what is not of the data's kind is an error.
func TestParsePrime(t *testing.T) {
	column := func(c ingest.ColumnEncoding) *ingest.Encoding {
		return &ingest.Encoding{Inputs: []ingest.ColumnEncoding{c}}
	}
	words := column(ingest.ColumnEncoding{Kind: ingest.OneHot, Width: 2, Vocabulary: []string{"up", "down"}})
	numbers := column(ingest.ColumnEncoding{Kind: ingest.Numeric, Width: 2, Mean: []float64{10}, Scale: []float64{5, 2}})
	sets := column(ingest.ColumnEncoding{Kind: ingest.MultiHot, Width: 3})
	for _, c := range []struct {
		e    *ingest.Encoding
		text string
		want [][]float64
	}{
		{words, "down;up", [][]float64{{0, 1}, {1, 0}}},
		{numbers, "15, 4;10,-2", [][]float64{{1, 2}, {0, -1}}},
		{sets, "0,2;;1", [][]float64{{1, 0, 1}, {0, 0, 0}, {0, 1, 0}}},
		{sets, "", nil},
	} {
		got, err := ParsePrime(c.text, c.e)
		if err != nil || len(got) != len(c.want) {
			t.Fatalf("%q: %v, %v", c.text, got, err)
		}
		for i := range got {
			for k := range got[i] {
				if got[i][k] != c.want[i][k] {
					t.Errorf("%q is %v, want %v", c.text, got, c.want)
				}
			}
		}
	}
	for text, e := range map[string]*ingest.Encoding{"left": words, "1": numbers, "1,x": numbers, "1,NaN": numbers, "3": sets, "-1": sets, "a": {Inputs: make([]ingest.ColumnEncoding, 2)}} {
		if got, err := ParsePrime(text, e); err == nil {
			t.Errorf("%q is read as %v", text, got)
		}
	}
}
