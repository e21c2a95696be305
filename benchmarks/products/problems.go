package main

import (
	"slices"
	"strings"

	"curvestream/run/bench"
)

// A problem is one net at one size, of those that throughput is judged by.
type problem struct {
	name, title string
	bench.Problem
	naive string // a peer to compare products with besides: how somebody would do it who does not think about it
}

var problems = []problem{
	{"rnn256", "RNN h=256 B=256 T=100, 8 inputs, 8 outputs at each step", bench.Recurrent(256, 256, 100, 8, 8, "each"), ""},
	{"rnn50", "RNN h=50 B=1000 T=30, 2 inputs, 1 output at the last step", bench.Recurrent(50, 1000, 30, 2, 1, "last"), "torch:nn_rnn_from_scratch"},
	{"rnn100", "RNN h=100 B=1000 T=100, 2 inputs, 1 output at the last step", bench.Recurrent(100, 1000, 100, 2, 1, "last"), ""},
	{"curves", "FNN 784-400-200-100-50-25-6-25-50-100-200-400-784 (CURVES) N=1000", bench.Curves(1000), ""},
}

func problemNames() []string {
	names := make([]string, len(problems))
	for i, p := range problems {
		names[i] = p.name
	}
	return names
}

// A kernel is one operation of ours, and the peer's that it is compared with.
type kernel struct {
	ours   bench.Kernel
	theirs string // the name of the peer's kernel
}

// kernels returns the shapes that products are judged by (rows × columns × what is summed over), in all forms and both types, with
// matrices that are packed before where that is how nets use them; and tanh of 16,384 elements, which stay in the cache.
func kernels() (all []kernel) {
	sizes := [][3]int{{1024, 256, 256}, {2048, 512, 512}, {256, 1024, 1024}, {100, 100, 100}, {1000, 100, 100}}
	for _, dtype := range []string{"float32", "float64"} {
		add := func(name, theirs string, m, n, k int) {
			all = append(all, kernel{bench.Kernel{Name: name, M: m, N: n, K: k, DType: dtype, Threads: 1}, theirs})
		}
		for _, s := range sizes {
			for _, form := range []string{"gemm_nn", "gemm_nt", "gemm_tn"} {
				add(form, form, s[0], s[1], s[2])
			}
			if s[2] == 100 {
				add("gemm_prepared", "gemm_nn", s[0], s[1], s[2])
			}
		}
		add("tanh", "tanh", 128, 128, 0)
	}
	return all
}

// choose returns the elements of a comma-separated list, and the first that is not among the known.
func choose(list string, known []string) (chosen []string, unknown string) {
	for _, name := range strings.Split(list, ",") {
		if name = strings.TrimSpace(name); !slices.Contains(known, name) {
			return nil, name
		}
		chosen = append(chosen, name)
	}
	return chosen, ""
}
