package sim

import "syscall"

// processAttributes puts a server into a process group of its own, so that
// Ctrl-C reaches only the parent, which then closes the deployment in order;
// and has the kernel kill it with its parent, even when it is frozen.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
