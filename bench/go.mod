module github.com/salebot-go/salebot/bench

go 1.26

require (
	github.com/go-resty/resty/v2 v2.17.2
	github.com/salebot-go/salebot v0.0.0
)

require (
	golang.org/x/net v0.43.0 // indirect
	golang.org/x/time v0.15.0 // indirect
)

replace github.com/salebot-go/salebot => ../
