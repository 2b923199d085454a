package etl

import (
	"errors"
	"testing"
)

func TestJoinOfOneKeyIsBounded(t *testing.T) {
	defer func(most int64) { maxJoined = most }(maxJoined)
	maxJoined = 1 << 20
	rows := make([][]any, 3000) // nine million pairs
	for i := range rows {
		rows[i] = []any{int64(1)}
	}
	f := NewFrame([]Column{{Name: "id"}}, rows)
	_, err := Join{"equijoin", [][]string{{"id"}}, [][]string{{"id"}}}.Apply(t.Context(), []*Frame{f, f})
	if !errors.Is(err, ErrTooLarge) {
		t.Errorf("joined: %v", err)
	}
}
