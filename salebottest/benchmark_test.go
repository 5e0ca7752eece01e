package salebottest_test

import (
	"testing"

	"github.com/salebot-go/salebot/salebottest"
)

// BenchmarkStart is the time until the first answer.
func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		server, err := salebottest.Start()
		if err != nil {
			b.Fatal(err)
		}
		client, err := server.Connect()
		if err != nil {
			b.Fatal(err)
		}
		if _, err := client.GetConnectedChannels(b.Context()); err != nil {
			b.Fatal(err)
		}
		client.CloseIdleConnections()
		server.Close()
	}
}
