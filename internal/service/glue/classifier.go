package glue

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/brookmere/brookmere/internal/engine/crawl"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// CreateClassifier, GetClassifier, GetClassifiers, UpdateClassifier, DeleteClassifier.
//
// Crawlers use all four kinds: CSV, JSON, Grok and XML.

// classifierDoc has one of its members.
type classifierDoc types.Classifier

func (d *classifierDoc) name() string {
	switch {
	case d.CsvClassifier != nil:
		return aws.ToString(d.CsvClassifier.Name)
	case d.GrokClassifier != nil:
		return aws.ToString(d.GrokClassifier.Name)
	case d.JsonClassifier != nil:
		return aws.ToString(d.JsonClassifier.Name)
	case d.XMLClassifier != nil:
		return aws.ToString(d.XMLClassifier.Name)
	}
	return ""
}

func classifierNotFound(name string) error {
	return notFound("Classifier with name %s not found", name)
}

func (s *Service) classifier(sc scope, name string) (*classifierDoc, error) {
	d, err := s.classifiers.Get(sc.account, sc.region, name)
	if errors.Is(err, state.ErrNotFound) {
		return nil, classifierNotFound(name)
	}
	return d, err
}

// engine is the classifier as crawls use it.
func (d *classifierDoc) engine() (crawl.Classifier, error) {
	var c crawl.Classifier
	var err error
	switch {
	case d.CsvClassifier != nil:
		v := d.CsvClassifier
		o := crawl.CSVOptions{
			Delimiter: aws.ToString(v.Delimiter), Quote: aws.ToString(v.QuoteSymbol), Columns: v.Header,
			SingleColumn: aws.ToBool(v.AllowSingleColumn), KeepSpace: aws.ToBool(v.DisableValueTrimming),
			SerDe: strings.ReplaceAll(string(v.Serde), "None", ""),
		}
		switch v.ContainsHeader {
		case types.CsvHeaderOptionPresent:
			o.Header = crawl.HeaderPresent
		case types.CsvHeaderOptionAbsent:
			o.Header = crawl.HeaderAbsent
		}
		if aws.ToBool(v.CustomDatatypeConfigured) {
			o.Types = v.CustomDatatypes
		}
		c, err = crawl.NewCSV(o)
	case d.JsonClassifier != nil:
		c, err = crawl.NewJSON(aws.ToString(d.JsonClassifier.JsonPath))
	case d.GrokClassifier != nil:
		v := d.GrokClassifier
		c, err = crawl.NewGrok(aws.ToString(v.Classification), aws.ToString(v.GrokPattern), aws.ToString(v.CustomPatterns))
	case d.XMLClassifier != nil:
		c, err = crawl.NewXML(aws.ToString(d.XMLClassifier.Classification), aws.ToString(d.XMLClassifier.RowTag))
	default:
		return nil, invalidInput("The classifier is of no kind.")
	}
	if err != nil {
		return nil, invalidInput("Classifier %s is not valid: %v", d.name(), err)
	}
	return c, nil
}

