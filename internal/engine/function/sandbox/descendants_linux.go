package sandbox

import (
	"bytes"
	"os"
	"strconv"
)

// Descendants lists the processes that came from pid, those that were left to it by their
// parents included.
func Descendants(pid int) []int {
	return descendantsOf(parents(), pid)
}

// Trees lists the descendants of several processes by one look at the machine's.
func Trees(pids []int) map[int][]int {
	of := parents()
	trees := make(map[int][]int, len(pids))
	for _, p := range pids {
		trees[p] = descendantsOf(of, p)
	}
	return trees
}

func descendantsOf(children map[int][]int, pid int) []int {
	found := append([]int(nil), children[pid]...)
	for i := 0; i < len(found); i++ {
		found = append(found, children[found[i]]...)
	}
	return found
}

// parents maps every process to its children.
func parents() map[int][]int {
	children := map[int][]int{}
	dir, err := os.Open("/proc")
	if err != nil {
		return children
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1) // what could be read will do
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		stat, err := os.ReadFile("/proc/" + name + "/stat")
		if err != nil {
			continue // it has ended
		}
		// pid (name) state parent ...: the name may hold anything.
		fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
		if len(fields) < 2 || fields[0][0] == 'Z' || fields[0][0] == 'X' {
			continue
		}
		if parent, err := strconv.Atoi(string(fields[1])); err == nil {
			children[parent] = append(children[parent], pid)
		}
	}
	return children
}
