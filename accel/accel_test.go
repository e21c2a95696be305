package accel

import (
	"slices"
	"testing"
)

func TestRanges(t *testing.T) {
	v := make(Slice[float32], 40)
	m := Mat[float32]{V: v, Off: 3, Rows: 5, Cols: 4, Stride: 6}
	for i := range m.Rows {
		for j := range m.Cols {
			part := m.RowRange(i, m.Rows).ColRange(j, m.Cols)
			if part.Off != m.Off+i*m.Stride+j || part.Rows != m.Rows-i || part.Cols != m.Cols-j || part.Stride != m.Stride {
				t.Errorf("from (%d, %d) on: %+v", i, j, part)
			}
		}
	}
	if d := NewMat[float32](v, 2, 3, 7); d.Stride != 7 || d.Off != 2 || d.Rows != 3 {
		t.Errorf("NewMat: %+v", d)
	}
}

func TestSparseRanges(t *testing.T) {
	s := Sparse[float64]{Cols: 9, Ptr: []int32{0, 2, 2, 5}, Col: []int32{1, 8, 0, 3, 4}}
	if s.Rows() != 3 || (Sparse[float64]{}).Rows() != 0 {
		t.Errorf("Rows: %d of 3", s.Rows())
	}
	part := s.RowRange(1, 3)
	if part.Rows() != 2 || !slices.Equal(part.Ptr, []int32{2, 2, 5}) || !slices.Equal(part.Col, s.Col) {
		t.Errorf("rows 1 and 2: %+v", part)
	}
}

func TestTargetRanges(t *testing.T) {
	dense := Targets[float32]{Dense: NewMat[float32](make(Slice[float32], 12), 0, 4, 3), Weight: []float32{1, 2, 3, 4}}
	if part := dense.RowRange(1, 3); part.Dense.Off != 3 || part.Dense.Rows != 2 || !slices.Equal(part.Weight, []float32{2, 3}) {
		t.Errorf("dense: %+v", part)
	}
	classes := Targets[float32]{Class: []int32{5, 6, 7}}
	if part := classes.RowRange(2, 3); part.Dense.V != nil || part.Weight != nil || !slices.Equal(part.Class, []int32{7}) {
		t.Errorf("classes: %+v", part)
	}
}