// classifiersOf are the named classifiers as crawls use them.
func (s *Service) classifiersOf(sc scope, names []string) ([]crawl.Classifier, error) {
	var out []crawl.Classifier
	for _, name := range names {
		d, err := s.classifier(sc, name)
		if err != nil {
			return nil, err
		}
		c, err := d.engine()
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

// CreateClassifier keeps a classifier of one kind.
func (s *Service) CreateClassifier(ctx context.Context, in *glue.CreateClassifierInput, _ ...func(*glue.Options)) (*glue.CreateClassifierOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	d := new(classifierDoc)
	now := aws.Time(s.clock.Now().UTC())
	kinds := 0
	if v := in.CsvClassifier; v != nil {
		kinds++
		d.CsvClassifier = &types.CsvClassifier{
			Name: v.Name, AllowSingleColumn: v.AllowSingleColumn, ContainsHeader: v.ContainsHeader,
			CustomDatatypeConfigured: v.CustomDatatypeConfigured, CustomDatatypes: v.CustomDatatypes, Delimiter: v.Delimiter,
			DisableValueTrimming: v.DisableValueTrimming, Header: v.Header, QuoteSymbol: v.QuoteSymbol, Serde: v.Serde,
			CreationTime: now, LastUpdated: now, Version: 1,
		}
	}
	if v := in.GrokClassifier; v != nil {
		kinds++
		d.GrokClassifier = &types.GrokClassifier{
			Name: v.Name, Classification: v.Classification, GrokPattern: v.GrokPattern, CustomPatterns: v.CustomPatterns,
			CreationTime: now, LastUpdated: now, Version: 1,
		}
	}
	if v := in.JsonClassifier; v != nil {
		kinds++
		d.JsonClassifier = &types.JsonClassifier{Name: v.Name, JsonPath: v.JsonPath, CreationTime: now, LastUpdated: now, Version: 1}
	}
	if v := in.XMLClassifier; v != nil {
		kinds++
		d.XMLClassifier = &types.XMLClassifier{Name: v.Name, Classification: v.Classification, RowTag: v.RowTag, CreationTime: now, LastUpdated: now, Version: 1}
	}
	if kinds != 1 {
		return nil, invalidInput("Exactly one classifier has to be specified.")
	}
	if _, err := d.engine(); err != nil {
		return nil, err
	}
	err = s.classifiers.Create(ctx, d, sc.account, sc.region, d.name())
	if errors.Is(err, state.ErrExists) {
		return nil, alreadyExists("Classifier with name %s already exists", d.name())
	}
	if err != nil {
		return nil, err
	}
	return &glue.CreateClassifierOutput{}, nil
}

// GetClassifier describes one classifier.
func (s *Service) GetClassifier(ctx context.Context, in *glue.GetClassifierInput, _ ...func(*glue.Options)) (*glue.GetClassifierOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	d, err := s.classifier(sc, aws.ToString(in.Name))
	if err != nil {
		return nil, err
	}
	out := types.Classifier(*d)
	return &glue.GetClassifierOutput{Classifier: &out}, nil
}

// GetClassifiers lists classifiers by name, 100 a page.
func (s *Service) GetClassifiers(ctx context.Context, in *glue.GetClassifiersInput, _ ...func(*glue.Options)) (*glue.GetClassifiersOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	all, err := s.classifiers.All(sc.account, sc.region)
	if err != nil {
		return nil, err
	}
	sortBy(all, (*classifierDoc).name)
	page, next, err := pageOf(all, (*classifierDoc).name, in.NextToken, in.MaxResults, 100)
	if err != nil {
		return nil, err
	}
	out := &glue.GetClassifiersOutput{NextToken: next, Classifiers: make([]types.Classifier, len(page))}
	for i, d := range page {
		out.Classifiers[i] = types.Classifier(*d)
	}
	return out, nil
}

// UpdateClassifier changes the settings that are given; the kind stays.
func (s *Service) UpdateClassifier(ctx context.Context, in *glue.UpdateClassifierInput, _ ...func(*glue.Options)) (*glue.UpdateClassifierOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	now := aws.Time(s.clock.Now().UTC())
	name := ""
	for _, n := range []*string{csvName(in), grokName(in), jsonName(in), xmlName(in)} {
		if n != nil {
			if name != "" {
				return nil, invalidInput("Exactly one classifier has to be specified.")
			}
			name = *n
		}
	}
	_, err = s.classifiers.Modify(ctx, func(d *classifierDoc) error {
		switch {
		case in.CsvClassifier != nil && d.CsvClassifier != nil:
			v, to := in.CsvClassifier, d.CsvClassifier
			set(&to.AllowSingleColumn, v.AllowSingleColumn)
			set(&to.CustomDatatypeConfigured, v.CustomDatatypeConfigured)
			set(&to.Delimiter, v.Delimiter)
			set(&to.DisableValueTrimming, v.DisableValueTrimming)
			set(&to.QuoteSymbol, v.QuoteSymbol)
			if v.ContainsHeader != "" {
				to.ContainsHeader = v.ContainsHeader
			}
			if v.CustomDatatypes != nil {
				to.CustomDatatypes = v.CustomDatatypes
			}
			if v.Header != nil {
				to.Header = v.Header
			}
			if v.Serde != "" {
				to.Serde = v.Serde
			}
			to.LastUpdated = now
			to.Version++
		case in.GrokClassifier != nil && d.GrokClassifier != nil:
			v, to := in.GrokClassifier, d.GrokClassifier
			set(&to.Classification, v.Classification)
			set(&to.GrokPattern, v.GrokPattern)
			set(&to.CustomPatterns, v.CustomPatterns)
			to.LastUpdated = now
			to.Version++
		case in.JsonClassifier != nil && d.JsonClassifier != nil:
			set(&d.JsonClassifier.JsonPath, in.JsonClassifier.JsonPath)
			d.JsonClassifier.LastUpdated = now
			d.JsonClassifier.Version++
		case in.XMLClassifier != nil && d.XMLClassifier != nil:
			set(&d.XMLClassifier.Classification, in.XMLClassifier.Classification)
			set(&d.XMLClassifier.RowTag, in.XMLClassifier.RowTag)
			d.XMLClassifier.LastUpdated = now
			d.XMLClassifier.Version++
		default:
			return invalidInput("Classifier %s is of another kind.", name)
		}
		_, err := d.engine()
		return err
	}, sc.account, sc.region, name)
	if errors.Is(err, state.ErrNotFound) {
		return nil, classifierNotFound(name)
	}
	if err != nil {
		return nil, err
	}
	return &glue.UpdateClassifierOutput{}, nil
}

func csvName(in *glue.UpdateClassifierInput) *string {
	if in.CsvClassifier == nil {
		return nil
	}
	return in.CsvClassifier.Name
}

func grokName(in *glue.UpdateClassifierInput) *string {
	if in.GrokClassifier == nil {
		return nil
	}
	return in.GrokClassifier.Name
}

func jsonName(in *glue.UpdateClassifierInput) *string {
	if in.JsonClassifier == nil {
		return nil
	}
	return in.JsonClassifier.Name
}

func xmlName(in *glue.UpdateClassifierInput) *string {
	if in.XMLClassifier == nil {
		return nil
	}
	return in.XMLClassifier.Name
}

// DeleteClassifier forgets a classifier; crawlers that name it fail.
func (s *Service) DeleteClassifier(ctx context.Context, in *glue.DeleteClassifierInput, _ ...func(*glue.Options)) (*glue.DeleteClassifierOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	err = s.classifiers.Delete(ctx, sc.account, sc.region, aws.ToString(in.Name))
	if errors.Is(err, state.ErrNotFound) {
		return nil, classifierNotFound(aws.ToString(in.Name))
	}
	if err != nil {
		return nil, err
	}
	return &glue.DeleteClassifierOutput{}, nil
}
