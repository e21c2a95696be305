package cuda

import (
	"embed"
	"fmt"
	"maps"
)

// The kernels are compiled when they are changed, not when the program is built: that needs neither a compiler nor a toolkit.
//
//go:generate kernels/generate

//go:embed kernels/*.ptx
var sources embed.FS

// families are the files of kernels, each with the kernels in it. Those of many elements a thread are there for float32 only.
var families = map[string][]string{
	"vectors":    {"scale", "add", "multiply", "divide", "shift", "raise", "scale_sub", "dot", "add_two", "quotient", "total"},
	"pointwise":  {"fill", "copy_mat", "transpose", "add_mat", "add_row", "add_squares", "mul_mat", "hadamard", "activate", "mul_derivative", "add_second_derivative", "add_scaled_derivative", "sum_of_rows", "add_partial"},
	"gemm":       {"small_nn", "small_nt", "small_tn", "small_tt", "medium_nn", "medium_nt", "medium_tn", "medium_tt", "split_sum"},
	"sparse":     {"gather_columns", "scatter_columns"},
	"recurrence": {"recur_forward_1", "recur_forward_2", "recur_forward_4", "recur_r_1", "recur_r_2", "recur_r_4", "recur_back_1", "recur_back_2", "recur_back_4"},
	"losses":     {"softmax", "loss_rows", "loss_gradient", "loss_curvature"},
}

var largeKernels = map[string][]string{"gemm": {"large_nn", "large_nt", "large_tn", "large_tt"}, "recurrence": {"recur_forward_8", "recur_r_8", "recur_back_8"}}

// tensorFamily is the file of kernels that only float32 has.
const tensorFamily = "tensor"

var tensorKernels = []string{"tf32_nn", "tf32_nt", "tf32_tn", "tf32_tt", "tf32x3_nn", "tf32x3_nt", "tf32x3_tn", "tf32x3_tt"}

// precision returns how the files of F are called.
func precision[F float32 | float64]() string {
	var x F
	if _, single := any(x).(float32); single {
		return "f32"
	}
	return "f64"
}

// loadKernels loads all kernels of a precision, which the driver compiles for its device, and returns them by name.
func (d *device) loadKernels(precision string) (map[string]*function, error) {
	all, list := map[string]*function{}, families
	if precision == "f32" {
		list = maps.Clone(families)
		list[tensorFamily] = tensorKernels
	}
	for family, names := range list {
		file := "kernels/" + family + "_" + precision + ".ptx"
		source, err := sources.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("cuda: reading the kernels: %w", err)
		}
		if precision == "f32" {
			names = append(append([]string(nil), names...), largeKernels[family]...)
		}
		if err := d.loadModule(file, source, names, all); err != nil {
			return nil, err
		}
	}
	return all, nil
}
