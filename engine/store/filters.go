package store

// Filter is what a webhook asks of an event as it was compiled. To the store it is bytes; who wrote them tells from them whether they
// are still right. It is read with [Store.Subscribers].
type Filter struct {
	Tenant  string
	Webhook int64
	Value   []byte
}
