package main

import (
	"github.com/mmcloughlin/avo/operand"
)

// arithmetic writes the kernels that add and multiply.
func arithmetic(i isa) {
	for _, f := range []float{f32, f64} {
		for _, k := range linear() {
			k.isa, k.float = i, f
			k.generate()
		}
		for _, k := range derivatives() {
			k.isa, k.float = i, f
			k.generate()
		}
	}
}

// linear returns the kernels of vectors.
func linear() []lanewise {
	return []lanewise{{
		name: "axpy", doc: "sets y = y + a x.", signature: "func(a %[1]s, x, y []%[1]s)", scalar: "a", arrays: []string{"x", "y"}, out: "y",
		body: func(k *lanewise) func(map[string]vec) vec {
			return func(v map[string]vec) vec { k.do(fma231, k.a, v["x"], v["y"]); return v["y"] }
		},
	}, {
		name: "scale", doc: "sets x = a x.", signature: "func(a %[1]s, x []%[1]s)", scalar: "a", arrays: []string{"x"}, out: "x",
		body: func(k *lanewise) func(map[string]vec) vec {
			return func(v map[string]vec) vec { k.do(mul, k.a, v["x"], v["x"]); return v["x"] }
		},
	}, {
		name: "shift", doc: "sets x = x + a.", signature: "func(a %[1]s, x []%[1]s)", scalar: "a", arrays: []string{"x"}, out: "x",
		body: func(k *lanewise) func(map[string]vec) vec {
			return func(v map[string]vec) vec { k.do(add, k.a, v["x"], v["x"]); return v["x"] }
		},
	}, {
		name: "mul", doc: "sets x = x y.", signature: "func(x, y []%[1]s)", arrays: []string{"x", "y"}, out: "x",
		body: func(k *lanewise) func(map[string]vec) vec {
			return func(v map[string]vec) vec { k.do(mul, v["y"], v["x"], v["x"]); return v["x"] }
		},
	}, {
		name: "div", doc: "sets x = x / y.", signature: "func(x, y []%[1]s)", arrays: []string{"x", "y"}, out: "x",
		body: func(k *lanewise) func(map[string]vec) vec {
			return func(v map[string]vec) vec { k.do(div, v["y"], v["x"], v["x"]); return v["x"] }
		},
	}, {
		name: "scaleSub", doc: "sets x = a x − y.", signature: "func(a %[1]s, x, y []%[1]s)", scalar: "a", arrays: []string{"x", "y"}, out: "x",
		body: func(k *lanewise) func(map[string]vec) vec {
			return func(v map[string]vec) vec {
				k.do(mul, k.a, v["x"], v["x"])
				k.do(sub, v["y"], v["x"], v["x"])
				return v["x"]
			}
		},
	}, {
		name: "addSquares", doc: "sets y = y + a x².", signature: "func(a %[1]s, x, y []%[1]s)", scalar: "a", arrays: []string{"x", "y"}, out: "y",
		body: func(k *lanewise) func(map[string]vec) vec {
			return func(v map[string]vec) vec {
				ax := k.vec()
				k.do(mul, k.a, v["x"], ax)
				k.do(fma231, ax, v["x"], v["y"])
				return v["y"]
			}
		},
	}, {
		name: "setProduct", doc: "sets z = a x y.", signature: "func(a %[1]s, x, y, z []%[1]s)", scalar: "a", arrays: []string{"x", "y", "z"}, out: "z",
		body: func(k *lanewise) func(map[string]vec) vec {
			return func(v map[string]vec) vec {
				k.do(mul, k.a, v["x"], v["x"])
				k.do(mul, v["y"], v["x"], v["x"])
				return v["x"]
			}
		},
	}, {
		name: "addProduct", doc: "sets z = z + a x y.", signature: "func(a %[1]s, x, y, z []%[1]s)", scalar: "a", arrays: []string{"x", "y", "z"}, out: "z",
		body: func(k *lanewise) func(map[string]vec) vec {
			return func(v map[string]vec) vec {
				k.do(mul, k.a, v["x"], v["x"])
				k.do(fma231, v["x"], v["y"], v["z"])
				return v["z"]
			}
		},
	}}
}

