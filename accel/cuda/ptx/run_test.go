package ptx

import (
	"math"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
)

// program wraps a body in a kernel of one parameter, the address of the result.
func program(body string) string {
	return ".version 7.0\n.target sm_80\n.address_size 64\n.visible .entry k(\n.param .u64 out\n)\n{\n.reg .b32 %r<9>;\n.shared .align 4 .b8 s[256];\n" +
		"ld.param.u64 %rd1, [out];\nmov.u32 %r1, %tid.x;\nmul.wide.u32 %rd2, %r1, 4;\nadd.s64 %rd3, %rd1, %rd2;\nmov.u64 %rd4, s;\nadd.s64 %rd5, %rd4, %rd2;\n" + body + "\nret;\n}\n"
}

// run runs a body with so many threads on memory of 64 words and returns the words.
func run(t *testing.T, body string, threads int) ([]uint32, error) {
	t.Helper()
	m, err := Parse(program(body))
	if err != nil {
		return nil, err
	}
	k, err := m.Kernel("k")
	if err != nil {
		t.Fatal(err)
	}
	memory := NewMemory()
	to := memory.Alloc(256)
	err = (&Launch{Kernel: k, Grid: [3]uint32{1, 1, 1}, Threads: threads, Args: []uint64{to}, Races: true}).Run(memory)
	b, e := memory.Bytes(to, 256)
	if e != nil {
		t.Fatal(e)
	}
	words := make([]uint32, 64)
	for i := range words {
		words[i] = uint32(load(b[4*i:], 4))
	}
	return words, err
}

func TestPrograms(t *testing.T) {
	for name, c := range map[string]struct {
		body    string
		threads int
		want    func(thread int) uint32
	}{
		"store": {"st.global.u32 [%rd3], %r1;", 64, func(i int) uint32 { return uint32(i) }},
		"parted branches meet": {`and.b32 %r2, %r1, 1; setp.eq.s32 %p1, %r2, 0; @%p1 bra $E; mul.lo.s32 %r3, %r1, 3; bra.uni $J; $E: add.s32 %r3, %r1, 100;
			$J: st.global.u32 [%rd3], %r3;`, 40, func(i int) uint32 { return uint32([]int{i + 100, 3 * i}[i%2]) }},
		"a loop of each lane's length": {"mov.u32 %r2, 0; $L: add.s32 %r2, %r2, 2; setp.lt.u32 %p1, %r2, %r1; @%p1 bra $L; st.global.u32 [%rd3], %r2;", 33,
			func(i int) uint32 { return uint32(max(2, (i+1)/2*2)) }},
		"a copy that is waited for": {"cp.async.ca.shared.global [%rd5], [%rd3], 4; cp.async.wait_all; bar.sync 0; ld.shared.u32 %r2, [%rd5]; add.s32 %r2, %r2, %r1; st.global.u32 [%rd3], %r2;", 40,
			func(i int) uint32 { return uint32(i) - 1 }},
		"a copy that is not waited for": {"mov.u32 %r2, 7; st.shared.u32 [%rd5], %r2; cp.async.ca.shared.global [%rd5], [%rd3], 4; ld.shared.u32 %r3, [%rd5]; st.global.u32 [%rd3], %r3;", 40,
			func(int) uint32 { return 7 }},
		"four at a time": {`shl.b32 %r2, %r1, 4; cvt.u64.u32 %rd6, %r2; add.s64 %rd7, %rd4, %rd6; mov.u32 %r3, 5; st.shared.v4.u32 [%rd7], {%r1, %r2, %r3, %r1};
			ld.shared.v2.u32 {%r4, %r5}, [%rd7+8]; mad.lo.s32 %r6, %r4, 10, %r5; st.global.u32 [%rd3], %r6;`, 16, func(i int) uint32 { return uint32(50 + i) }},
		"bits, high halves and signs": {`mul.hi.u32 %r2, %r1, -1; bfe.u32 %r3, %r1, 1, 3; shl.b32 %r3, %r3, 8; or.b32 %r2, %r2, %r3; neg.s32 %r4, %r1; max.s32 %r4, %r4, -2;
			min.s32 %r4, %r4, -1; sub.s32 %r2, %r2, %r4; st.global.u32 [%rd3], %r2;`, 40, func(i int) uint32 { return uint32(max(0, i-1)|(i>>1&7)<<8) + uint32(min(2, max(1, i))) }},
		"rounding to TF32": {"mul.lo.s32 %r2, %r1, 4096; add.s32 %r2, %r2, 1065353216; cvt.rna.tf32.f32 %r3, %r2; st.global.u32 [%rd3], %r3;", 40,
			func(i int) uint32 { return 1065353216 + uint32(i+1)/2*8192 }},
		"a product of tensors": {`mov.u32 %r2, 0f3F800000; mov.u32 %r3, 0f40000000; mov.u32 %r4, 0f40A00000; mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32
			{%r5,%r6,%r7,%r8}, {%r2,%r3,%r2,%r3}, {%r3,%r2}, {%r4,%r4,%r4,%r4}; add.s32 %r5, %r5, %r7; st.global.u32 [%rd3], %r5;`, 32,
			func(int) uint32 { return math.Float32bits(5+4*1*2+4*1*1) + math.Float32bits(5+4*2*2+4*2*1) }},
		"a shuffle": {"shfl.sync.bfly.b32 %r2, %r1, 1, 31, -1; st.global.u32 [%rd3], %r2;", 32, func(i int) uint32 { return uint32(i ^ 1) }},
	} {
		got, err := run(t, c.body, c.threads)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for i := range c.threads {
			if got[i] != c.want(i) {
				t.Errorf("%s: thread %d leaves %d, not %d", name, i, got[i], c.want(i))
			}
		}
	}
}

