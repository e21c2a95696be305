package ingest
const continuation = 0xFFFFFFFF
const messageSchema = 1
func messageKind(b []byte) (int, error) { return 0, nil }
func openArrowFile(in *bytesAt, f *file) (*opened, error) { return nil, nil}
func openArrowStream(in *bytesAt, f *file) (*opened, error) { return nil, nil}