// derivatives returns the kernels of activations' derivatives, as functions of the output h.
func derivatives() []lanewise {
	return []lanewise{
		mulDerivative("Tanh", tanhDerivative), mulDerivative("Logistic", logisticDerivative), mulDerivative("ReLU", reluDerivative),
		addScaled("Tanh", tanhDerivative), addScaled("Logistic", logisticDerivative), addScaled("ReLU", reluDerivative),
		addSecond("Tanh", tanhDerivative, tanhRatio), addSecond("Logistic", logisticDerivative, logisticRatio),
		{
			name: "relu", doc: "sets h = max(0, h).", signature: "func(h []%[1]s)", arrays: []string{"h"}, out: "h",
			body: func(k *lanewise) func(map[string]vec) vec {
				zero := k.vec()
				k.isa.zero(zero)
				return func(v map[string]vec) vec { k.do(maximum, v["h"], zero, v["h"]); return v["h"] }
			},
		},
	}
}

// A derivative makes its constants and returns what emits a function of h, which it leaves as it is.
type derivative func(k *lanewise) func(h vec) vec

// tanhDerivative is 1 − h².
func tanhDerivative(k *lanewise) func(h vec) vec {
	one := k.c(1)
	return func(h vec) vec {
		s := k.vec()
		k.do(mov, h, s)
		k.do(fnma213, one, h, s)
		return s
	}
}

// logisticDerivative is h (1 − h).
func logisticDerivative(k *lanewise) func(h vec) vec {
	one := k.c(1)
	return func(h vec) vec {
		s := k.vec()
		k.do(mov, one, s)
		k.do(sub, h, s, s)
		k.do(mul, h, s, s)
		return s
	}
}

// reluDerivative is 1 where h > 0, else 0.
func reluDerivative(k *lanewise) func(h vec) vec {
	one, zero := k.c(1), k.vec()
	k.isa.zero(zero)
	const greater = operand.U8(0x1e) // ordered, quiet
	return func(h vec) vec {
		s := k.vec()
		if k.isa == avx512 {
			m := newMask()
			k.do(compare, greater, zero, h, m)
			k.do(movZeroing, one, m, s)
			return s
		}
		k.do(compare, greater, zero, h, s)
		k.do(and, one, s, s)
		return s
	}
}

// tanhRatio is s″/s′ of tanh, −2h.
func tanhRatio(k *lanewise) func(h vec) vec {
	two := k.c(-2)
	return func(h vec) vec {
		r := k.vec()
		k.do(mul, two, h, r)
		return r
	}
}

// logisticRatio is s″/s′ of the logistic function, 1 − 2h.
func logisticRatio(k *lanewise) func(h vec) vec {
	one, two := k.c(1), k.c(-2)
	return func(h vec) vec {
		r := k.vec()
		k.do(mov, two, r)
		k.do(fma213, one, h, r)
		return r
	}
}

func mulDerivative(act string, s derivative) lanewise {
	return lanewise{
		name: "mul" + act + "Derivative", doc: "sets d = d s′(h).", signature: "func(d, h []%[1]s)", arrays: []string{"d", "h"}, out: "d",
		body: func(k *lanewise) func(map[string]vec) vec {
			s := s(k)
			return func(v map[string]vec) vec { k.do(mul, s(v["h"]), v["d"], v["d"]); return v["d"] }
		},
	}
}

func addScaled(act string, s derivative) lanewise {
	return lanewise{
		name: "add" + act + "Scaled", doc: "sets b = b + alpha s′(h) a.", signature: "func(b []%[1]s, alpha %[1]s, a, h []%[1]s)",
		scalar: "alpha", arrays: []string{"b", "a", "h"}, out: "b",
		body: func(k *lanewise) func(map[string]vec) vec {
			s := s(k)
			return func(v map[string]vec) vec {
				x := s(v["h"])
				k.do(mul, k.a, x, x)
				k.do(fma231, x, v["a"], v["b"])
				return v["b"]
			}
		},
	}
}

func addSecond(act string, s, ratio derivative) lanewise {
	return lanewise{
		name: "add" + act + "Second", doc: "sets rd = rd + d s″(h) ra.", signature: "func(rd, d, h, ra []%[1]s)",
		arrays: []string{"rd", "d", "h", "ra"}, out: "rd",
		body: func(k *lanewise) func(map[string]vec) vec {
			s, ratio := s(k), ratio(k)
			return func(v map[string]vec) vec {
				x := s(v["h"])
				k.do(mul, ratio(v["h"]), x, x)
				k.do(mul, v["d"], x, x)
				k.do(fma231, x, v["ra"], v["rd"])
				return v["rd"]
			}
		},
	}
}
