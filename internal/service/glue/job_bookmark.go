package glue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/brookmere/brookmere/internal/engine/state"
)

// GetJobBookmark, ResetJobBookmark.
//
// With --job-bookmark-option job-bookmark-enable a visual batch job reads the objects of its S3
// sources that it has not read before: those that were changed after the newest one of the last run that succeeded, or at
// its time and not read yet; of a source with BoundedFiles or BoundedSize the oldest of these. job-bookmark-pause reads
// the same and leaves the bookmark where it is. A script job's library does so for sources that have a transformation_ctx,
// at job.commit().
// The checkpoint of a visual streaming job is reset with its bookmark.

type bookmarkDoc struct {
	Version  int32                `json:"version"`
	Run      int32                `json:"run"`
	RunID    string               `json:"runId,omitempty"`
	Previous string               `json:"previous,omitempty"`
	Sources  map[string]time.Time `json:"sources,omitempty"` // node id -> the time of the newest object that was read
	Names    map[string][]string  `json:"names,omitempty"`   // node id -> the objects of that time that were read
	Script   json.RawMessage      `json:"script,omitempty"`  // as the library of scripts keeps it
}

// bookmarks reports whether a run with these arguments reads by a bookmark.
func bookmarks(args map[string]string) (bool, error) {
	for _, name := range []string{"job-bookmark-from", "job-bookmark-to"} {
		if jobArgument(args, name) != "" {
			return false, fmt.Errorf("--%s is not supported: runs read on from where the last that succeeded has ended", name)
		}
	}
	switch option := jobArgument(args, "job-bookmark-option"); option {
	case "job-bookmark-enable", "job-bookmark-pause":
		return true, nil
	case "", "job-bookmark-disable":
		return false, nil
	default:
		return false, fmt.Errorf("--job-bookmark-option: %q is neither job-bookmark-enable nor job-bookmark-pause nor job-bookmark-disable", option)
	}
}

func bookmarkNotFound(job string) error { return notFound("Continuation for job %s not found", job) }

func (d *bookmarkDoc) output(job string) *types.JobBookmarkEntry {
	text, _ := json.Marshal(map[string]any{"sources": d.Sources})
	if d.Script != nil {
		text = d.Script
	}
	return &types.JobBookmarkEntry{
		JobName: aws.String(job), Version: d.Version, Run: d.Run, RunId: aws.String(d.RunID), PreviousRunId: aws.String(d.Previous), JobBookmark: aws.String(string(text)),
	}
}

// GetJobBookmark reports how far a job has read.
func (s *Service) GetJobBookmark(ctx context.Context, in *glue.GetJobBookmarkInput, _ ...func(*glue.Options)) (*glue.GetJobBookmarkOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	name := aws.ToString(in.JobName)
	d, err := s.bookmarks.Get(sc.account, sc.region, name)
	if errors.Is(err, state.ErrNotFound) {
		return nil, bookmarkNotFound(name)
	}
	if err != nil {
		return nil, err
	}
	return &glue.GetJobBookmarkOutput{JobBookmarkEntry: d.output(name)}, nil
}

// ResetJobBookmark makes the job's next run read everything.
func (s *Service) ResetJobBookmark(ctx context.Context, in *glue.ResetJobBookmarkInput, _ ...func(*glue.Options)) (*glue.ResetJobBookmarkOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	name := aws.ToString(in.JobName)
	if _, err := s.job(sc, name); err != nil {
		return nil, err
	}
	all, err := s.runsOf(sc, name)
	if err != nil {
		return nil, err
	}
	for _, d := range all {
		if !d.ended() {
			return nil, invalidInput("The job %s is running.", name)
		}
	}
	err = s.checkpoints.Delete(ctx, sc.account, sc.region, name)
	hadCheckpoint := err == nil
	if err != nil && !errors.Is(err, state.ErrNotFound) {
		return nil, err
	}
	d, err := s.bookmarks.Modify(ctx, func(d *bookmarkDoc) error {
		d.Version++
		d.Sources, d.Names, d.Script, d.Previous, d.RunID = nil, nil, nil, d.RunID, ""
		return nil
	}, sc.account, sc.region, name)
	if errors.Is(err, state.ErrNotFound) {
		if !hadCheckpoint {
			return nil, bookmarkNotFound(name)
		}
		d, err = &bookmarkDoc{}, nil
	}
	if err != nil {
		return nil, err
	}
	return &glue.ResetJobBookmarkOutput{JobBookmarkEntry: d.output(name)}, nil
}
