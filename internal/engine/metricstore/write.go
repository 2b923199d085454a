package metricstore

// Sample is what a Write adds to a metric.
type Sample struct {
	Metric  Metric
	Time    int64 // seconds; the row of its minute has it, and of its second if Second is set
	Second  bool
	Unit    byte // it means nothing to the package
	Summary Summary
}

// Write adds samples. When it returns they are on disk, all or, with an error, none.
func (s *Store) Write(samples []Sample) error {
	if err := s.room(); err != nil {
		return err
	}
	now := s.now()
	return s.guarded(func() error {
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
				if res == 0 && !sm.Second || at < now-r.kept {
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
		return b.Commit(s.sync())
	})
}
