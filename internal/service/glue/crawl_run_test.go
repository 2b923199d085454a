package glue

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/jonboulle/clockwork"

	"github.com/brookmere/brookmere/internal/engine/work"
)

// stuckObjects lists nothing before the crawl is given up.
type stuckObjects struct {
	Objects
	begun chan struct{}
}

func (o stuckObjects) ListObjectsV2(ctx context.Context, _ *s3.ListObjectsV2Input, _ ...func(*s3.Options)) (*s3.ListObjectsV2Output, error) {
	o.begun <- struct{}{}
	<-ctx.Done()
	return nil, ctx.Err()
}

// TestCrawlsOfAnotherProcess: a crawl is run by one of two processes and can be stopped at
// either; one that a process has left which had an earlier lease fails.
func TestCrawlsOfAnotherProcess(t *testing.T) {
	st, closeStore := newStore(t, t.TempDir())
	t.Cleanup(closeStore)
	ctx := t.Context()
	objects := stuckObjects{begun: make(chan struct{}, 10)}
	clock := clockwork.NewRealClock()
	service := func(epoch work.Mine) *Service {
		s, err := New(Config{State: st, Objects: objects, Owner: epoch, Clock: clock})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Start(ctx); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close(context.Background()) })
		return s
	}
	ended := func(s *Service, want types.LastCrawlStatus) {
		t.Helper()
		wait(t, "the end of the crawl", func() bool {
			out, err := s.GetCrawler(ctx, &glue.GetCrawlerInput{Name: aws.String("c")})
			return err == nil && out.Crawler.State == types.CrawlerStateReady && out.Crawler.LastCrawl.Status == want
		})
	}
	a, b := service(1), service(1)
	_, err := a.CreateCrawler(ctx, &glue.CreateCrawlerInput{
		Name: aws.String("c"), Role: aws.String("r"), DatabaseName: aws.String("lake"),
		Targets: &types.CrawlerTargets{S3Targets: []types.S3Target{{Path: aws.String("s3://b/data/")}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	start := func(s *Service) {
		t.Helper()
		if _, err := s.StartCrawler(ctx, &glue.StartCrawlerInput{Name: aws.String("c")}); err != nil {
			t.Fatal(err)
		}
		<-objects.begun
	}
	start(a)
	for _, s := range []*Service{a, b} {
		if _, err := s.StartCrawler(ctx, &glue.StartCrawlerInput{Name: aws.String("c")}); code(err) != "CrawlerRunningException" {
			t.Errorf("a second start: %v", err)
		}
	}
	if _, err := b.StopCrawler(ctx, &glue.StopCrawlerInput{Name: aws.String("c")}); err != nil {
		t.Fatal(err)
	}
	ended(b, types.LastCrawlStatusCancelled)
	start(b)
	ended(service(2), types.LastCrawlStatusFailed)
	if n := len(objects.begun); n != 0 {
		t.Errorf("%d more crawls", n)
	}
	out, err := a.ListCrawls(ctx, &glue.ListCrawlsInput{CrawlerName: aws.String("c")})
	if err != nil || len(out.Crawls) != 2 {
		t.Errorf("history: %+v, %v", out, err)
	}
}
