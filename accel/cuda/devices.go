package cuda

import (
	"bytes"
	"fmt"
	"runtime"
)

// A Device is a GPU that the driver knows.
type Device struct {
	Name       string `json:"name"` // for --device: cuda:0
	Model      string `json:"model"`
	Major      int    `json:"compute_major"` // of the compute capability
	Minor      int    `json:"compute_minor"`
	Processors int    `json:"multiprocessors"`
	Shared     int    `json:"shared_memory_bytes"` // that a block may have
	Memory     int64  `json:"memory_bytes"`
	Driver     string `json:"cuda_driver"` // the version of CUDA that the driver has, such as 12.4
}

// Devices returns the GPUs of this machine. An error says why there are none, in one line.
func Devices() ([]Device, error) {
	drv, err := installedDriver()
	if err != nil {
		return nil, err
	}
	return list(drv)
}

func list(drv driver) ([]Device, error) {
	s := &slots{}
	defer runtime.KeepAlive(s)
	if err := failure(cuInit, drv.call(cuInit, 0), "starting the driver"); err != nil {
		return nil, err
	}
	if err := failure(cuDeviceGetCount, drv.call(cuDeviceGetCount, addressOf(&s.number)), "counting devices"); err != nil {
		return nil, err
	}
	var all []Device
	for i := range int(s.number) {
		info, err := describe(drv, i, s)
		if err != nil {
			return nil, err
		}
		all = append(all, info)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("cuda: the driver knows no device")
	}
	return all, nil
}

// Best returns the device to compute on where any will do: of those that the kernels run on, one with the most multiprocessors, and of
// these the first. An error says why there is none.
func Best() (Device, error) {
	all, err := Devices()
	if err != nil {
		return Device{}, err
	}
	return best(all)
}

func best(all []Device) (Device, error) {
	var found *Device
	for i := range all {
		if d := &all[i]; d.Major >= leastMajor && (found == nil || d.Processors > found.Processors) {
			found = d
		}
	}
	if found == nil {
		return Device{}, fmt.Errorf("cuda: %s, compute capability %d.%d, is too old: %d.0 or later is needed", all[0].Model, all[0].Major, all[0].Minor, leastMajor)
	}
	return *found, nil
}

// describe asks for what is known of a device.
func describe(drv driver, ordinal int, s *slots) (Device, error) {
	info := Device{Name: fmt.Sprintf("cuda:%d", ordinal)}
	ask := func(c call, args ...uintptr) error {
		return failure(c, drv.call(c, args...), "asking about device %d", ordinal)
	}
	if err := ask(cuDriverGetVersion, addressOf(&s.number)); err != nil {
		return info, err
	}
	info.Driver = fmt.Sprintf("%d.%d", s.number/1000, s.number%1000/10)
	if err := ask(cuDeviceGet, addressOf(&s.number), uintptr(ordinal)); err != nil {
		return info, err
	}
	handle := uintptr(s.number)
	s.name = [nameBytes]byte{}
	if err := ask(cuDeviceGetName, addressOf(&s.name[0]), nameBytes, handle); err != nil {
		return info, err
	}
	model, _, _ := bytes.Cut(s.name[:], []byte{0})
	info.Model = string(model)
	for attribute, to := range map[uintptr]*int{attributeMajor: &info.Major, attributeMinor: &info.Minor, attributeProcessors: &info.Processors, attributeShared: &info.Shared} {
		if err := ask(cuDeviceGetAttribute, addressOf(&s.number), attribute, handle); err != nil {
			return info, err
		}
		*to = int(s.number)
	}
	if err := ask(cuDeviceTotalMem_v2, addressOf(&s.word), handle); err != nil {
		return info, err
	}
	info.Memory = int64(s.word)
	return info, nil
}
