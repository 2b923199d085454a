package glue

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/glue/types"
)

type toldEvents map[string]string

func (e toldEvents) PutServiceEvent(_, _, source, detailType, id string, _ time.Time, _ []string, detail []byte) error {
	e[id] = strings.Join([]string{source, detailType, string(detail)}, "|")
	return nil
}

func TestEvents(t *testing.T) {
	got := toldEvents{}
	s := &Service{cfg: Config{Events: got}}
	sc, at := scope{"111122223333", "us-east-1"}, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s.tellJobRun(sc, &jobRunDoc{ID: "jr_1", Job: "j", State: types.JobRunStateSucceeded})
	s.tellJobRun(sc, &jobRunDoc{ID: "jr_2", Job: "j", State: types.JobRunStateFailed, Error: "why"})
	s.tellJobRun(sc, &jobRunDoc{ID: "jr_3", Job: "j", State: types.JobRunStateRunning})
	s.tellCrawl(sc, &crawlerDoc{Name: "c", CrawlID: "1", Started: at})
	s.tellCrawlEnded(sc, "c", &crawlDoc{ID: "1", State: types.CrawlerHistoryStateCompleted, Started: at, Ended: at.Add(2 * time.Second), Summary: crawlSummary{TablesCreated: 1}})
	s.tellCrawlEnded(sc, "c", &crawlDoc{ID: "2", State: types.CrawlerHistoryStateFailed, Error: "why", Ended: at})
	s.tellCrawlEnded(sc, "c", &crawlDoc{ID: "3", State: types.CrawlerHistoryStateStopped})
	for id, want := range map[string]string{
		"jr_1/SUCCEEDED": `aws.glue|Glue Job State Change|{"jobName":"j","jobRunId":"jr_1","message":"Job run succeeded","severity":"INFO","state":"SUCCEEDED"}`,
		"jr_2/FAILED":    `aws.glue|Glue Job State Change|{"jobName":"j","jobRunId":"jr_2","message":"why","severity":"ERROR","state":"FAILED"}`,
		"1/Started":      `aws.glue|Glue Crawler State Change|{"accountId":"111122223333","crawlerName":"c","message":"Crawler Started","startTime":"2026-01-02T03:04:05Z","state":"Started"}`,
		"1/Succeeded":    `aws.glue|Glue Crawler State Change|{"accountId":"111122223333","completionDate":"2026-01-02T03:04:07Z","crawlerName":"c","message":"Crawler Succeeded","partitionsCreated":"0","partitionsDeleted":"0","partitionsUpdated":"0","runningTime (sec)":"2","state":"Succeeded","tablesCreated":"1","tablesDeleted":"0","tablesUpdated":"0","warningMessage":"N/A"}`,
		"2/Failed":       `aws.glue|Glue Crawler State Change|{"accountId":"111122223333","crawlerName":"c","errorMessage":"why","message":"Crawler Failed","state":"Failed"}`,
	} {
		if got[id] != want {
			t.Errorf("%s: %s\nwant %s", id, got[id], want)
		}
	}
	if len(got) != 5 {
		t.Errorf("%d events", len(got))
	}
}
