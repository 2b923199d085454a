package brookmeretest

import (
	"os/exec"
	"syscall"
)

// endWithTest has the node end where the test process ends without its clean-up, as at the limit of go test -timeout.
func endWithTest(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
}
