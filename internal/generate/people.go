package generate

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"
)

// patients are vital signs as a service writes them that prints JSON over several lines.
type patients struct{ rng *rand.Rand }

func newPatients(seed uint64) *patients { return &patients{newRand(seed, 0x7061_7469)} }

// Key is the same for every record: the service that these readings are modelled on has one key.
func (*patients) Key() string { return "partition_key" }

var patientNames = [...]string{"Ada Brook", "Ben Carter", "Chen Li", "Dara Okafor", "Elif Demir", "Femi Ade", "Grace Hill", "Hugo Lang"}

// Append appends blood_pressure_diastolic, blood_pressure_systolic, body_temperature, glucose_level, heart_rate,
// oxygen_saturation, respiratory_rate (numbers), patient and time (text). About one of ten breaks a rule.
func (p *patients) Append(dst []byte, t time.Time) []byte {
	between := func(low, high float64) float64 { return low + p.rng.Float64()*(high-low) }
	diastolic, systolic, oxygen := between(60, 90), between(100, 140), between(94, 100)
	switch p.rng.IntN(20) {
	case 0:
		diastolic, systolic = systolic, diastolic
	case 1:
		oxygen = between(101, 120)
	}
	dst = append(dst, '{')
	for i, m := range [...]struct {
		name  string
		value float64
	}{
		{"blood_pressure_diastolic", diastolic}, {"blood_pressure_systolic", systolic}, {"body_temperature", between(36, 38.5)},
		{"glucose_level", between(70, 140)}, {"heart_rate", between(55, 110)}, {"oxygen_saturation", oxygen},
	} {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(append(append(dst, "\n    \""...), m.name...), `": `...)
		dst = strconv.AppendFloat(dst, m.value, 'f', 1, 64)
	}
	dst = append(append(append(dst, ",\n    \"patient\": \""...), patientNames[p.rng.IntN(len(patientNames))]...), '"')
	dst = append(dst, ",\n    \"respiratory_rate\": "...)
	dst = strconv.AppendFloat(dst, between(12, 20), 'f', 1, 64)
	dst = append(dst, ",\n    \"time\": \""...)
	return append(t.UTC().AppendFormat(dst, time.DateTime), "\"\n}"...)
}

// orders are of a shop.
type orders struct {
	rng *rand.Rand
	n   int64
	key string
}

func newOrders(seed uint64) *orders { return &orders{rng: newRand(seed, 0x6f72_6465)} }

// Key is the customer of the last order.
func (o *orders) Key() string { return o.key }

var (
	orderGoods    = [...]string{"Lamp", "Chair", "Desk", "Kettle", "Backpack", "Headphones", "Notebook", "Bottle"}
	orderColors   = [...]string{"red", "blue", "green", "black", "white"}
	orderSizes    = [...]string{"S", "M", "L", "XL"}
	orderStatus   = [...]string{"pending", "paid", "shipped"}
	orderPayments = [...]string{"credit_card", "debit_card", "paypal", "bank_transfer"}
	orderPlaces   = [...]struct{ city, state, country string }{
		{"Lyon", "Rhône", "France"}, {"Leeds", "West Yorkshire", "United Kingdom"}, {"Porto", "Norte", "Portugal"},
		{"Abidjan", "Lagunes", "Côte d'Ivoire"}, {"Willemstad", "Curaçao", "Bonaire, Sint Eustatius and Saba"}, {"Austin", "Texas", "United States"},
	}
)

// Append appends an order: customer_id, order_id, order_date, status, shipping_address, purchaise_details (so spelt in
// the pipelines that this is for) and two product_details.
func (o *orders) Append(dst []byte, t time.Time) []byte {
	r := o.rng
	o.n++
	o.key = "user" + strconv.FormatInt(1000+r.Int64N(9000), 10)
	place := orderPlaces[r.IntN(len(orderPlaces))]
	dst = fmt.Appendf(dst, `{"customer_id":"%s","order_id":"o%d","order_date":"%s","status":"%s"`, o.key, o.n, t.UTC().Format("2006-01-02T15:04:05.000000Z"), orderStatus[r.IntN(len(orderStatus))])
	dst = fmt.Appendf(dst, `,"shipping_address":{"street":"%d High Street","city":"%s","state":"%s","zip":"%05d","country":"%s"}`, 1+r.IntN(200), place.city, place.state, r.IntN(100000), place.country)
	dst = fmt.Appendf(dst, `,"purchaise_details":{"payment_type":"%s","amount":%.2f,"currency":"EUR","instalments":%d}`, orderPayments[r.IntN(len(orderPayments))], 5+r.Float64()*495, 1+r.IntN(12))
	dst = append(dst, `,"product_details":[`...)
	for i := range 2 {
		if i > 0 {
			dst = append(dst, ',')
		}
		good := r.IntN(len(orderGoods))
		dst = fmt.Appendf(dst, `{"product_id":"p%d","name":"%s","quantity":%d,"item_details":{"color":"%s","size":"%s"}}`, 100+good, orderGoods[good], 1+r.IntN(5), orderColors[r.IntN(len(orderColors))], orderSizes[r.IntN(len(orderSizes))])
	}
	return append(dst, "]}"...)
}

// clicks are page views of a shop.
type clicks struct {
	rng *rand.Rand
	key string
}

func newClicks(seed uint64) *clicks { return &clicks{rng: newRand(seed, 0x636c_6963)} }

// Key is the user of the last click.
func (c *clicks) Key() string { return c.key }

var (
	clickPages     = [...]string{"/", "/search", "/product/1042", "/product/2077", "/cart", "/checkout", "/help"}
	clickReferrers = [...]string{"", "https://www.example.com/", "https://news.example.org/"}
)

// Append appends {"user","session","page","referrer","ms","time"}.
func (c *clicks) Append(dst []byte, t time.Time) []byte {
	c.key = "u" + strconv.Itoa(c.rng.IntN(5000))
	dst = append(append(append(dst, `{"user":"`...), c.key...), '"')
	dst = appendText(dst, "session", strconv.FormatUint(c.rng.Uint64(), 36))
	dst = appendText(dst, "page", clickPages[c.rng.IntN(len(clickPages))])
	dst = appendText(dst, "referrer", clickReferrers[c.rng.IntN(len(clickReferrers))])
	dst = appendInt(dst, "ms", 20+c.rng.Int64N(900))
	dst = append(dst, `,"time":"`...)
	return append(t.UTC().AppendFormat(dst, "2006-01-02T15:04:05.000Z"), `"}`...)
}