// TestRefused has programs that a device would run with undefined results, or not at all.
func TestRefused(t *testing.T) {
	for name, c := range map[string]struct {
		body    string
		threads int
		says    string
	}{
		"an unknown opcode":           {"xor.b32 %r2, %r1, 1;", 1, "the opcode xor.b32 is not known"},
		"an unknown special register": {"mov.u32 %r2, %laneid.x;", 1, "%laneid.x is not known"},
		"a lost label":                {"bra $X;", 1, "nowhere"},
		"too few operands":            {"add.s32 %r2, %r1;", 1, "operands"},
		"outside of an allocation":    {"st.global.u32 [%rd3], %r1;", 65, "outside of an allocation of 256 bytes"},
		"no allocation":               {"ld.global.u32 %r2, [0];", 1, "in no allocation"},
		"out of line":                 {"ld.global.u32 %r2, [%rd1+2];", 1, "no multiple"},
		"outside of shared memory":    {"st.shared.u32 [%rd5], %r1;", 65, "shared memory"},
		"a parted barrier":            {"setp.eq.s32 %p1, %r1, 3; @%p1 bra $E; bar.sync 0; $E: mov.u32 %r2, 0;", 40, "a barrier that thread 3 does not reach"},
		"a parted shuffle":            {"setp.eq.s32 %p1, %r1, 3; @%p1 bra $E; shfl.sync.bfly.b32 %r2, %r1, 1, 31, -1; $E: mov.u32 %r2, 0;", 32, "not all lanes"},
		"a read without a barrier":    {"st.shared.u32 [%rd5], %r1; ld.shared.u32 %r2, [%rd4];", 64, "no barrier is between"},
		"a write without a barrier":   {"ld.shared.u32 %r2, [%rd4]; st.shared.u32 [%rd5], %r1; st.shared.u32 [%rd4], %r1;", 2, "no barrier is between"},
		"a copy out of bounds":        {"cp.async.ca.shared.global [%rd5], [%rd1+256], 4;", 1, "outside of an allocation"},
		"a copy that races":           {"cp.async.ca.shared.global [%rd4], [%rd3], 4;", 2, "no barrier is between"},
		"a vector out of line":        {"ld.shared.v4.u32 {%r2, %r3, %r4, %r5}, [%rd4+8];", 1, "no multiple"},
		"a tensor without all lanes":  {"mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%r2,%r3,%r4,%r5}, {%r2,%r3,%r4,%r5}, {%r2,%r3}, {%r2,%r3,%r4,%r5};", 31, "32 lanes"},
		"a division by 0":             {"mov.u32 %r2, 0; div.u32 %r3, %r1, %r2;", 1, "division by 0"},
		"a block too large":           {"st.global.u32 [%rd1], %r1;", 1025, "a block of 1025 threads"},
	} {
		if _, err := run(t, c.body, c.threads); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: the error is %v, and should say %q", name, err, c.says)
		}
	}
}

// TestBarrier passes values through shared memory with a barrier between.
func TestBarrier(t *testing.T) {
	got, err := run(t, "st.shared.u32 [%rd5], %r1; bar.sync 0; ld.shared.u32 %r2, [%rd4+252]; st.global.u32 [%rd3], %r2;", 64)
	if err != nil || got[0] != 63 || got[63] != 63 {
		t.Errorf("threads read %d and %d: %v", got[0], got[63], err)
	}
}

func TestFreed(t *testing.T) {
	m := NewMemory()
	a := m.Alloc(8)
	if err := m.Free(a); err != nil || m.Live() != 0 {
		t.Errorf("freeing: %v, %d bytes are left", err, m.Live())
	}
	if _, err := m.Bytes(a, 1); err == nil || m.Free(a) == nil {
		t.Error("freed memory is still there")
	}
}

// TestFMA compares with exact arithmetic, near ties and among subnormal results above all.
func TestFMA(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200_000 {
		x, y := randomFloat(r), randomFloat(r)
		z := float32(math.Ldexp(float64(x*y), r.IntN(60)-30)) * float32(1-2*r.IntN(2))
		if math.IsInf(float64(z), 0) || math.IsInf(float64(x)*float64(y), 0) {
			continue
		}
		exact := new(big.Float).SetPrec(600).Mul(big.NewFloat(float64(x)), big.NewFloat(float64(y)))
		want, _ := exact.Add(exact, big.NewFloat(float64(z))).Float32()
		if got := fma32(x, y, z); got != want {
			t.Fatalf("fma(%b, %b, %b) = %b, not %b", x, y, z, got, want)
		}
	}
}

// randomFloat has few bits, so that products have ties, and exponents down to where results are subnormal.
func randomFloat(r *rand.Rand) float32 {
	return float32(math.Ldexp(float64(r.IntN(1<<(1+r.IntN(24))))+1, -r.IntN(88)))
}
