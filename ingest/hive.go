package ingest

import "strings"

// hiveKey returns the key of a folder name of the form key=value.
func hiveKey(folder string) (key string, ok bool) {
	key, _, ok = strings.Cut(folder, "=")
	return key, ok && key != "" && !hidden(key)
}
