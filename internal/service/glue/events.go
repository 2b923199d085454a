package glue

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/glue/types"
)

// EventSink takes events for the default bus of an account and region. The same id is the same event; the detail is a JSON
// object.
type EventSink interface {
	PutServiceEvent(account, region, source, detailType, id string, at time.Time, resources []string, detail []byte) error
}

// tell puts an event. As on AWS events of Glue are best effort.
func (s *Service) tell(sc scope, detailType, id string, at time.Time, detail map[string]string) {
	if s.cfg.Events == nil {
		return
	}
	b, _ := json.Marshal(detail) // of texts alone
	if err := s.cfg.Events.PutServiceEvent(sc.account, sc.region, "aws.glue", detailType, id, at, nil, b); err != nil {
		s.logger.Warn("an event is lost", "event", detailType, "of", id, "account", sc.account, "region", sc.region, "error", err)
	}
}

// tellJobRun tells that a run has ended.
func (s *Service) tellJobRun(sc scope, d *jobRunDoc) {
	severity, message := "INFO", d.Error
	switch d.State {
	case types.JobRunStateSucceeded:
		message = "Job run succeeded"
	case types.JobRunStateStopped:
		message = "Job run stopped"
	case types.JobRunStateTimeout:
		severity, message = "WARN", "Job run timed out"
	case types.JobRunStateFailed:
		severity = "ERROR"
	default:
		return
	}
	s.tell(sc, "Glue Job State Change", d.ID+"/"+string(d.State), d.Completed, map[string]string{
		"jobName": d.Job, "severity": severity, "state": string(d.State), "jobRunId": d.ID, "message": message,
	})
}

// tellCrawl tells that a crawl was started.
func (s *Service) tellCrawl(sc scope, d *crawlerDoc) {
	s.tell(sc, "Glue Crawler State Change", d.CrawlID+"/Started", d.Started, map[string]string{
		"accountId": sc.account, "crawlerName": d.Name, "startTime": d.Started.UTC().Format(time.RFC3339), "state": "Started", "message": "Crawler Started",
	})
}

// tellCrawlEnded tells that a crawl has succeeded or failed; of one that was stopped AWS says nothing.
func (s *Service) tellCrawlEnded(sc scope, name string, c *crawlDoc) {
	detail := map[string]string{"accountId": sc.account, "crawlerName": name}
	switch c.State {
	case types.CrawlerHistoryStateCompleted:
		detail["state"], detail["message"], detail["warningMessage"] = "Succeeded", "Crawler Succeeded", "N/A"
		detail["completionDate"], detail["runningTime (sec)"] = c.Ended.UTC().Format(time.RFC3339), fmt.Sprint(int(c.Ended.Sub(c.Started).Seconds()))
		for name, n := range map[string]int{
			"tablesCreated": c.Summary.TablesCreated, "tablesUpdated": c.Summary.TablesUpdated, "tablesDeleted": c.Summary.TablesDeleted,
			"partitionsCreated": c.Summary.PartitionsCreated, "partitionsUpdated": c.Summary.PartitionsUpdated, "partitionsDeleted": c.Summary.PartitionsDeleted,
		} {
			detail[name] = fmt.Sprint(n)
		}
	case types.CrawlerHistoryStateFailed:
		detail["state"], detail["message"], detail["errorMessage"] = "Failed", "Crawler Failed", c.Error
	default:
		return
	}
	s.tell(sc, "Glue Crawler State Change", c.ID+"/"+detail["state"], c.Ended, detail)
}
