package streamsql

import (
	"strings"
	"time"
)

var timeFunctions = []scalarFunction{
	{Name: "CURRENT_DATE", Syntax: "CURRENT_DATE", Doc: "The day of the step, in UTC.", volatile: true, result: returns(Date), eval: func(f *frame, _ []value, _ []*compiled) value { return whole(floorTo(f.now, msDay)) }},
	{Name: "CURRENT_TIME|LOCALTIME", Syntax: "CURRENT_TIME", Doc: "The time of day of the step, in UTC.", volatile: true, params: []param{integral}, optional: 1, result: returns(Time), eval: func(f *frame, _ []value, _ []*compiled) value { return whole(f.now - floorTo(f.now, msDay)) }},
	{Name: "CURRENT_TIMESTAMP|LOCALTIMESTAMP|CURRENT_ROW_TIMESTAMP", Syntax: "CURRENT_TIMESTAMP", Doc: "The time of the step, in UTC.", volatile: true, params: []param{integral}, optional: 1, result: returns(Timestamp), eval: func(f *frame, _ []value, _ []*compiled) value { return whole(f.now) }},
	{Name: "TSDIFF", Syntax: "TSDIFF(start, end)", Doc: "How many milliseconds lie between two times; with a unit before them, how many of it.", params: []param{anyType, anyType, anyType}, optional: 1, result: returns(BigInt), eval: tsdiff},
	{Name: "UNIX_TIMESTAMP", Syntax: "UNIX_TIMESTAMP(time)", Doc: "A time as milliseconds since 1970.", params: []param{temporal}, result: returns(BigInt), eval: func(_ *frame, a []value, _ []*compiled) value { return a[0] }},
	{Name: "TO_TIMESTAMP", Syntax: "TO_TIMESTAMP(milliseconds)", Doc: "A time of milliseconds since 1970.", params: []param{integral}, result: returns(Timestamp), eval: func(_ *frame, a []value, _ []*compiled) value { return a[0] }},
	{Name: "CHAR_TO_TIMESTAMP", Syntax: "CHAR_TO_TIMESTAMP(format, text)", Doc: "A text read as a time by a format of SimpleDateFormat's.", params: []param{textual, textual}, result: returns(Timestamp), eval: charTo(Timestamp)},
	{Name: "CHAR_TO_DATE", Syntax: "CHAR_TO_DATE(format, text)", Doc: "A text read as a day by a format.", params: []param{textual, textual}, result: returns(Date), eval: charTo(Date)},
	{Name: "CHAR_TO_TIME", Syntax: "CHAR_TO_TIME(format, text)", Doc: "A text read as a time of day by a format.", params: []param{textual, textual}, result: returns(Time), eval: charTo(Time)},
	{Name: "TIMESTAMP_TO_CHAR", Syntax: "TIMESTAMP_TO_CHAR(format, time)", Doc: "A time written by a format; null is written as null.", params: []param{textual, temporal}, nulls: true, result: varchar, eval: toChar},
	{Name: "DATE_TO_CHAR", Syntax: "DATE_TO_CHAR(format, date)", Doc: "A day written by a format; null is written as null.", params: []param{textual, temporal}, nulls: true, result: varchar, eval: toChar},
	{Name: "TIME_TO_CHAR", Syntax: "TIME_TO_CHAR(format, time)", Doc: "A time of day written by a format; null is written as null.", params: []param{textual, anyType}, nulls: true, result: varchar, eval: toChar},
	{Name: "DATEADD|TIMESTAMPADD", Syntax: "DATEADD(unit, number, time)", Doc: "A time moved by a number of units.", params: []param{textual, integral, temporal}, result: returns(Timestamp), eval: dateAdd},
	{Name: "DATEDIFF", Syntax: "DATEDIFF(unit, start, end)", Doc: "How many bounds of a unit lie between two times.", params: []param{textual, temporal, temporal}, result: returns(BigInt), eval: dateDiff},
	{Name: "DATEPART", Syntax: "DATEPART(unit, time)", Doc: "A field of a time.", params: []param{textual, temporal}, result: returns(BigInt), eval: func(f *frame, a []value, _ []*compiled) value {
		u := dateUnit(a[0].s)
		if u == "" {
			return f.fail(badUnit(a[0].s))
		}
		return whole(extract(u, a[1].i, timestampType))
	}},
	{Name: "YEAR", Syntax: "YEAR(time)", Doc: "The year of a time.", params: []param{temporal}, result: returns(BigInt), eval: part("YEAR")},
	{Name: "QUARTER", Syntax: "QUARTER(time)", Doc: "The quarter of a time.", params: []param{temporal}, result: returns(BigInt), eval: part("QUARTER")},
	{Name: "MONTH", Syntax: "MONTH(time)", Doc: "The month of a time.", params: []param{temporal}, result: returns(BigInt), eval: part("MONTH")},
	{Name: "WEEK", Syntax: "WEEK(time)", Doc: "The week of a time in its year.", params: []param{temporal}, result: returns(BigInt), eval: part("WEEK")},
	{Name: "DAYOFMONTH", Syntax: "DAYOFMONTH(time)", Doc: "The day of a time in its month.", params: []param{temporal}, result: returns(BigInt), eval: part("DAY")},
	{Name: "DAYOFWEEK", Syntax: "DAYOFWEEK(time)", Doc: "The day of a time in its week, Sunday being 1.", params: []param{temporal}, result: returns(BigInt), eval: part("DOW")},
	{Name: "DAYOFYEAR", Syntax: "DAYOFYEAR(time)", Doc: "The day of a time in its year.", params: []param{temporal}, result: returns(BigInt), eval: part("DOY")},
	{Name: "HOUR", Syntax: "HOUR(time)", Doc: "The hour of a time.", params: []param{temporal}, result: returns(BigInt), eval: part("HOUR")},
	{Name: "MINUTE", Syntax: "MINUTE(time)", Doc: "The minute of a time.", params: []param{temporal}, result: returns(BigInt), eval: part("MINUTE")},
	{Name: "SECOND", Syntax: "SECOND(time)", Doc: "The second of a time.", params: []param{temporal}, result: returns(BigInt), eval: part("SECOND")},
}

