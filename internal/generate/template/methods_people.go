package template

import (
	"fmt"
	"strings"
)

func firstName(s *Source) string { return s.fake.FirstName() }
func lastName(s *Source) string  { return s.fake.LastName() }

var nameMethods = map[string]maker{
	"firstName":     plain(firstName),
	"lastName":      plain(lastName),
	"middleName":    plain(func(s *Source) string { return s.fake.MiddleName() }),
	"findName":      plain(func(s *Source) string { return s.fake.Name() }),
	"prefix":        plain(func(s *Source) string { return s.fake.NamePrefix() }),
	"suffix":        plain(func(s *Source) string { return s.fake.NameSuffix() }),
	"gender":        plain(func(s *Source) string { return s.fake.Gender() }),
	"title":         plain(jobTitle),
	"jobTitle":      plain(jobTitle),
	"jobDescriptor": plain(func(s *Source) string { return s.fake.JobDescriptor() }),
	"jobArea":       plain(func(s *Source) string { return s.fake.JobLevel() }),
	"jobType":       plain(func(s *Source) string { return s.fake.JobTitle() }),
}

func jobTitle(s *Source) string {
	return s.fake.JobDescriptor() + " " + s.fake.JobLevel() + " " + s.fake.JobTitle()
}

var phoneMethods = map[string]maker{
	"phoneNumber": func(a arguments) (appender, error) {
		if format := a.text(0); format != "" {
			return pattern(format)(nil)
		}
		return pattern(phoneFormats...)(nil)
	},
	"phoneNumberFormat": func(a arguments) (appender, error) {
		i := int(a.number(0, 0))
		if i < 0 || i >= len(phoneFormats) {
			return nil, fmt.Errorf("there are formats 0 to %d", len(phoneFormats)-1)
		}
		return pattern(phoneFormats[i])(nil)
	},
	"phoneFormats": oneOf(phoneFormats...),
}

var phoneFormats = []string{"###-###-####", "(###) ###-####", "1-###-###-####", "###.###.####", "###-###-#### x###"}

var (
	streetSuffix     = plain(func(s *Source) string { return s.fake.StreetSuffix() })
	streetName       = joined(anyOf(plain(firstName), plain(lastName)), " ", streetSuffix)
	secondaryAddress = pattern("Apt. ###", "Suite ###")
	cityPrefix       = oneOf("North", "South", "East", "West", "New", "Lake", "Port")
	citySuffix       = oneOf("ton", "ville", "burgh", "field", "ford", "port", "mouth", "stead", "bury", "side", "land", "view")
)

var addressMethods = map[string]maker{
	"zipCode": func(a arguments) (appender, error) {
		if format := a.text(0); format != "" {
			return pattern(format)(nil)
		}
		return pattern("#####", "#####-####")(nil)
	},
	"city":       plain(func(s *Source) string { return s.fake.City() }),
	"cityPrefix": cityPrefix,
	"citySuffix": citySuffix,
	"streetName": streetName,
	"streetAddress": func(a arguments) (appender, error) {
		street := joined(pattern("#####", "####", "###"), " ", streetName)
		if a.at(0) == true {
			return joined(street, " ", secondaryAddress)(nil)
		}
		return street(nil)
	},
	"streetSuffix":     streetSuffix,
	"streetPrefix":     plain(func(s *Source) string { return s.fake.StreetPrefix() }),
	"secondaryAddress": secondaryAddress,
	"county":           joined(plain(lastName), " County"),
	"country":          plain(func(s *Source) string { return s.fake.Country() }),
	"countryCode":      plain(func(s *Source) string { return s.fake.CountryAbr() }),
	"state":            plain(func(s *Source) string { return s.fake.State() }),
	"stateAbbr":        plain(func(s *Source) string { return s.fake.StateAbr() }),
	"latitude":         coordinate(90),
	"longitude":        coordinate(180),
	"timeZone":         plain(func(s *Source) string { return s.fake.TimeZoneRegion() }),
	"zipCodeByState":   pattern("#####"),

	"cardinalDirection":   compass(cardinal, []string{"N", "E", "S", "W"}),
	"ordinalDirection":    compass(ordinal, []string{"NE", "NW", "SE", "SW"}),
	"direction":           compass(append(cardinal[:4:4], ordinal...), []string{"N", "E", "S", "W", "NE", "NW", "SE", "SW"}),
	"nearbyGPSCoordinate": joined(coordinate(90), ",", coordinate(180)),
}

