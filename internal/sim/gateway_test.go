package sim

import (
	"errors"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
)

// TestGateway cuts a super-cluster of three one-server clusters between two of them only.
func TestGateway(t *testing.T) {
	t.Parallel()
	d := start(t, Layout{Gateways: true, Clusters: []Cluster{{Name: "A", Prefix: "a"}, {Name: "B"}, {Name: "C"}}})
	p := newProber()
	defer p.close()
	a := d.Server("a1")
	has := func(remote string) error {
		var gatewayz server.Gatewayz
		if err := p.ask(deadline(t), a, "GATEWAYZ", &gatewayz); err != nil {
			return err
		}
		if gatewayz.OutboundGateways[remote] == nil && len(gatewayz.InboundGateways[remote]) == 0 {
			return errors.New("no gateway to or from " + remote)
		}
		return nil
	}
	lacks := func() error {
		if has("B") == nil {
			return errors.New("gateway to B is still there")
		}
		return nil
	}
	subscriber, _ := connect(t, d.Server("b1").URL("APP"))
	sub, err := subscriber.SubscribeSync("x")
	must(t, err)
	must(t, subscriber.Flush())
	publisher, _ := connect(t, a.URL("APP"))
	arrives := func() error {
		must(t, publisher.Publish("x", nil))
		_, err := sub.NextMsg(answerTimeout / 4)
		return err
	}
	eventually(t, "gateway carries", arrives)

	d.Link("B-A").Cut()
	eventually(t, "cut", lacks)
	// Several rounds of reconnecting find no way around, and C is not harmed.
	for range 6 {
		if err := arrives(); err == nil {
			t.Error("a message came through a cut link")
		}
		must(t, lacks())
		must(t, has("C"))
	}
	d.Link("A-B").Heal()
	must(t, d.WaitReady(deadline(t)))
	eventually(t, "gateway carries again", arrives)
}
