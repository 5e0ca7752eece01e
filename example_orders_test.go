package salebot_test

import (
	"context"
	"fmt"
	"log"

	"github.com/salebot-go/salebot"
)

// withOrder is onEmulator with a deal of the client 25554.
func withOrder() (client *salebot.Client, order salebot.OrderID, closeEmulator func()) {
	client, closeEmulator = onEmulator()
	order, err := client.CreateOrder(context.Background(), salebot.CreateOrderRequest{ClientID: 25554, Name: "Order 4711"})
	if err != nil {
		log.Fatal(err)
	}
	return client, order, closeEmulator
}

func ExampleClient_CreateOrder() {
	client, closeEmulator := onEmulator()
	defer closeEmulator()

	order, err := client.CreateOrder(context.Background(), salebot.CreateOrderRequest{
		ClientID: 25554, Name: "Order 4711", Budget: 1990.50,
	})
	fmt.Println(order > 0, err)
	// Output: true <nil>
}

func ExampleClient_GetCurrentOrderID() {
	client, order, closeEmulator := withOrder()
	defer closeEmulator()

	current, err := client.GetCurrentOrderID(context.Background(), 25554)
	fmt.Println(current == order, err)
	// Output: true <nil>
}

func ExampleClient_GetOrders() {
	client, order, closeEmulator := withOrder()
	defer closeEmulator()

	orders, err := client.GetOrders(context.Background(), salebot.GetOrdersRequest{
		ClientID: 25554, Status: new(salebot.OrderStatusActive),
	})
	fmt.Println(len(orders), orders[0] == order, err)
	// Output: 1 true <nil>
}

func ExampleClient_GetOrderState() {
	client, order, closeEmulator := withOrder()
	defer closeEmulator()

	state, err := client.GetOrderState(context.Background(), salebot.GetOrderStateRequest{ClientID: 25554, OrderID: order})
	fmt.Println(state > 0, err)
	// Output: true <nil>
}

func ExampleClient_SetOrderState() {
	client, order, closeEmulator := withOrder()
	defer closeEmulator()

	ctx := context.Background()
	next, err := client.MoveOrderToNextState(ctx, salebot.MoveOrderToNextStateRequest{ClientID: 25554, OrderID: order})
	if err != nil {
		log.Fatal(err)
	}
	_, err = client.SetOrderState(ctx, salebot.SetOrderStateRequest{ClientID: 25554, StateID: next})
	fmt.Println(err)
	// Output: <nil>
}

func ExampleClient_MoveOrderToNextState() {
	client, order, closeEmulator := withOrder()
	defer closeEmulator()

	state, err := client.MoveOrderToNextState(context.Background(), salebot.MoveOrderToNextStateRequest{ClientID: 25554, OrderID: order})
	fmt.Println(state > 0, err)
	// Output: true <nil>
}

func ExampleClient_SetOrderVariables() {
	client, order, closeEmulator := withOrder()
	defer closeEmulator()

	_, err := client.SetOrderVariables(context.Background(), salebot.SetOrderVariablesRequest{
		ClientID: 25554, OrderID: order, Variables: map[string]any{"delivery": "courier"},
	})
	fmt.Println(err)
	// Output: <nil>
}

func ExampleClient_GetOrderVariables() {
	client, order, closeEmulator := withOrder()
	defer closeEmulator()

	ctx := context.Background()
	_, err := client.SetOrderVariables(ctx, salebot.SetOrderVariablesRequest{
		ClientID: 25554, OrderID: order, Variables: map[string]any{"delivery": "courier"},
	})
	if err != nil {
		log.Fatal(err)
	}
	variables, err := client.GetOrderVariables(ctx, salebot.GetOrderVariablesRequest{
		ClientID: 25554, OrderID: order, Names: []string{"delivery"},
	})
	fmt.Println(variables.Text("delivery"), err)
	// Output: courier <nil>
}

// The deals of a client with what is known of each.
func ExampleClient_GetOrderDetails() {
	client, closeEmulator := onEmulator()
	defer closeEmulator()

	ctx := context.Background()
	order, err := client.CreateOrder(ctx, salebot.CreateOrderRequest{ClientID: 25554, Name: "Boots"})
	if err != nil {
		log.Fatal(err)
	}
	_, err = client.SetOrderVariables(ctx, salebot.SetOrderVariablesRequest{ClientID: 25554, OrderID: order, Variables: map[string]any{"color": "red"}})
	if err != nil {
		log.Fatal(err)
	}
	deals, err := client.GetOrderDetails(ctx, salebot.GetOrdersRequest{ClientID: 25554})
	for _, deal := range deals {
		fmt.Println(deal.ID == order, deal.StateID != 0, deal.Variables.Text("color"))
	}
	fmt.Println(err)
	// Output:
	// true true red
	// <nil>
}
