{
    "id": "{{random.uuid}}",
    "ticker": "{{random.arrayElement(
        ["AAPL","AMZN","GOOG","MSFT","TSLA"]
    )}}",
    "trader": {{random.number(
        {
            "min":1,
            "max":4
        }
    )}},
    "qty": {{random.number(50)}},
    "price": {{random.number(
        {
            "min":10,
            "max":500
        }
    )}},
    "side": "{{random.weightedArrayElement(
        {
            "weights": [0.6,0.4],
            "data": ["BUY","SELL"]
        }
    )}}",
    "time": "{{date.now("YYYY-MM-DD HH:mm:ss")}}"
}
