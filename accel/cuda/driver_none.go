//go:build !linux || !(amd64 || arm64) || nocuda

package cuda

import "errors"

// installedDriver says that this program cannot use a GPU.
func installedDriver() (driver, error) {
	return nil, errors.New("cuda: this program was built without CUDA: that needs linux on amd64 or arm64, and a build without -tags nocuda")
}

// installedBLAS says the same.
func installedBLAS() (blasLibrary, string, error) {
	_, err := installedDriver()
	return nil, "", err
}
