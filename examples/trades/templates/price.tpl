{
    "ticker": "{{random.arrayElement(
        ["AAPL","AMZN","GOOG","MSFT","TSLA"]
    )}}",
    "price": {{random.number(
        {
            "min":10,
            "max":500
        }
    )}},
    "time": "{{date.now}}"
}
