package athena

import (
	"log/slog"
	"strings"
	"testing"
)

func TestPanicFailsTheStatement(t *testing.T) {
	s := &Service{logger: slog.New(slog.DiscardHandler)}
	err := s.contain(&execution{}, func() error { panic("mistake") })
	if err == nil || !strings.Contains(err.Error(), "GENERIC_INTERNAL_ERROR") || strings.Contains(err.Error(), "mistake") {
		t.Errorf("got %v", err)
	}
}
