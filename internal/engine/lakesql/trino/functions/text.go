package functions

import "github.com/brookmere/brookmere/internal/engine/sql/signature"

var text = topic("text", signature.List{
	{Name: "length", Description: "The number of characters, or of bytes.", Forms: []Form{
		{Args: Types{"varchar(x)"}, Returns: "bigint"},
		{Args: Types{"varbinary"}, Returns: "bigint"},
	}},
	{Name: "lower", Description: "The text in lower case.", Forms: []Form{{Args: Types{"varchar(x)"}, Returns: "varchar(x)"}}},
	{Name: "upper", Description: "The text in upper case.", Forms: []Form{{Args: Types{"varchar(x)"}, Returns: "varchar(x)"}}},
	{Name: "trim", Description: "The text without white space, or the given characters, at both ends.", Forms: []Form{
		{Args: Types{"varchar(x)"}, Returns: "varchar(x)"},
		{Args: Types{"varchar(x)", "varchar"}, Returns: "varchar(x)"},
	}},
	{Name: "ltrim", Description: "The text without white space, or the given characters, at its beginning.", Forms: []Form{
		{Args: Types{"varchar(x)"}, Returns: "varchar(x)"},
		{Args: Types{"varchar(x)", "varchar"}, Returns: "varchar(x)"},
	}},
	{Name: "rtrim", Description: "The text without white space, or the given characters, at its end.", Forms: []Form{
		{Args: Types{"varchar(x)"}, Returns: "varchar(x)"},
		{Args: Types{"varchar(x)", "varchar"}, Returns: "varchar(x)"},
	}},
	{Name: "substr", Description: "A part of the text from a place on, which counts from 1 or, if negative, from the end.", Forms: []Form{
		{Args: Types{"varchar(x)", "bigint"}, Returns: "varchar(x)"},
		{Args: Types{"varchar(x)", "bigint", "bigint"}, Returns: "varchar(x)"},
		{Args: Types{"varbinary", "bigint"}, Returns: "varbinary"},
		{Args: Types{"varbinary", "bigint", "bigint"}, Returns: "varbinary"},
	}},
	{Name: "substring", Description: "A part of the text from a place on, which counts from 1 or, if negative, from the end.", Forms: []Form{
		{Args: Types{"varchar(x)", "bigint"}, Returns: "varchar(x)"},
		{Args: Types{"varchar(x)", "bigint", "bigint"}, Returns: "varchar(x)"},
		{Args: Types{"varbinary", "bigint"}, Returns: "varbinary"},
		{Args: Types{"varbinary", "bigint", "bigint"}, Returns: "varbinary"},
	}},
	{Name: "concat", Description: "Its arguments one behind the other.", Forms: []Form{
		{Args: Types{"char(x)", "char(y)"}, Returns: "char(u)"},
		{Args: Types{"array(E)", "E"}, Returns: "array(E)"},
		{Args: Types{"E", "array(E)"}, Returns: "array(E)"},
		{Args: Types{"array(E)", "array(E)"}, Variadic: true, Returns: "array(E)"},
		{Args: Types{"varchar", "varchar"}, Variadic: true, Returns: "varchar"},
		{Args: Types{"varbinary", "varbinary"}, Variadic: true, Returns: "varbinary"},
	}},
	{Name: "concat_ws", Description: "Texts one behind the other with a separator, the first argument, between them.", Forms: []Form{
		{Args: Types{"varchar", "varchar"}, Variadic: true, Returns: "varchar"},
		{Args: Types{"varchar", "array(varchar)"}, Returns: "varchar"},
	}},
	{Name: "split", Description: "The parts of a text between delimiters, at most n of them.", Forms: []Form{
		{Args: Types{"varchar(x)", "varchar"}, Returns: "array(varchar(x))"},
		{Args: Types{"varchar(x)", "varchar", "bigint"}, Returns: "array(varchar(x))"},
	}},
	{Name: "split_part", Description: "The n-th part of a text between delimiters, from 1.", Forms: []Form{{Args: Types{"varchar(x)", "varchar", "bigint"}, Returns: "varchar(x)"}}},
	{Name: "split_to_map", Description: "A map of a text of entries: the delimiter of entries, that of keys and values.", Forms: []Form{{Args: Types{"varchar", "varchar", "varchar"}, Returns: "map(varchar,varchar)"}}},
	{Name: "split_to_multimap", Description: "A map of each key of a text of entries to all its values.", Forms: []Form{{Args: Types{"varchar", "varchar", "varchar"}, Returns: "map(varchar,array(varchar))"}}},
	{Name: "index", Description: "Where a text has another, from 1; 0 if it has not, as Teradata's.", Forms: []Form{{Args: Types{"varchar", "varchar"}, Returns: "bigint"}}},
	{Name: "strpos", Description: "Where a text has another for the first, or the n-th, time, from 1; 0 if it has not.", Forms: []Form{
		{Args: Types{"varchar", "varchar"}, Returns: "bigint"},
		{Args: Types{"varchar", "varchar", "bigint"}, Returns: "bigint"},
	}},
	{Name: "replace", Description: "The text with every occurrence of another removed or replaced.", Forms: []Form{
		{Args: Types{"varchar", "varchar"}, Returns: "varchar"},
		{Args: Types{"varchar", "varchar", "varchar"}, Returns: "varchar"},
	}},
	{Name: "lpad", Description: "The text cut or padded at its beginning to a length.", Forms: []Form{
		{Args: Types{"varchar", "bigint", "varchar"}, Returns: "varchar"},
		{Args: Types{"varbinary", "bigint", "varbinary"}, Returns: "varbinary"},
	}},
	{Name: "rpad", Description: "The text cut or padded at its end to a length.", Forms: []Form{
		{Args: Types{"varchar", "bigint", "varchar"}, Returns: "varchar"},
		{Args: Types{"varbinary", "bigint", "varbinary"}, Returns: "varbinary"},
	}},
	{Name: "starts_with", Description: "Whether a text begins with another.", Forms: []Form{{Args: Types{"varchar", "varchar"}, Returns: "boolean"}}},
	{Name: "ends_with", Description: "Whether a text ends with another.", Forms: []Form{{Args: Types{"varchar", "varchar"}, Returns: "boolean"}}},
	{Name: "chr", Description: "The character of a Unicode code point.", Forms: []Form{{Args: Types{"bigint"}, Returns: "varchar"}}},
	{Name: "codepoint", Description: "The Unicode code point of the only character of a text.", Forms: []Form{{Args: Types{"varchar"}, Returns: "integer"}}},
	{Name: "levenshtein_distance", Description: "How many characters must be inserted, removed or replaced to turn one text into the other.", Forms: []Form{{Args: Types{"varchar", "varchar"}, Returns: "bigint"}}},
	{Name: "hamming_distance", Description: "At how many places two texts of one length differ.", Forms: []Form{{Args: Types{"varchar", "varchar"}, Returns: "bigint"}}},
	{Name: "translate", Description: "The text with each character of the second argument replaced by that at its place in the third.", Forms: []Form{{Args: Types{"varchar", "varchar", "varchar"}, Returns: "varchar"}}},
	{Name: "normalize", Description: "The text in a normal form of Unicode.", Syntax: "NORMALIZE(x [, NFC or NFD or NFKC or NFKD])", Forms: []Form{
		{Args: Types{"varchar"}, Returns: "varchar"},
		{Args: Types{"varchar", "varchar"}, Returns: "varchar"},
	}},
	{Name: "word_stem", Description: "The stem of a word, in English or the language of a code: da, de, en, es, fi, fr, hu, ir, it, nl, no, pt, ro, ru, sv, tr.", Forms: []Form{
		{Args: Types{"varchar(x)"}, Returns: "varchar(x)"},
		{Args: Types{"varchar(x)", "varchar(2)"}, Returns: "varchar(x)"},
	}},
	{Name: "char2hexint", Description: "The code units of UTF-16 of a text in hexadecimal digits.", Forms: []Form{{Args: Types{"varchar"}, Returns: "varchar"}}},
	{Name: "soundex", Description: "A code of how an English word sounds.", Forms: []Form{{Args: Types{"varchar"}, Returns: "varchar"}}},
	{Name: "luhn_check", Description: "Whether digits pass the Luhn check of card numbers.", Forms: []Form{{Args: Types{"varchar"}, Returns: "boolean"}}},
	{Name: "format", Description: "Values put into a format of Java's kind.", Forms: []Form{{Args: Types{"varchar", "T"}, Variadic: true, Returns: "varchar"}}},
	{Name: "format_number", Description: "A number with a sign for its size: 1.23K.", Forms: []Form{{Args: Types{"double"}, Returns: "varchar"}}},
	{Name: "parse_data_size", Description: "The bytes that a size such as 2.3MB stands for.", Forms: []Form{{Args: Types{"varchar"}, Returns: "decimal(38,0)"}}},
	{Name: "reverse", Description: "The characters, bytes or elements from last to first.", Forms: []Form{
		{Args: Types{"varchar"}, Returns: "varchar"},
		{Args: Types{"varbinary"}, Returns: "varbinary"},
		{Args: Types{"array(E)"}, Returns: "array(E)"},
	}},
	{Name: "url_encode", Description: "The text escaped for a URL.", Forms: []Form{{Args: Types{"varchar"}, Returns: "varchar"}}},
	{Name: "url_decode", Description: "The text without a URL's escapes.", Forms: []Form{{Args: Types{"varchar"}, Returns: "varchar"}}},
	{Name: "url_extract_protocol", Description: "The scheme of a URL.", Forms: []Form{{Args: Types{"varchar(x)"}, Returns: "varchar(x)"}}},
	{Name: "url_extract_host", Description: "The host of a URL.", Forms: []Form{{Args: Types{"varchar(x)"}, Returns: "varchar(x)"}}},
	{Name: "url_extract_port", Description: "The port of a URL.", Forms: []Form{{Args: Types{"varchar"}, Returns: "bigint"}}},
	{Name: "url_extract_path", Description: "The path of a URL.", Forms: []Form{{Args: Types{"varchar(x)"}, Returns: "varchar(x)"}}},
	{Name: "url_extract_query", Description: "The query string of a URL.", Forms: []Form{{Args: Types{"varchar(x)"}, Returns: "varchar(x)"}}},
	{Name: "url_extract_fragment", Description: "The fragment of a URL.", Forms: []Form{{Args: Types{"varchar(x)"}, Returns: "varchar(x)"}}},
	{Name: "url_extract_parameter", Description: "The value of a parameter in a URL's query string.", Forms: []Form{{Args: Types{"varchar(x)", "varchar"}, Returns: "varchar(x)"}}},
})