// unitFirst are the functions whose first argument is a unit as a word.
var unitFirst = map[string]bool{"DATEADD": true, "TIMESTAMPADD": true, "DATEDIFF": true, "DATEPART": true}

func part(field string) func(*frame, []value, []*compiled) value {
	return func(_ *frame, a []value, _ []*compiled) value { return whole(extract(field, a[0].i, timestampType)) }
}

// dateUnit is a unit by its names and short forms; empty: there is none of that name.
func dateUnit(s string) string {
	switch strings.ToUpper(s) {
	case "YEAR", "YY", "YYYY", "SQL_TSI_YEAR":
		return "YEAR"
	case "QUARTER", "QQ", "Q", "SQL_TSI_QUARTER":
		return "QUARTER"
	case "MONTH", "MM", "M", "SQL_TSI_MONTH":
		return "MONTH"
	case "WEEK", "WK", "WW", "SQL_TSI_WEEK":
		return "WEEK"
	case "DAY", "DD", "D", "SQL_TSI_DAY":
		return "DAY"
	case "DAYOFYEAR", "DY", "DOY":
		return "DOY"
	case "WEEKDAY", "DW", "DOW":
		return "DOW"
	case "HOUR", "HH", "SQL_TSI_HOUR":
		return "HOUR"
	case "MINUTE", "MI", "N", "SQL_TSI_MINUTE":
		return "MINUTE"
	case "SECOND", "SS", "S", "SQL_TSI_SECOND":
		return "SECOND"
	case "MILLISECOND", "MS":
		return "MILLISECOND"
	}
	return ""
}

