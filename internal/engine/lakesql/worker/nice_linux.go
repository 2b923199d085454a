package worker

import "syscall"

// giveWay makes the calling thread one that others go before. Linux keeps the priority
// for each thread; that it cannot be set is no reason not to go on.
func giveWay(by int) { _ = syscall.Setpriority(syscall.PRIO_PROCESS, syscall.Gettid(), by) }