var patterns = topic("regular expressions", signature.List{
	{Name: "regexp_like", Description: "Whether a pattern matches somewhere in a text.", Forms: []Form{{Args: Types{"varchar", "varchar"}, Returns: "boolean"}}},
	{Name: "regexp_extract", Description: "The first match of a pattern, or of one of its groups.", Forms: []Form{
		{Args: Types{"varchar(x)", "varchar"}, Returns: "varchar(x)"},
		{Args: Types{"varchar(x)", "varchar", "bigint"}, Returns: "varchar(x)"},
	}},
	{Name: "regexp_extract_all", Description: "All matches of a pattern, or of one of its groups.", Forms: []Form{
		{Args: Types{"varchar(x)", "varchar"}, Returns: "array(varchar(x))"},
		{Args: Types{"varchar(x)", "varchar", "bigint"}, Returns: "array(varchar(x))"},
	}},
	{Name: "regexp_count", Description: "How often a pattern matches.", Forms: []Form{{Args: Types{"varchar", "varchar"}, Returns: "bigint"}}},
	{Name: "regexp_split", Description: "The parts of a text between the matches of a pattern.", Forms: []Form{{Args: Types{"varchar(x)", "varchar"}, Returns: "array(varchar(x))"}}},
	{Name: "regexp_position", Description: "Where a pattern matches: from a place on, for the n-th time; -1 if it does not.", Forms: []Form{
		{Args: Types{"varchar", "varchar"}, Returns: "integer"},
		{Args: Types{"varchar", "varchar", "bigint"}, Returns: "integer"},
		{Args: Types{"varchar", "varchar", "bigint", "bigint"}, Returns: "integer"},
	}},
	{Name: "regexp_replace", Description: "The text with the matches of a pattern removed, or replaced by a text or by what a lambda makes of their groups.", Forms: []Form{
		{Args: Types{"varchar", "varchar"}, Returns: "varchar"},
		{Args: Types{"varchar", "varchar", "varchar"}, Returns: "varchar"},
		{Args: Types{"varchar", "varchar", "function(array(varchar),varchar)"}, Returns: "varchar"},
	}},
})

