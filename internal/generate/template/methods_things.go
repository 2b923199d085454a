package template

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

var (
	adjective = plain(func(s *Source) string { return title(s.fake.AdjectiveDescriptive()) })
	material  = oneOf("Steel", "Wooden", "Concrete", "Plastic", "Cotton", "Granite", "Rubber", "Metal", "Soft", "Fresh", "Frozen")
	product   = oneOf("Chair", "Car", "Computer", "Keyboard", "Mouse", "Bike", "Ball", "Gloves", "Pants", "Shirt", "Table", "Shoes", "Hat", "Towels", "Soap", "Tuna", "Chicken", "Fish", "Cheese", "Bacon", "Pizza", "Salad", "Sausages", "Chips")
)

func title(text string) string {
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

var commerceMethods = map[string]maker{
	"color":            plain(func(s *Source) string { return strings.ToLower(s.fake.Color()) }),
	"department":       oneOf("Books", "Movies", "Music", "Games", "Electronics", "Computers", "Home", "Garden", "Tools", "Grocery", "Health", "Beauty", "Toys", "Kids", "Baby", "Clothing", "Shoes", "Jewelery", "Sports", "Outdoors", "Automotive", "Industrial"),
	"productName":      joined(adjective, " ", material, " ", product),
	"price":            amount,
	"productAdjective": adjective,
	"productMaterial":  material,
	"product":          product,

	"productDescription": plain(func(s *Source) string { return s.fake.ProductDescription() }),
}

var (
	suffixes    = []string{"Inc", "and Sons", "LLC", "Group"}
	companyName = anyOf(joined(plain(lastName), " ", oneOf(suffixes...)), joined(plain(lastName), " - ", plain(lastName)),
		joined(plain(lastName), ", ", plain(lastName), " and ", plain(lastName)))
	buzz = plain(func(s *Source) string { return s.fake.BuzzWord() })
	blub = plain(func(s *Source) string { return s.fake.Blurb() })
	bs   = plain(func(s *Source) string { return s.fake.BS() })
)

var companyMethods = map[string]maker{
	"suffixes":              func(arguments) (appender, error) { return constant(strings.Join(suffixes, ",")), nil },
	"companyName":           companyName,
	"companySuffix":         oneOf(suffixes...),
	"catchPhrase":           joined(adjective, " ", buzz, " ", blub),
	"catchPhraseAdjective":  adjective,
	"catchPhraseDescriptor": buzz,
	"catchPhraseNoun":       blub,
	"bs":                    bs,
	"bsAdjective":           bs,
	"bsBuzz":                buzz,
	"bsNoun":                blub,
}

var financeMethods = map[string]maker{
	"account": digitsOf(8), "mask": digitsOf(4), "routingNumber": digitsOf(9),
	"accountName":      joined(oneOf("Checking", "Savings", "Money Market", "Investment", "Home Loan", "Credit Card", "Auto Loan", "Personal Loan"), " Account"),
	"amount":           amount,
	"transactionType":  oneOf("deposit", "withdrawal", "payment", "invoice"),
	"currencyCode":     plain(func(s *Source) string { return s.fake.CurrencyShort() }),
	"currencyName":     plain(func(s *Source) string { return s.fake.CurrencyLong() }),
	"currencySymbol":   oneOf("$", "€", "£", "¥", "₹", "kr", "Fr", "zł", "₩", "₺"),
	"bitcoinAddress":   plain(func(s *Source) string { return s.fake.BitcoinAddress() }),
	"creditCardNumber": plain(func(s *Source) string { return s.fake.CreditCardNumber(nil) }),
	"creditCardCVV":    digitsOf(3),
	"pin":              digitsOf(4),
	"litecoinAddress":  litecoin,
	"transactionDescription": joined(oneOf("deposit", "withdrawal", "payment", "invoice"), " transaction at ", companyName, " using card ending with ***", pattern("####"),
		" for ", plain(func(s *Source) string { return s.fake.CurrencyShort() }), " ", maker(amount), " in account ***", pattern("####")),
	"iban": iban,
	"bic":  pattern("????DE##", "????GB##XXX", "????FR##"),
	"ethereumAddress": func(arguments) (appender, error) {
		return func(s *Source, dst []byte) []byte { return s.appendOf(append(dst, "0x"...), "0123456789abcdef", 40) }, nil
	},
}

// ibanForms are account numbers of countries behind the country's letters and the check digits: # is a digit, ? a letter.
var ibanForms = map[string]string{
	"AT": "################", "BE": "############", "CH": "#################", "DE": "##################", "DK": "##############", "ES": "####################",
	"FI": "##############", "FR": "#######################", "GB": "????##############", "IE": "????##############", "IT": "?######################",
	"NL": "????##########", "NO": "###########", "PL": "########################", "PT": "#####################", "SE": "####################",
}

// iban gives an account number with valid check digits. Its arguments are whether it is written in groups of four, and a country.
func iban(a arguments) (appender, error) {
	grouped := a.at(0) == true
	countries := slices.Sorted(maps.Keys(ibanForms))
	if want := a.text(1); want != "" {
		if ibanForms[want] == "" {
			return nil, fmt.Errorf("%q is not one of the countries %s", want, strings.Join(countries, ", "))
		}
		countries = []string{want}
	}
	return func(s *Source, dst []byte) []byte {
		country := s.pick(countries)
		account := bytes.ToUpper(s.appendSymbols(nil, ibanForms[country]))
		rest := 0
		for _, c := range append(append(slices.Clone(account), country...), "00"...) {
			if c >= 'A' {
				rest = (rest*100 + int(c-'A') + 10) % 97
			} else {
				rest = (rest*10 + int(c-'0')) % 97
			}
		}
		number := append(fmt.Appendf(nil, "%s%02d", country, 98-rest), account...)
		for i, c := range number {
			if grouped && i > 0 && i%4 == 0 {
				dst = append(dst, ' ')
			}
			dst = append(dst, c)
		}
		return dst
	}, nil
}

const base58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

// litecoin gives an address of the form that begins with L, M or 3; it has no checksum, as in faker.js.
func litecoin(arguments) (appender, error) {
	return func(s *Source, dst []byte) []byte {
		return s.appendOf(append(dst, "LM3"[s.rng.IntN(3)]), base58, 26+s.rng.IntN(8))
	}, nil
}

// digitsOf gives as many digits as its argument says.
func digitsOf(otherwise int) maker {
	return func(a arguments) (appender, error) {
		n, err := a.count(0, otherwise, maxMade)
		return func(s *Source, dst []byte) []byte { return s.appendOf(dst, digits, n) }, err
	}
}

// amount gives an amount of money: arguments are the lowest (0), the highest (1000), the decimals (2) and
// what stands before it. As in faker.js, the amount is whole where the decimals do not say otherwise.
func amount(a arguments) (appender, error) {
	lowest, highest, decimals := a.number(0, 0), a.number(1, 1000), int(a.number(2, 2))
	if lowest > highest || lowest < 0 || highest > 1<<53 || decimals < 0 || decimals > 20 {
		return nil, fmt.Errorf("want the lowest, the highest, the decimals and a symbol, as 1,100,2,\"$\"")
	}
	symbol := a.text(3)
	return func(s *Source, dst []byte) []byte {
		n := math.Floor(s.rng.Float64()*(highest+1-lowest) + lowest)
		return strconv.AppendFloat(append(dst, symbol...), n, 'f', decimals, 64)
	}, nil
}

var hackerMethods = map[string]maker{
	"abbreviation": plain(func(s *Source) string { return s.fake.HackerAbbreviation() }),
	"adjective":    plain(func(s *Source) string { return s.fake.HackerAdjective() }),
	"noun":         plain(func(s *Source) string { return s.fake.HackerNoun() }),
	"verb":         plain(func(s *Source) string { return s.fake.HackerVerb() }),
	"ingverb":      plain(func(s *Source) string { return s.fake.HackeringVerb() }),
	"phrase":       plain(func(s *Source) string { return s.fake.HackerPhrase() }),
}

var categories = []string{"abstract", "animals", "business", "cats", "city", "food", "nightlife", "fashion", "people", "nature", "sports", "technics", "transport"}

var imageMethods = func() map[string]maker {
	m := map[string]maker{"image": imageURL(""), "imageUrl": imageURL("-"), "avatar": internetMethods["avatar"], "dataUri": dataURI}
	for _, c := range categories {
		m[c] = imageURL(c)
	}
	return m
}()

// imageURL gives an address of an image: width and height are the arguments. An empty category is a
// random one, "-" is none.
func imageURL(category string) maker {
	return func(a arguments) (appender, error) {
		base := "http://lorempixel.com/" + string(appendNumber(nil, a.number(0, 640))) + "/" + string(appendNumber(nil, a.number(1, 480)))
		switch category {
		case "":
			return func(s *Source, dst []byte) []byte { return append(append(dst, base+"/"...), s.pick(categories)...) }, nil
		case "-":
			return constant(base), nil
		}
		return constant(base + "/" + category), nil
	}
}

// dataURI gives a picture of one colour with its size as text, as an address that holds it: width, height and colour are
// the arguments.
func dataURI(a arguments) (appender, error) {
	width, height, colour := string(appendNumber(nil, a.number(0, 640))), string(appendNumber(nil, a.number(1, 480))), a.text(2)
	if colour == "" {
		colour = "grey"
	}
	svg := `<svg xmlns="http://www.w3.org/2000/svg" version="1.1" baseProfile="full" width="` + width + `" height="` + height + `"><rect width="100%" height="100%" fill="` + colour + `"/><text x="` +
		width + `" y="` + height + `" font-size="20" alignment-baseline="middle" text-anchor="middle" fill="white">` + width + "x" + height + `</text></svg>`
	return constant("data:image/svg+xml;charset=UTF-8," + strings.ReplaceAll(url.QueryEscape(svg), "+", "%20")), nil
}

var databaseMethods = map[string]maker{
	"column":    oneOf("id", "title", "name", "email", "phone", "token", "group", "category", "password", "comment", "avatar", "status", "createdAt", "updatedAt"),
	"type":      oneOf("int", "varchar", "text", "date", "datetime", "tinyint", "time", "timestamp", "smallint", "mediumint", "bigint", "decimal", "float", "double", "real", "bit", "boolean", "serial", "blob", "binary", "enum", "set", "geometry", "point"),
	"collation": oneOf("utf8_unicode_ci", "utf8_general_ci", "utf8_bin", "ascii_bin", "ascii_general_ci", "cp1250_bin", "cp1250_general_ci"),
	"engine":    oneOf("InnoDB", "MyISAM", "MEMORY", "CSV", "BLACKHOLE", "ARCHIVE"),
}

var (
	carMaker = plain(func(s *Source) string { return s.fake.CarMaker() })
	carModel = plain(func(s *Source) string { return s.fake.CarModel() })
)

var vehicleMethods = map[string]maker{
	"vehicle": joined(carMaker, " ", carModel), "manufacturer": carMaker, "model": carModel,
	"type":  plain(func(s *Source) string { return s.fake.CarType() }),
	"fuel":  oneOf("Diesel", "Electric", "Gasoline", "Hybrid"),
	"color": commerceMethods["color"],
	"vin": func(arguments) (appender, error) {
		return func(s *Source, dst []byte) []byte { return s.appendOf(dst, "ABCDEFGHJKLMNPRSTUVWXYZ0123456789", 17) }, nil
	},
}

func latin(s *Source) string { return s.fake.LoremIpsumWord() }

var loremMethods = map[string]maker{
	"word":       plain(latin),
	"words":      words(latin),
	"sentence":   sentences(1, " "),
	"sentences":  sentences(4, " "),
	"lines":      sentences(3, "\n"),
	"paragraph":  sentences(5, " "),
	"paragraphs": sentences(15, " "),
	"text":       sentences(6, " "),
	"slug": func(a arguments) (appender, error) {
		n, err := a.count(0, 3, maxMade)
		return func(s *Source, dst []byte) []byte { return s.appendWords(dst, latin, n, "-") }, err
	},
}

// sentences gives as many sentences; the argument of sentence is its number of words.
func sentences(otherwise int, between string) maker {
	return func(a arguments) (appender, error) {
		n, length := otherwise, 0
		var err error
		if otherwise == 1 {
			length, err = a.count(0, 0, maxMade)
		} else {
			n, err = a.count(0, otherwise, maxMade/10)
		}
		return func(s *Source, dst []byte) []byte {
			for i := range n {
				if i > 0 {
					dst = append(dst, between...)
				}
				at, count := len(dst), length
				if count == 0 {
					count = 3 + s.rng.IntN(8)
				}
				dst = append(s.appendWords(dst, latin, count, " "), '.')
				if c := dst[at]; c >= 'a' && c <= 'z' {
					dst[at] = c - 'a' + 'A'
				}
			}
			return dst
		}, err
	}
}

var (
	fileWord = plain(func(s *Source) string { return strings.ToLower(strings.ReplaceAll(s.fake.Word(), " ", "_")) })
	fileExt  = plain(func(s *Source) string { return s.fake.FileExtension() })
	folder   = oneOf("/usr/share", "/var/log", "/etc", "/opt", "/home/user", "/tmp", "/srv")
)

var systemMethods = map[string]maker{
	"fileName":       joined(fileWord, ".", fileExt),
	"commonFileName": joined(fileWord, ".", oneOf("pdf", "mp3", "png", "mp4", "html", "jpg")),
	"commonFileExt":  oneOf("pdf", "mp3", "png", "mp4", "html", "jpg"),
	"commonFileType": oneOf("video", "audio", "image", "text", "application"),
	"fileType":       oneOf("video", "audio", "image", "text", "application", "font", "model", "message"),
	"fileExt":        fileExt,
	"mimeType":       plain(func(s *Source) string { return s.fake.FileMimeType() }),
	"directoryPath":  folder,
	"filePath":       joined(folder, "/", fileWord, ".", fileExt),
	"semver":         pattern("#.#.#"),
}
