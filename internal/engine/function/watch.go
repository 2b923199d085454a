package function

import (
	"io/fs"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/brookmere/brookmere/internal/engine/function/sandbox"
)

// How often running instances are looked at; idle ones a tenth as often.
const watchEvery = 100 * time.Millisecond

// watch kills instances that take more memory than they may, where no control group does it,
// fill their disk, or work on after their answer for longer than they may. What rests is left
// alone. It looks at the machine in real time, whatever the engine's clock says.
func (e *Engine) watch() {
	t := time.NewTicker(watchEvery)
	defer t.Stop()
	for n := 0; ; n++ {
		select {
		case <-e.stop:
			return
		case <-t.C:
		}
		var running []*instance
		e.mu.Lock()
		for _, p := range e.pools {
			for i := range p.all {
				if i.process != nil && !i.dead() && (!i.idle || n%10 == 0) {
					running = append(running, i)
				}
			}
		}
		e.mu.Unlock()
		running = slices.DeleteFunc(running, func(i *instance) bool { return i.rest.again() })
		e.watchMemory(running)
		for _, i := range running {
			if i.rest.late(e.clock.Now()) {
				i.kill(causeTimeout)
			}
			if i.storage() > int64(i.f.Storage)<<20 {
				i.kill(causeStorage)
			}
		}
	}
}

func (e *Engine) watchMemory(running []*instance) {
	if e.groups != nil || len(running) == 0 {
		return
	}
	pids := make([]int, len(running))
	for n, i := range running {
		pids[n] = i.process.Pid()
	}
	trees := sandbox.Trees(pids)
	for n, i := range running {
		sum := resident(pids[n])
		for _, p := range trees[pids[n]] {
			sum += resident(p)
		}
		if sum > i.peak.Load() {
			i.peak.Store(sum)
		}
		if sum > int64(i.f.Memory)<<20 {
			i.kill(causeMemory)
		}
	}
}

// maxScratchFiles bounds the files that an instance keeps in its scratch space.
const maxScratchFiles = 100_000

// storage is what an instance's scratch space takes on disk, in bytes; more than any limit
// where it has too many files.
func (i *instance) storage() int64 {
	var size int64
	files := 0
	_ = filepath.WalkDir(filepath.Join(i.dir(), "tmp"), func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil // it goes while it is looked at
		}
		if files++; files > maxScratchFiles {
			size = 1 << 62
			return fs.SkipAll
		}
		if info, err := d.Info(); err == nil {
			if st, ok := info.Sys().(*syscall.Stat_t); ok {
				size += st.Blocks * 512
			}
		}
		return nil
	})
	return size
}
