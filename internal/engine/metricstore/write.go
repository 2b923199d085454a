package metricstore

// Sample is what a Write adds to a metric.
type Sample struct {
	Metric  Metric
	Time    int64 // seconds
	Second  bool  // it is written by the second; otherwise it is one of the second at which its minute begins
	Unit    byte  // it means nothing to the package
	Summary Summary
}

// Write adds samples. When it returns they are on disk, all or, with an error, none.
func (s *Store) Write(samples []Sample) error {
	if err := s.db.Room(); err != nil {
		return err
	}
	now := s.now()
	return s.db.Guard(func() error {
		b := s.db.NewBatch()
		defer b.Close()
		for i := range samples {
			sm := &samples[i]
			if sm.Summary.Count <= 0 || sm.Time < 0 {
				continue
			}
			id, err := s.idOf(&sm.Metric, now)
			if err != nil {
				return err
			}
			value := sm.Summary.append(nil)
			for res, r := range resolutions {
				at := sm.Time - sm.Time%r.width
				if !sm.Second {
					at -= at % 60 // of no effect but for rows of seconds
				}
				if at < now-r.kept {
					continue
				}
				if err := b.Merge(append(rowKey(res, id, at), sm.Unit), value, nil); err != nil {
					return err
				}
			}
		}
		if b.Empty() {
			return nil
		}
		return b.Commit(s.db.Sync())
	})
}
