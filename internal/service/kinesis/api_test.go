package kinesis

import (
	"testing"

	"github.com/brookmere/brookmere/internal/servicetest"
)

func TestAPI(t *testing.T) {
	servicetest.Run(t, "api/*.txt", func(t testing.TB, p servicetest.Parts) servicetest.Service {
		s, err := New(Config{State: p.State, Log: p.Log, Clock: p.Clock, Logger: p.Logger, Registerer: p.Registerer})
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
}
