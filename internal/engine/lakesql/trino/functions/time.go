package functions

import "github.com/brookmere/brookmere/internal/engine/sql/signature"

var times = topic("dates and times", signature.List{
	{Name: "now", Description: "When the query began.", Forms: []Form{{Returns: "timestamp(3) with time zone"}}},
	{Name: "current_timestamp", Kind: signature.Expression, Description: "When the query began.", Syntax: "CURRENT_TIMESTAMP [(precision)]", Forms: []Form{
		{Returns: "timestamp(3) with time zone"},
		{Args: Types{"bigint"}, Returns: "timestamp(3) with time zone"},
	}},
	{Name: "localtimestamp", Kind: signature.Expression, Description: "When the query began, without a zone.", Syntax: "LOCALTIMESTAMP [(precision)]", Forms: []Form{
		{Returns: "timestamp(3)"},
		{Args: Types{"bigint"}, Returns: "timestamp(3)"},
	}},
	{Name: "current_time", Kind: signature.Expression, Description: "The time of day at which the query began.", Syntax: "CURRENT_TIME [(precision)]", Forms: []Form{
		{Returns: "time(3)"},
		{Args: Types{"bigint"}, Returns: "time(3)"},
	}},
	{Name: "localtime", Kind: signature.Expression, Description: "The time of day at which the query began, without a zone.", Syntax: "LOCALTIME [(precision)]", Forms: []Form{
		{Returns: "time(3)"},
		{Args: Types{"bigint"}, Returns: "time(3)"},
	}},
	{Name: "current_date", Description: "The day on which the query began.", Syntax: "CURRENT_DATE", Forms: []Form{{Returns: "date"}}},
	{Name: "current_timezone", Description: "The zone of the session: UTC.", Forms: []Form{{Returns: "varchar"}}},
	{Name: "extract", Kind: signature.Expression, Description: "A field of a date, time or interval.", Syntax: "EXTRACT(field FROM x)", Forms: []Form{{Args: Types{"timestamp(p)"}, Returns: "bigint"}}},
	{Name: "date", Description: "The value as a date.", Forms: []Form{
		{Args: Types{"varchar(x)"}, Returns: "date"},
		{Args: Types{"date"}, Returns: "date"},
		{Args: Types{"timestamp(p)"}, Returns: "date"},
		{Args: Types{"timestamp(p) with time zone"}, Returns: "date"},
	}},
	{Name: "year", Description: "The year.", Forms: []Form{
		{Args: Types{"date"}, Returns: "bigint"},
		{Args: Types{"timestamp(p)"}, Returns: "bigint"},
		{Args: Types{"timestamp(p) with time zone"}, Returns: "bigint"},
		{Args: Types{"interval year to month"}, Returns: "bigint"},
	}},
	{Name: "quarter", Description: "The quarter of the year, from 1 to 4.", Forms: []Form{
		{Args: Types{"date"}, Returns: "bigint"},
		{Args: Types{"timestamp(p)"}, Returns: "bigint"},
		{Args: Types{"timestamp(p) with time zone"}, Returns: "bigint"},
	}},
	{Name: "month", Description: "The month of the year, from 1 to 12.", Forms: []Form{
		{Args: Types{"date"}, Returns: "bigint"},
		{Args: Types{"timestamp(p)"}, Returns: "bigint"},
		{Args: Types{"timestamp(p) with time zone"}, Returns: "bigint"},
		{Args: Types{"interval year to month"}, Returns: "bigint"},
	}},
	{Name: "week", Description: "The ISO week of the year, from 1 to 53.", Forms: []Form{
		{Args: Types{"date"}, Returns: "bigint"},
		{Args: Types{"timestamp(p)"}, Returns: "bigint"},
		{Args: Types{"timestamp(p) with time zone"}, Returns: "bigint"},
	}},
	{Name: "week_of_year", Description: "The ISO week of the year, from 1 to 53.", Forms: []Form{
		{Args: Types{"date"}, Returns: "bigint"},
		{Args: Types{"timestamp(p)"}, Returns: "bigint"},
		{Args: Types{"timestamp(p) with time zone"}, Returns: "bigint"},
	}},
	{Name: "day", Description: "The day of the month.", Forms: []Form{
		{Args: Types{"date"}, Returns: "bigint"},
		{Args: Types{"timestamp(p)"}, Returns: "bigint"},
		{Args: Types{"timestamp(p) with time zone"}, Returns: "bigint"},
		{Args: Types{"interval day to second"}, Returns: "bigint"},
	}},
	{Name: "day_of_month", Description: "The day of the month.", Forms: []Form{
		{Args: Types{"date"}, Returns: "bigint"},
		{Args: Types{"timestamp(p)"}, Returns: "bigint"},
		{Args: Types{"timestamp(p) with time zone"}, Returns: "bigint"},
		{Args: Types{"interval day to second"}, Returns: "bigint"},
	}},
	{Name: "day_of_week", Description: "The day of the week, from 1 for Monday to 7.", Forms: []Form{
		{Args: Types{"date"}, Returns: "bigint"},
		{Args: Types{"timestamp(p)"}, Returns: "bigint"},
		{Args: Types{"timestamp(p) with time zone"}, Returns: "bigint"},
	}},
	{Name: "dow", Description: "The day of the week, from 1 for Monday to 7.", Forms: []Form{
		{Args: Types{"date"}, Returns: "bigint"},
		{Args: Types{"timestamp(p)"}, Returns: "bigint"},
		{Args: Types{"timestamp(p) with time zone"}, Returns: "bigint"},
	}},
	{Name: "day_of_year", Description: "The day of the year, from 1 to 366.", Forms: []Form{
		{Args: Types{"date"}, Returns: "bigint"},
		{Args: Types{"timestamp(p)"}, Returns: "bigint"},
		{Args: Types{"timestamp(p) with time zone"}, Returns: "bigint"},
	}},
	{Name: "doy", Description: "The day of the year, from 1 to 366.", Forms: []Form{
		{Args: Types{"date"}, Returns: "bigint"},
		{Args: Types{"timestamp(p)"}, Returns: "bigint"},
		{Args: Types{"timestamp(p) with time zone"}, Returns: "bigint"},
	}},
	{Name: "year_of_week", Description: "The year that the ISO week belongs to.", Forms: []Form{
		{Args: Types{"date"}, Returns: "bigint"},
		{Args: Types{"timestamp(p)"}, Returns: "bigint"},
		{Args: Types{"timestamp(p) with time zone"}, Returns: "bigint"},
	}},
	{Name: "yow", Description: "The year that the ISO week belongs to.", Forms: []Form{
		{Args: Types{"date"}, Returns: "bigint"},
		{Args: Types{"timestamp(p)"}, Returns: "bigint"},
		{Args: Types{"timestamp(p) with time zone"}, Returns: "bigint"},
	}},
	{Name: "hour", Description: "The hour of the day, from 0 to 23.", Forms: []Form{
		{Args: Types{"time(p)"}, Returns: "bigint"},
		{Args: Types{"time(p) with time zone"}, Returns: "bigint"},
		{Args: Types{"timestamp(p)"}, Returns: "bigint"},
		{Args: Types{"timestamp(p) with time zone"}, Returns: "bigint"},
		{Args: Types{"interval day to second"}, Returns: "bigint"},
	}},
	{Name: "minute", Description: "The minute of the hour.", Forms: []Form{
		{Args: Types{"time(p)"}, Returns: "bigint"},
		{Args: Types{"time(p) with time zone"}, Returns: "bigint"},
		{Args: Types{"timestamp(p)"}, Returns: "bigint"},
		{Args: Types{"timestamp(p) with time zone"}, Returns: "bigint"},
		{Args: Types{"interval day to second"}, Returns: "bigint"},
	}},
	{Name: "second", Description: "The second of the minute.", Forms: []Form{
		{Args: Types{"time(p)"}, Returns: "bigint"},
		{Args: Types{"time(p) with time zone"}, Returns: "bigint"},
		{Args: Types{"timestamp(p)"}, Returns: "bigint"},
		{Args: Types{"timestamp(p) with time zone"}, Returns: "bigint"},
		{Args: Types{"interval day to second"}, Returns: "bigint"},
	}},
	{Name: "millisecond", Description: "The millisecond of the second.", Forms: []Form{
		{Args: Types{"time(p)"}, Returns: "bigint"},
		{Args: Types{"time(p) with time zone"}, Returns: "bigint"},
		{Args: Types{"timestamp(p)"}, Returns: "bigint"},
		{Args: Types{"timestamp(p) with time zone"}, Returns: "bigint"},
		{Args: Types{"interval day to second"}, Returns: "bigint"},
	}},
	{Name: "timezone_hour", Description: "The hours by which the zone differs from UTC.", Forms: []Form{
		{Args: Types{"timestamp(p) with time zone"}, Returns: "bigint"},
		{Args: Types{"time(p) with time zone"}, Returns: "bigint"},
	}},
	{Name: "timezone_minute", Description: "The minutes beside the hours by which the zone differs from UTC.", Forms: []Form{
		{Args: Types{"timestamp(p) with time zone"}, Returns: "bigint"},
		{Args: Types{"time(p) with time zone"}, Returns: "bigint"},
	}},
	{Name: "timezone", Description: "The name of the value's zone.", Forms: []Form{
		{Args: Types{"timestamp(p) with time zone"}, Returns: "varchar"},
		{Args: Types{"time(p) with time zone"}, Returns: "varchar"},
	}},
	{Name: "last_day_of_month", Description: "The last day of the month.", Forms: []Form{
		{Args: Types{"date"}, Returns: "date"},
		{Args: Types{"timestamp(p)"}, Returns: "date"},
		{Args: Types{"timestamp(p) with time zone"}, Returns: "date"},
	}},
	{Name: "date_trunc", Description: "The beginning of the unit of time that a value lies in.", Forms: []Form{
		{Args: Types{"varchar(x)", "date"}, Returns: "date"},
		{Args: Types{"varchar(x)", "timestamp(p)"}, Returns: "timestamp(p)"},
		{Args: Types{"varchar(x)", "timestamp(p) with time zone"}, Returns: "timestamp(p) with time zone"},
		{Args: Types{"varchar(x)", "time(p)"}, Returns: "time(p)"},
	}},
	{Name: "date_add", Description: "The value so many units of time later.", Forms: []Form{
		{Args: Types{"varchar(x)", "bigint", "date"}, Returns: "date"},
		{Args: Types{"varchar(x)", "bigint", "timestamp(p)"}, Returns: "timestamp(p)"},
		{Args: Types{"varchar(x)", "bigint", "timestamp(p) with time zone"}, Returns: "timestamp(p) with time zone"},
		{Args: Types{"varchar(x)", "bigint", "time(p)"}, Returns: "time(p)"},
	}},
	{Name: "date_diff", Description: "How many whole units of time lie between the first value and the second.", Forms: []Form{
		{Args: Types{"varchar(x)", "date", "date"}, Returns: "bigint"},
		{Args: Types{"varchar(x)", "timestamp(p)", "timestamp(p)"}, Returns: "bigint"},
		{Args: Types{"varchar(x)", "timestamp(p) with time zone", "timestamp(p) with time zone"}, Returns: "bigint"},
		{Args: Types{"varchar(x)", "time(p)", "time(p)"}, Returns: "bigint"},
	}},
	{Name: "from_unixtime", Description: "The time so many seconds after 1970, in UTC, at an offset of hours and minutes, or in a zone.", Forms: []Form{
		{Args: Types{"double"}, Returns: "timestamp(3) with time zone"},
		{Args: Types{"double", "bigint", "bigint"}, Returns: "timestamp(3) with time zone"},
		{Args: Types{"double", "varchar(x)"}, Returns: "timestamp(3) with time zone"},
	}},
	{Name: "to_unixtime", Description: "The seconds from 1970 to a time.", Forms: []Form{
		{Args: Types{"timestamp(p)"}, Returns: "double"},
		{Args: Types{"timestamp(p) with time zone"}, Returns: "double"},
	}},
	{Name: "from_unixtime_nanos", Description: "The time so many nanoseconds after 1970, in UTC.", Forms: []Form{
		{Args: Types{"bigint"}, Returns: "timestamp(9) with time zone"},
		{Args: Types{"decimal(p,s)"}, Returns: "timestamp(9) with time zone"},
	}},
	{Name: "from_iso8601_timestamp", Description: "The time that a text of ISO 8601 says.", Forms: []Form{{Args: Types{"varchar(x)"}, Returns: "timestamp(3) with time zone"}}},
	{Name: "from_iso8601_date", Description: "The date that a text of ISO 8601 says.", Forms: []Form{{Args: Types{"varchar(x)"}, Returns: "date"}}},
	{Name: "to_iso8601", Description: "The date or time as a text of ISO 8601.", Forms: []Form{
		{Args: Types{"date"}, Returns: "varchar(35)"},
		{Args: Types{"timestamp(p)"}, Returns: "varchar(35)"},
		{Args: Types{"timestamp(p) with time zone"}, Returns: "varchar(35)"},
	}},
	{Name: "at_timezone", Description: "The same instant on the clocks of another zone.", Forms: []Form{
		{Args: Types{"timestamp(p) with time zone", "varchar(x)"}, Returns: "timestamp(p) with time zone"},
		{Args: Types{"time(p) with time zone", "varchar(x)"}, Returns: "time(p) with time zone"},
	}},
	{Name: "with_timezone", Description: "The time on the clocks of a zone.", Forms: []Form{{Args: Types{"timestamp(p)", "varchar(x)"}, Returns: "timestamp(p) with time zone"}}},
	{Name: "to_milliseconds", Description: "An interval in milliseconds.", Forms: []Form{{Args: Types{"interval day to second"}, Returns: "bigint"}}},
	{Name: "parse_duration", Description: "The interval that a text such as 3.81d says.", Forms: []Form{{Args: Types{"varchar(x)"}, Returns: "interval day to second"}}},
	{Name: "human_readable_seconds", Description: "Seconds in weeks, days, hours, minutes and seconds.", Forms: []Form{{Args: Types{"double"}, Returns: "varchar"}}},
	{Name: "date_format", Description: "The date or time in a format of MySQL's.", Forms: []Form{
		{Args: Types{"date", "varchar(x)"}, Returns: "varchar"},
		{Args: Types{"timestamp(p)", "varchar(x)"}, Returns: "varchar"},
		{Args: Types{"timestamp(p) with time zone", "varchar(x)"}, Returns: "varchar"},
	}},
	{Name: "date_parse", Description: "The time that a text in a format of MySQL's says.", Forms: []Form{{Args: Types{"varchar(x)", "varchar(y)"}, Returns: "timestamp(3)"}}},
	{Name: "format_datetime", Description: "The date or time in a format of Joda's.", Forms: []Form{
		{Args: Types{"date", "varchar(x)"}, Returns: "varchar"},
		{Args: Types{"timestamp(p)", "varchar(x)"}, Returns: "varchar"},
		{Args: Types{"timestamp(p) with time zone", "varchar(x)"}, Returns: "varchar"},
	}},
	{Name: "to_char", Description: "The time in a format of Teradata's: yyyy, yy, mm, dd, hh, hh24, mi, ss.", Forms: []Form{{Args: Types{"timestamp(p) with time zone", "varchar(x)"}, Returns: "varchar"}}},
	{Name: "to_date", Description: "The date that a text in a format of Teradata's says.", Forms: []Form{{Args: Types{"varchar(x)", "varchar(y)"}, Returns: "date"}}},
	{Name: "to_timestamp", Description: "The time that a text in a format of Teradata's says.", Forms: []Form{{Args: Types{"varchar(x)", "varchar(y)"}, Returns: "timestamp(3)"}}},
	{Name: "parse_datetime", Description: "The time that a text in a format of Joda's says.", Forms: []Form{{Args: Types{"varchar(x)", "varchar(y)"}, Returns: "timestamp(3) with time zone"}}},
})
