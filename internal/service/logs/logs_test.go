package logs

import (
	"path/filepath"
	"testing"

	"github.com/brookmere/brookmere/internal/servicetest"
)

func TestAnswers(t *testing.T) {
	servicetest.Run(t, "*.txt", func(t testing.TB, p servicetest.Parts) servicetest.Service {
		s, err := New(Config{State: p.State, Log: p.Log, Dir: filepath.Join(p.Dir, "index"), Clock: p.Clock, Logger: p.Logger})
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
}
