//go:build !linux

package sim

import "syscall"

// processAttributes puts a server into a process group of its own, so that
// Ctrl-C reaches only the parent, which then closes the deployment in order.
// Without a parent-death signal the end of standard input has to do; a server
// that is frozen when its parent is killed notices only when it is thawed.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
