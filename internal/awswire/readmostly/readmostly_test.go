package readmostly

import (
	"sync"
	"testing"
)

func TestMap(t *testing.T) {
	m := Map[string, int]{Limit: 2}
	if v, ok := m.Get("a"); ok || v != 0 {
		t.Errorf("%d of an empty map", v)
	}
	m.Put("a", 1)
	m.Put("b", 2)
	m.Put("b", 3)
	for k, want := range map[string]int{"a": 1, "b": 3} {
		if v, ok := m.Get(k); !ok || v != want {
			t.Errorf("%s: %d, %t", k, v, ok)
		}
	}
	m.Put("c", 4) // it is full
	if _, ok := m.Get("a"); ok {
		t.Error("it holds more than it may")
	}
	if v, ok := m.Get("c"); !ok || v != 4 {
		t.Errorf("c: %d, %t", v, ok)
	}
	var zero Map[int, int]
	for i := range DefaultLimit {
		zero.Put(i, i)
	}
	if v, ok := zero.Get(1); !ok || v != 1 {
		t.Errorf("the zero value does not hold %d", DefaultLimit)
	}
	zero.Put(DefaultLimit, 0)
	if _, ok := zero.Get(1); ok {
		t.Error("the zero value holds more than its limit")
	}
}

func TestMapAtOnce(t *testing.T) {
	m := Map[int, int]{Limit: 64}
	var all sync.WaitGroup
	for g := range 4 {
		all.Go(func() {
			for i := range 1000 {
				k := (i + g) % 50
				if v, ok := m.Get(k); ok && v != 2*k {
					t.Errorf("%d of %d", v, k)
				} else if !ok {
					m.Put(k, 2*k)
				}
			}
		})
	}
	all.Wait()
	for k := range 50 {
		if v, ok := m.Get(k); !ok || v != 2*k {
			t.Errorf("%d: %d, %t", k, v, ok)
		}
	}
}
