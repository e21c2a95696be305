// Command asm writes the assembly of package cpu. Each run writes one file and its Go declarations:
//
//	go run . -set gemm-avx2 -out FILE.s -stubs FILE.go -pkg cpu
//
// The script generate, beside it, runs it for all sets; check proves that what is committed is what it writes.
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/mmcloughlin/avo/build"
)

var sets = map[string]func(){
	"gemm-avx2":    func() { gemms(avx2) },
	"gemm-avx512":  func() { gemms(avx512) },
	"lanes-avx2":   func() { lanes(avx2); transposes(); copies() },
	"lanes-avx512": func() { lanes(avx512) },
	"peak":         peaks,
}

func main() {
	set := flag.String("set", "", "which kernels to write")
	flag.Parse()
	write, ok := sets[*set]
	if !ok {
		fmt.Fprintf(os.Stderr, "asm: no set of kernels is called %q\n", *set)
		os.Exit(2)
	}
	os.Args = []string{"asm", "-set", *set} // what the files' headers tell: not where they were written to
	build.ConstraintExpr("amd64,!noasm")
	write()
	build.Generate()
}

// lanes writes all kernels of vectors.
func lanes(i isa) {
	arithmetic(i)
	transcendental(i)
	reductions(i)
	descents(i)
}
