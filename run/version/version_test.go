package version

import (
	"encoding/json"
	"strings"
	"testing"

	"curvestream/accel/cuda"
)

// The GPUs are listed, a line each, with how products are made on them; where there are none, that is a line with the reason.
func TestGPUs(t *testing.T) {
	two := []cuda.Device{{Name: "cuda:0", Model: "A", Major: 9}, {Name: "cuda:1", Model: "B", Major: 8, Minor: 6, Memory: 24 << 30, Driver: "12.4"}}
	for _, c := range []struct {
		info  Info
		lines int
		want  string
	}{
		{Info{NoDevices: "no driver"}, 1, "no GPU: no driver\n"},
		{Info{Devices: two, CUBLAS: cuda.Library{Why: "switched off"}}, 3, "products on GPUs by our own kernels: switched off\n"},
		{Info{Devices: two, CUBLAS: cuda.Library{File: "libcublas.so.12", Version: "12.4.5"}}, 3, "cuda:1: B, compute capability 8.6, 0 multiprocessors, 24 GiB, CUDA 12.4\nproducts on GPUs by cuBLAS 12.4.5, libcublas.so.12\n"},
	} {
		if got := c.info.GPUs(); strings.Count(got, "\n") != c.lines || !strings.HasSuffix(got, c.want) {
			t.Errorf("%q does not end with %q", got, c.want)
		}
	}
}

// A script finds devices, the reason why there are none, and cuBLAS in the JSON object.
func TestJSON(t *testing.T) {
	data, err := json.Marshal(Get())
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Devices   []map[string]any
		NoDevices string `json:"no_devices"`
		CUBLAS    map[string]string
	}
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	if got.Devices == nil || (len(got.Devices) == 0) != (got.NoDevices != "") || got.CUBLAS["setting"] == "" || (got.CUBLAS["file"] == "") != (got.CUBLAS["why"] != "") {
		t.Errorf("%s", data)
	}
}
