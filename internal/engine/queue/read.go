package queue

import "encoding/binary"

// Read returns messages as they were sent, in their order, from a sequence number on, without receiving them: up to n, and
// as many as it takes to have so many bytes of bodies. Sequence numbers are of the time of sending: its milliseconds of Unix
// time are the bits above the lowest twenty.
func (q *Queue) Read(from uint64, n, bytes int) (list []Message, err error) {
	err = q.s.db.Guard(func() error {
		if q.gone.Load() {
			return ErrGone
		}
		it, err := between(q.s.db, seqKey(q.id, kindMessage, from), prefix(q.id, kindMessage+1))
		if err != nil {
			return err
		}
		now := q.s.now()
		for ok := it.First(); ok && len(list) < n && bytes > 0; ok = it.Next() {
			m, err := decodeMessage(it.Value())
			if err != nil {
				return closing(err, it)
			}
			if q.expired(m, now) {
				continue
			}
			m.Sequence = binary.BigEndian.Uint64(it.Key()[9:])
			list, bytes = append(list, *m), bytes-len(m.Body)
		}
		return closing(it.Error(), it)
	})
	if err != nil {
		return nil, err
	}
	return list, nil
}