var (
	cardinal = []string{"North", "East", "South", "West"}
	ordinal  = []string{"Northeast", "Northwest", "Southeast", "Southwest"}
)

// compass gives a direction, in letters where the argument is true.
func compass(long, short []string) maker {
	return func(a arguments) (appender, error) {
		if a.at(0) == true {
			return oneOf(short...)(nil)
		}
		return oneOf(long...)(nil)
	}
}

// coordinate gives an angle up to the limit either way, to four digits.
func coordinate(limit int) maker {
	return plain(func(s *Source) string {
		return fmt.Sprintf("%.4f", float64(s.rng.IntN(2*limit*10000+1))/10000-float64(limit))
	})
}

var (
	domainWord   = plain(func(s *Source) string { return strings.ToLower(letters(firstName(s))) })
	domainSuffix = plain(func(s *Source) string { return s.fake.DomainSuffix() })
	domainName   = joined(domainWord, ".", domainSuffix)
	protocol     = oneOf("http", "https")
)

var internetMethods = map[string]maker{
	"avatar":       joined("https://avatars.example.com/", domainWord, "/128.jpg"),
	"email":        email("gmail.com", "yahoo.com", "hotmail.com"),
	"exampleEmail": email("example.org", "example.com", "example.net"),
	"userName":     userName,
	"protocol":     protocol,
	"url":          joined(protocol, "://", domainName),
	"domainName":   domainName,
	"domainSuffix": domainSuffix,
	"domainWord":   domainWord,
	"ip":           plain(func(s *Source) string { return s.fake.IPv4Address() }),
	"ipv6":         plain(func(s *Source) string { return s.fake.IPv6Address() }),
	"userAgent":    plain(func(s *Source) string { return s.fake.UserAgent() }),
	"httpMethod":   oneOf("GET", "POST", "PUT", "DELETE", "PATCH"),
	"mac":          plain(func(s *Source) string { return strings.ToLower(s.fake.MacAddress()) }),
	"color":        plain(func(s *Source) string { return fmt.Sprintf("#%06x", s.rng.IntN(0x808080)) }),
	"port":         plain(func(s *Source) string { return fmt.Sprint(s.rng.IntN(65536)) }),
	"password": func(a arguments) (appender, error) {
		n, err := a.count(0, 15, maxMade)
		return func(s *Source, dst []byte) []byte {
			return s.appendOf(dst, lower+"ABCDEFGHIJKLMNOPQRSTUVWXYZ"+digits+"_", n)
		}, err
	},
}

func letters(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\'' || r == ' ' {
			return -1
		}
		return r
	}, text)
}

// userName gives a name as accounts have; arguments are the first and the last name to make it of.
func userName(a arguments) (appender, error) {
	first, last := a.text(0), a.text(1)
	return func(s *Source, dst []byte) []byte {
		f, l := first, last
		if f == "" {
			f = firstName(s)
		}
		if l == "" {
			l = lastName(s)
		}
		dst = append(dst, letters(f)...)
		kind := s.rng.IntN(3)
		if kind > 0 {
			dst = append(append(dst, "._"[s.rng.IntN(2)]), letters(l)...)
		}
		if kind != 1 {
			dst = appendNumber(dst, float64(s.rng.IntN(100)))
		}
		return dst
	}, nil
}

func email(providers ...string) maker {
	return func(a arguments) (appender, error) {
		name, err := userName(a)
		of := providers
		if p := a.text(2); p != "" {
			of = []string{p}
		}
		return func(s *Source, dst []byte) []byte {
			return append(append(name(s, dst), '@'), s.pick(of)...)
		}, err
	}
}
