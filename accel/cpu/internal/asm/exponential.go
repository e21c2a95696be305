package main

import (
	"math"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func newMask() reg.Register { return build.K() }

// transcendental writes the kernels made of exponentials and quotients.
func transcendental(i isa) {
	for _, k := range []lanewise{tanh32(), logistic(), exponential(), crossEntropy()} {
		k.isa, k.float = i, f32
		k.generate()
	}
	for _, k := range []lanewise{tanh64(), logistic(), exponential(), crossEntropy()} {
		k.isa, k.float = i, f64
		k.generate()
	}
}

// The polynomials below are minimax approximations, made by Remez' algorithm or Lawson's in at least 17 digits.

// expTail approximates (eʳ − 1 − r)/r² for |r| ≤ ½ log 2.
var expTail = map[float][]float64{
	f32: {0.50000000968586322221, 0.16666517115305344453, 0.041666200413877081599, 0.0083690962649545382053, 0.0013950850412203692752},
	f64: {0.50000000000000131158, 0.16666666666666700003, 0.041666666666511873202, 0.0083333333333066042169, 0.0013888888948034904522,
		0.00019841269918688669668, 0.000024801488807489451095, 2.7557215130193368498e-6, 2.7631710268953546913e-7, 2.5118233391624640335e-8},
}

// ln2Low is log 2 less its value in each precision.
var ln2Low = map[float]float64{f32: math.Ln2 - float64(float32(math.Ln2)), f64: 2.3190468138462996e-17}

// expRange is from where exp is 0 to where it is infinite.
var expRange = map[float][2]float64{f32: {-104, 89}, f64: {-746, 710}}

// exp makes constants and returns what emits e^x: x = n log 2 + r with |r| ≤ ½ log 2, eˣ = 2ⁿ(1 + r + r² tail(r)). Results
// below the smallest normal number are rounded once. NaN stays NaN.
func (k *lanewise) exp() func(x vec) vec {
	lo, hi := k.c(expRange[k.float][0]), k.c(expRange[k.float][1])
	log2e, ln2, ln2Low := k.c(math.Log2E), k.c(math.Ln2), k.c(ln2Low[k.float])
	tail, one := k.cs(expTail[k.float]), k.c(1)
	power := k.timesPower()
	return func(x vec) vec {
		r, n := k.vec(), k.vec()
		k.do(mov, lo, r)
		k.do(maximum, x, r, r)
		k.do(mov, hi, n)
		k.do(minimum, r, n, r)
		k.do(mul, log2e, r, n)
		k.round(n)
		k.do(fnma231, ln2, n, r)
		k.do(fnma231, ln2Low, n, r)
		p := k.horner(r, tail)
		square := k.vec()
		k.do(mul, r, r, square)
		k.do(fma213, r, square, p)
		k.do(add, one, p, p)
		power(p, n)
		return p
	}
}

// round rounds to the nearest integer, halves to even.
func (k *lanewise) round(v vec) {
	if k.isa == avx512 {
		k.do(roundScale, operand.U8(8), v, v)
		return
	}
	k.do(round, operand.U8(8), v, v)
}

// timesPower returns what emits p = p·2ⁿ. AVX2 lacks the instruction: there 2ⁿ is made in two halves, by moving integers
// into exponents.
func (k *lanewise) timesPower() func(p, n vec) {
	if k.isa == avx512 {
		return func(p, n vec) { k.do(scalef, n, p, p) }
	}
	if k.float == f32 {
		bias := k.bits(127)
		return func(p, n vec) {
			half := k.vec()
			build.VCVTPS2DQ(n, n)
			build.VPSRAD(operand.U8(1), n, half)
			build.VPSUBD(half, n, n)
			for _, i := range []vec{half, n} {
				build.VPADDD(bias, i, i)
				build.VPSLLD(operand.U8(23), i, i)
				build.VMULPS(i, p, p)
			}
		}
	}
	bias := k.bits(1023)
	return func(p, n vec) {
		all, half, wide := build.XMM(), build.XMM(), k.vec()
		build.VCVTPD2DQY(n, all)
		build.VPSRAD(operand.U8(1), all, half)
		build.VPSUBD(half, all, all)
		for _, i := range []vec{half, all} {
			build.VPMOVSXDQ(i, wide)
			build.VPADDQ(bias, wide, wide)
			build.VPSLLQ(operand.U8(52), wide, wide)
			build.VMULPD(wide, p, p)
		}
	}
}

// abs makes its constant and returns what emits −|x|.
func (k *lanewise) negativeAbs() func(x vec) vec {
	sign := k.c(math.Copysign(0, -1))
	return func(x vec) vec {
		v := k.vec()
		k.do(or, sign, x, v)
		return v
	}
}

// choose returns b in the lanes whose sign bit in by is set, else a.
func (k *lanewise) choose(by, a, b vec) vec {
	v := k.vec()
	if k.isa == avx512 {
		m := newMask()
		if k.float == f32 {
			build.VPMOVD2M(by, m)
		} else {
			build.VPMOVQ2M(by, m)
		}
		k.do(blendMask, b, a, m, v)
		return v
	}
	k.do(blend, by, b, a, v)
	return v
}

func exponential() lanewise {
	return lanewise{
		name: "expShifted", doc: "sets x = exp(x − a).", signature: "func(a %[1]s, x []%[1]s)", scalar: "a", arrays: []string{"x"}, out: "x",
		body: func(k *lanewise) func(map[string]vec) vec {
			exp := k.exp()
			return func(v map[string]vec) vec { k.do(sub, k.a, v["x"], v["x"]); return exp(v["x"]) }
		},
	}
}

// logistic is 1/(1+e) for x ≥ 0 and e/(1+e) for x < 0, where e = exp(−|x|).
func logistic() lanewise {
	return lanewise{
		name: "logistic", doc: "sets h = 1/(1+exp(−h)).", signature: "func(h []%[1]s)", arrays: []string{"h"}, out: "h",
		body: func(k *lanewise) func(map[string]vec) vec {
			negativeAbs, exp, one := k.negativeAbs(), k.exp(), k.c(1)
			return func(v map[string]vec) vec {
				h := v["h"]
				e := exp(negativeAbs(h))
				numerator, denominator := k.vec(), k.vec()
				k.do(mov, one, numerator)
				k.do(add, one, e, denominator)
				numerator = k.choose(h, numerator, e)
				k.do(div, denominator, numerator, h)
				return h
			}
		},
	}
}

// Tanh in float32 is x P(x²)/Q(x²), P(0) = Q(0) = 1, up to 9.02, where it has become 1.
const tanhEnd = 9.02

var (
	tanhP = []float64{1, 0.13382674753665924, 0.0034974419977515936, 2.0635563487303443e-05, 1.3383940178357534e-08}
	tanhQ = []float64{1, 0.4671599566936493, 0.025884300470352173, 0.0003288491570856422, 7.790103495608491e-07}
)

func tanh32() lanewise {
	return lanewise{
		name: "tanh", doc: "sets h = tanh(h).", signature: "func(h []%[1]s)", arrays: []string{"h"}, out: "h",
		body: func(k *lanewise) func(map[string]vec) vec {
			lo, hi, one, minusOne := k.c(-tanhEnd), k.c(tanhEnd), k.c(1), k.c(-1)
			p, q := k.cs(tanhP), k.cs(tanhQ)
			return func(v map[string]vec) vec {
				x, limit, y := v["h"], k.vec(), k.vec()
				k.clamp(x, lo, hi, limit)
				k.do(mul, x, x, y)
				numerator, denominator := k.horner(y, p), k.horner(y, q)
				k.do(mul, x, numerator, numerator)
				k.do(div, denominator, numerator, x)
				k.clamp(x, minusOne, one, limit)
				return x
			}
		},
	}
}

// clamp brings x into [lo, hi] and leaves NaN.
func (k *lanewise) clamp(x vec, lo, hi operand.Op, scratch vec) {
	k.do(mov, lo, scratch)
	k.do(maximum, x, scratch, x)
	k.do(mov, hi, scratch)
	k.do(minimum, x, scratch, x)
}

// tanhSmall approximates (tanh(x)/x − 1)/x² as a function of x², for |x| ≤ tanhBorder.
var tanhSmall = []float64{-0.33333333333332351272, 0.13333333333173730584, -0.05396825387836996973, 0.021869486026024954765, -0.0088631951520299226011,
	0.0035917246474795758347, -0.001453240051732939887, 0.00057920306678059412079, -0.0002104058771955818164, 0.000051090278325737161609}

const tanhBorder = 0.55

// Tanh in float64 is a polynomial near 0 and (1−e)/(1+e), e = exp(−2|x|), elsewhere.
func tanh64() lanewise {
	return lanewise{
		name: "tanh", doc: "sets h = tanh(h).", signature: "func(h []%[1]s)", arrays: []string{"h"}, out: "h",
		body: func(k *lanewise) func(map[string]vec) vec {
			negativeAbs, exp, one, sign := k.negativeAbs(), k.exp(), k.c(1), k.c(math.Copysign(0, -1))
			small, border := k.cs(tanhSmall), k.c(tanhBorder)
			return func(v map[string]vec) vec {
				x := v["h"]
				minusAbs, e, y := negativeAbs(x), k.vec(), k.vec()
				k.do(add, minusAbs, minusAbs, e)
				e = exp(e)
				above, below := k.vec(), k.vec()
				k.do(mov, one, above)
				k.do(sub, e, above, above)
				k.do(add, one, e, below)
				k.do(div, below, above, above)
				k.do(and, sign, x, below)
				k.do(or, below, above, above)
				k.do(mul, x, x, y)
				r := k.horner(y, small)
				k.do(mul, x, y, y)
				k.do(fma213, x, y, r)
				k.do(add, border, minusAbs, minusAbs) // negative where |x| is above the border
				return k.choose(minusAbs, r, above)
			}
		},
	}
}

// log1pTail approximates (atanh(s)/s − 1)/s² as a function of s², for s² ≤ 1/9.
var log1pTail = map[float][]float64{
	f32: {0.33333337810963744819, 0.19999438872948776097, 0.14308442375208670081, 0.10713829069529810619, 0.12150467080639129596},
	f64: {0.3333333333333333916, 0.19999999999996988803, 0.14285714286255015366, 0.11111111062735272554, 0.090909116014586773924,
		0.07692225966135063457, 0.06668402909134407385, 0.058579753267883601563, 0.054862835404717500372, 0.034971227152237418289,
		0.082338190322452911801},
}

// crossEntropy is that of σ(z) with t, max(z, 0) − z t + log(1+e), where e = exp(−|z|). The logarithm is 2 atanh(s) with
// s = e/(2+e) ≤ 1/3.
func crossEntropy() lanewise {
	return lanewise{
		name: "crossEntropy", doc: "sets y = max(z, 0) − z t + log(1+exp(−|z|)).", signature: "func(y, z, t []%[1]s)",
		arrays: []string{"y", "z", "t"}, out: "y",
		body: func(k *lanewise) func(map[string]vec) vec {
			negativeAbs, exp, two, tail, zero := k.negativeAbs(), k.exp(), k.c(2), k.cs(log1pTail[k.float]), k.vec()
			k.isa.zero(zero)
			return func(v map[string]vec) vec {
				z, t, y := v["z"], v["t"], v["y"]
				e := exp(negativeAbs(z))
				s, u := k.vec(), k.vec()
				k.do(mov, two, s)
				k.do(add, e, s, s)
				k.do(div, s, e, s)
				k.do(mul, s, s, u)
				l := k.horner(u, tail)
				k.do(mul, u, s, u)
				k.do(fma213, s, u, l)
				k.do(maximum, z, zero, y)
				k.do(fnma231, t, z, y)
				k.do(mov, two, u)
				k.do(fma231, u, l, y)
				return y
			}
		},
	}
}
