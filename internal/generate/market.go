package generate

import (
	"math/rand/v2"
	"strconv"
	"time"
)

// tickers are what is traded, each with the price that it starts at.
var tickers = [...]struct {
	name  string
	price float64
}{{"AAPL", 228}, {"AMZN", 202}, {"GOOG", 176}, {"MSFT", 425}, {"TSLA", 352}}

var areas = [...]string{"Equities", "Derivatives", "Fixed Income", "Commodities", "FX"}

const marketLayout = "2006-01-02 15:04:05.000"

// prices wander by up to a thousandth a record.
type prices struct {
	rng  *rand.Rand
	last [len(tickers)]float64
}

func newPrices(seed uint64) *prices {
	p := &prices{rng: newRand(seed, 0x7072_6963)}
	for i, t := range tickers {
		p.last[i] = t.price
	}
	return p
}

// Append appends {"ticker","price","bid","ask","time"}.
func (p *prices) Append(dst []byte, t time.Time) []byte {
	i := p.rng.IntN(len(tickers))
	p.last[i] *= 1 + (p.rng.Float64()-0.5)/500
	price := p.last[i]
	dst = append(append(append(dst, `{"ticker":"`...), tickers[i].name...), '"')
	dst = appendDecimal(dst, "price", price, 2)
	dst = appendDecimal(dst, "bid", price*0.9995, 2)
	dst = appendDecimal(dst, "ask", price*1.0005, 2)
	dst = append(dst, `,"time":"`...)
	return append(t.UTC().AppendFormat(dst, marketLayout), `"}`...)
}

// trades number themselves from 1.
type trades struct {
	rng *rand.Rand
	n   int64
}

func newTrades(seed uint64) *trades { return &trades{rng: newRand(seed, 0x7472_6164)} }

// Append appends {"trade_id","ticker","trading_area","side","qty","price","trader","time"}.
func (s *trades) Append(dst []byte, t time.Time) []byte {
	s.n++
	ticker := tickers[s.rng.IntN(len(tickers))]
	dst = strconv.AppendInt(append(dst, `{"trade_id":`...), s.n, 10)
	dst = appendText(dst, "ticker", ticker.name)
	dst = appendText(dst, "trading_area", areas[s.rng.IntN(len(areas))])
	dst = appendText(dst, "side", [...]string{"BUY", "SELL"}[s.rng.IntN(2)])
	dst = appendInt(dst, "qty", 1+s.rng.Int64N(1000))
	dst = appendDecimal(dst, "price", ticker.price*(0.95+s.rng.Float64()/10), 2)
	dst = strconv.AppendInt(append(dst, `,"trader":"t`...), s.rng.Int64N(40), 10)
	dst = append(dst, `","time":"`...)
	return append(t.UTC().AppendFormat(dst, marketLayout), `"}`...)
}
