package sim

import (
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
)

// Ports come from below the range that Linux and macOS take ports of outgoing
// connections from. A server that is down keeps its port that way: no
// connection that is made meanwhile can be given it.
const (
	firstPort = 10000
	lastPort  = 30000
)

// ports hands out ports one after the other from a random start, so that no two
// deployments of this process meet, and those of other processes hardly ever.
var ports = struct {
	sync.Mutex
	next int
}{next: firstPort + rand.IntN(lastPort-firstPort)}

// listen opens a listener on the next free port of the loopback interface.
func listen() (net.Listener, error) {
	ports.Lock()
	defer ports.Unlock()
	var err error
	for range lastPort - firstPort {
		port := ports.next
		if ports.next++; ports.next == lastPort {
			ports.next = firstPort
		}
		var l net.Listener
		if l, err = net.Listen("tcp4", address(port)); err == nil {
			return l, nil
		}
	}
	return nil, fmt.Errorf("sim: no free port on the loopback interface: %w", err)
}

// freePort returns a port that was free just now. Another process may take it
// before it is used; Start then tries again with others.
func freePort() (int, error) {
	l, err := listen()
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}