func badUnit(s string) *rowError {
	return &rowError{errorArgument, "'" + s + "' is not a unit of time"}
}

// monthsOf is the month of a time, counted from year 0.
func monthsOf(ms int64) int64 {
	t := time.UnixMilli(ms).UTC()
	return int64(t.Year())*12 + int64(t.Month()) - 1
}

func dateAdd(f *frame, a []value, _ []*compiled) value {
	n := a[1].i
	if n > 1e9 || n < -1e9 {
		return f.fail(&rowError{errorNumericRange, "A time cannot be moved that far"})
	}
	switch u := dateUnit(a[0].s); u {
	case "YEAR":
		return whole(addMonths(a[2].i, 12*n))
	case "QUARTER":
		return whole(addMonths(a[2].i, 3*n))
	case "MONTH":
		return whole(addMonths(a[2].i, n))
	case "MILLISECOND":
		return whole(a[2].i + n)
	case "", "DOY", "DOW":
		return f.fail(badUnit(a[0].s))
	default:
		return whole(a[2].i + n*unitOf(Type{Precision: unitIndex(u)}))
	}
}

func dateDiff(f *frame, a []value, _ []*compiled) value {
	switch u := dateUnit(a[0].s); u {
	case "YEAR", "QUARTER", "MONTH":
		size := unitOf(Type{Precision: unitIndex(u)})
		return whole(floorTo(monthsOf(a[2].i), size)/size - floorTo(monthsOf(a[1].i), size)/size)
	case "MILLISECOND":
		return whole(a[2].i - a[1].i)
	case "", "DOY", "DOW":
		return f.fail(badUnit(a[0].s))
	default:
		return whole((floorTime(a[2].i, u) - floorTime(a[1].i, u)) / unitOf(Type{Precision: unitIndex(u)}))
	}
}

func tsdiff(f *frame, a []value, args []*compiled) value {
	millis := func(i int) int64 {
		v, t := a[i], args[i].t
		if t.isTime() {
			return v.i
		}
		to := Type{Kind: BigInt}
		if t.isString() {
			to = timestampType
		}
		v, err := cast(v, t, to, f.now)
		if err != nil {
			f.fail(err)
		}
		return v.i
	}
	if len(a) == 2 {
		return whole(millis(1) - millis(0))
	}
	u := dateUnit(a[0].s)
	if u == "" {
		return f.fail(badUnit(a[0].s))
	}
	d := millis(2) - millis(1)
	switch u {
	case "YEAR", "QUARTER", "MONTH":
		from, to := millis(len(a)-2), millis(len(a)-1)
		n := monthsOf(to) - monthsOf(from)
		switch {
		case n > 0 && addMonths(from, n) > to:
			n--
		case n < 0 && addMonths(from, n) < to:
			n++
		}
		return whole(n / unitOf(Type{Precision: unitIndex(u)}))
	case "MILLISECOND":
		return whole(d)
	}
	return whole(d / unitOf(Type{Precision: unitIndex(u)}))
}

func charTo(k Kind) func(*frame, []value, []*compiled) value {
	return func(f *frame, a []value, _ []*compiled) value {
		ms, ok := parseFormat(a[0].s, a[1].s)
		if !ok {
			return f.fail(&rowError{errorInvalidTime, "'" + a[1].s + "' is not of the format '" + a[0].s + "'"})
		}
		switch k {
		case Date:
			ms = floorTo(ms, msDay)
		case Time:
			ms -= floorTo(ms, msDay)
		}
		return whole(ms)
	}
}

func toChar(f *frame, a []value, args []*compiled) value {
	if a[0].null || a[1].null {
		return text("null")
	}
	v := a[1]
	if t := args[1].t; !t.isTime() {
		var err *rowError
		if v, err = cast(v, t, Type{Kind: Time}, f.now); err != nil {
			return f.fail(err)
		}
	}
	return text(writeFormat(a[0].s, v.i))
}
