module github.com/salebot-go/salebot/examples/miniapp

go 1.26.0

require (
	github.com/go-telegram/bot v1.19.0
	github.com/salebot-go/salebot v0.0.0
	github.com/stretchr/testify v1.12.1
)

require (
	github.com/go-resty/resty/v2 v2.17.2 // indirect
	github.com/jarcoal/httpmock v1.4.2 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/net v0.62.0 // indirect
	golang.org/x/time v0.16.0 // indirect
)

replace github.com/salebot-go/salebot => ../..