var binary = topic("bytes", signature.List{
	{Name: "md5", Description: "The MD5 hash of bytes.", Forms: []Form{{Args: Types{"varbinary"}, Returns: "varbinary"}}},
	{Name: "sha1", Description: "The SHA-1 hash of bytes.", Forms: []Form{{Args: Types{"varbinary"}, Returns: "varbinary"}}},
	{Name: "sha256", Description: "The SHA-256 hash of bytes.", Forms: []Form{{Args: Types{"varbinary"}, Returns: "varbinary"}}},
	{Name: "sha512", Description: "The SHA-512 hash of bytes.", Forms: []Form{{Args: Types{"varbinary"}, Returns: "varbinary"}}},
	{Name: "xxhash64", Description: "The xxHash64 hash of bytes.", Forms: []Form{{Args: Types{"varbinary"}, Returns: "varbinary"}}},
	{Name: "murmur3", Description: "The MurmurHash3 hash of bytes, of 128 bits.", Forms: []Form{{Args: Types{"varbinary"}, Returns: "varbinary"}}},
	{Name: "crc32", Description: "The CRC-32 checksum of bytes.", Forms: []Form{{Args: Types{"varbinary"}, Returns: "bigint"}}},
	{Name: "hmac_md5", Description: "The HMAC of bytes with MD5 and a key.", Forms: []Form{{Args: Types{"varbinary", "varbinary"}, Returns: "varbinary"}}},
	{Name: "hmac_sha1", Description: "The HMAC of bytes with SHA-1 and a key.", Forms: []Form{{Args: Types{"varbinary", "varbinary"}, Returns: "varbinary"}}},
	{Name: "hmac_sha256", Description: "The HMAC of bytes with SHA-256 and a key.", Forms: []Form{{Args: Types{"varbinary", "varbinary"}, Returns: "varbinary"}}},
	{Name: "hmac_sha512", Description: "The HMAC of bytes with SHA-512 and a key.", Forms: []Form{{Args: Types{"varbinary", "varbinary"}, Returns: "varbinary"}}},
	{Name: "to_hex", Description: "Bytes as hexadecimal digits.", Forms: []Form{{Args: Types{"varbinary"}, Returns: "varchar"}}},
	{Name: "from_hex", Description: "The bytes that hexadecimal digits stand for.", Forms: []Form{
		{Args: Types{"varchar(x)"}, Returns: "varbinary"},
		{Args: Types{"varbinary"}, Returns: "varbinary"},
	}},
	{Name: "to_base64", Description: "Bytes as Base64.", Forms: []Form{{Args: Types{"varbinary"}, Returns: "varchar"}}},
	{Name: "from_base64", Description: "The bytes that Base64 stands for.", Forms: []Form{
		{Args: Types{"varchar(x)"}, Returns: "varbinary"},
		{Args: Types{"varbinary"}, Returns: "varbinary"},
	}},
	{Name: "to_base64url", Description: "Bytes as Base64 of the alphabet for URLs.", Forms: []Form{{Args: Types{"varbinary"}, Returns: "varchar"}}},
	{Name: "from_base64url", Description: "The bytes that Base64 of the alphabet for URLs stands for.", Forms: []Form{
		{Args: Types{"varchar(x)"}, Returns: "varbinary"},
		{Args: Types{"varbinary"}, Returns: "varbinary"},
	}},
	{Name: "to_base32", Description: "Bytes as Base32.", Forms: []Form{{Args: Types{"varbinary"}, Returns: "varchar"}}},
	{Name: "from_base32", Description: "The bytes that Base32 stands for.", Forms: []Form{
		{Args: Types{"varchar(x)"}, Returns: "varbinary"},
		{Args: Types{"varbinary"}, Returns: "varbinary"},
	}},
	{Name: "to_utf8", Description: "The bytes of a text in UTF-8.", Forms: []Form{{Args: Types{"varchar"}, Returns: "varbinary"}}},
	{Name: "from_utf8", Description: "The text of bytes in UTF-8; what is not is replaced by a character, or by its code point.", Forms: []Form{
		{Args: Types{"varbinary"}, Returns: "varchar"},
		{Args: Types{"varbinary", "varchar"}, Returns: "varchar"},
		{Args: Types{"varbinary", "bigint"}, Returns: "varchar"},
	}},
	{Name: "to_big_endian_32", Description: "A number as four bytes, the highest first.", Forms: []Form{{Args: Types{"integer"}, Returns: "varbinary"}}},
	{Name: "to_big_endian_64", Description: "A number as eight bytes, the highest first.", Forms: []Form{{Args: Types{"bigint"}, Returns: "varbinary"}}},
	{Name: "from_big_endian_32", Description: "The number that four bytes stand for, the highest first.", Forms: []Form{{Args: Types{"varbinary"}, Returns: "integer"}}},
	{Name: "from_big_endian_64", Description: "The number that eight bytes stand for, the highest first.", Forms: []Form{{Args: Types{"varbinary"}, Returns: "bigint"}}},
	{Name: "to_ieee754_32", Description: "A number as four bytes of IEEE 754.", Forms: []Form{{Args: Types{"real"}, Returns: "varbinary"}}},
	{Name: "to_ieee754_64", Description: "A number as eight bytes of IEEE 754.", Forms: []Form{{Args: Types{"double"}, Returns: "varbinary"}}},
	{Name: "from_ieee754_32", Description: "The number that four bytes of IEEE 754 stand for.", Forms: []Form{{Args: Types{"varbinary"}, Returns: "real"}}},
	{Name: "from_ieee754_64", Description: "The number that eight bytes of IEEE 754 stand for.", Forms: []Form{{Args: Types{"varbinary"}, Returns: "double"}}},
})
