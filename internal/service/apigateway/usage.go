package apigateway

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"

	"github.com/brookmere/brookmere/internal/awskit/scope"
)

// Quotas of usage plans, and GetUsage, UpdateUsage.
//
// Requests of a key are counted in this process and added to a document of the day, apigateway.usage, every
// flushUsage; the days of a period are what its quota is held against. A kill loses what was counted since; of
// two nodes each sees the other's count as late. Days and periods are of UTC: a week begins on Monday, a month on its first.
// A quota's offset is stored. Days older than maxDays are removed as new ones begin.

// usageDoc is what a key used of a plan in a day.
type usageDoc struct {
	Used  int64 `json:"used"`
	Extra int64 `json:"extra,omitempty"` // that UpdateUsage gave for the period
}

const (
	flushUsage = 2 * time.Second
	maxCounted = 10_000 // keys whose use is counted in this process
	maxDays    = 367    // that are kept of a key
)

// usage counts. The zero value is ready.
type usage struct {
	mu      sync.Mutex
	counted map[string]*counter // by account, region, plan and key
}

// counter is a key's use of a plan.
type counter struct {
	mu      sync.Mutex
	day     string
	period  string // its first day
	before  int64  // used in the period, and given to it, as documents say
	extra   int64
	pending int64 // that no document has yet
	flushed time.Time
}

const dayForm = "2006-01-02"

// periodStart is the first day of a period.
func periodStart(period types.QuotaPeriodType, t time.Time) time.Time {
	t = t.UTC().Truncate(24 * time.Hour)
	switch period {
	case types.QuotaPeriodTypeWeek:
		return t.AddDate(0, 0, -(int(t.Weekday())+6)%7)
	case types.QuotaPeriodTypeMonth:
		return t.AddDate(0, 0, 1-t.Day())
	}
	return t
}

// used sums the documents of a period, up to a day.
func (s *Service) used(sc scope.Scope, plan, key string, from, to time.Time) (used, extra int64, err error) {
	for day := from; !day.After(to); day = day.AddDate(0, 0, 1) {
		d, err := s.usages.Get(sc.Key(plan, key, day.Format(dayForm))...)
		if isNotFound(err) {
			continue
		}
		if err != nil {
			return 0, 0, err
		}
		used, extra = used+d.Used, extra+d.Extra
	}
	return used, extra, nil
}

// spend counts a request of a key, and reports whether the plan's quota allows it.
func (s *Service) spend(ctx context.Context, sc scope.Scope, p *planDoc, key string) (bool, error) {
	now := s.cfg.Clock.Now().UTC()
	id := sc.Account + "/" + sc.Region + "/" + p.ID + "/" + key
	s.usage.mu.Lock()
	c := s.usage.counted[id]
	if c == nil {
		if s.usage.counted == nil || len(s.usage.counted) >= maxCounted {
			s.usage.counted = map[string]*counter{}
		}
		c = &counter{}
		s.usage.counted[id] = c
	}
	s.usage.mu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	period := types.QuotaPeriodTypeDay
	if p.Quota != nil {
		period = p.Quota.Period
	}
	start := periodStart(period, now)
	if day := now.Format(dayForm); c.day != day || c.period != start.Format(dayForm) || now.Sub(c.flushed) >= flushUsage {
		if c.pending > 0 {
			if err := s.addUsage(ctx, sc, p.ID, key, c.day, c.pending, 0); err != nil {
				return false, err
			}
		}
		used, extra, err := s.used(sc, p.ID, key, start, now)
		if err != nil {
			return false, err
		}
		c.day, c.period, c.before, c.extra, c.pending, c.flushed = day, start.Format(dayForm), used, extra, 0, now
	}
	if q := p.Quota; q != nil && q.Limit > 0 && c.before+c.pending >= int64(q.Limit)+c.extra {
		return false, nil
	}
	c.pending++
	return true, nil
}

// addUsage adds to the document of a day.
func (s *Service) addUsage(ctx context.Context, sc scope.Scope, plan, key, day string, used, extra int64) error {
	k := sc.Key(plan, key, day)
	for {
		_, err := s.usages.Modify(ctx, func(d *usageDoc) error {
			d.Used, d.Extra = d.Used+used, d.Extra+extra
			return nil
		}, k...)
		if !isNotFound(err) {
			return err
		}
		if err = s.usages.Create(ctx, &usageDoc{Used: used, Extra: extra}, k...); isExists(err) {
			continue
		} else if err != nil {
			return err
		}
		return s.trimUsage(ctx, sc.Key(plan, key))
	}
}

// trimUsage removes the days of a key that are too old.
func (s *Service) trimUsage(ctx context.Context, key []string) error {
	oldest := s.cfg.Clock.Now().UTC().AddDate(0, 0, -maxDays).Format(dayForm)
	for k := range s.usages.Keys(key...) {
		if k[len(k)-1] < oldest {
			if err := s.usages.Delete(ctx, k...); err != nil && !isNotFound(err) {
				return err
			}
		}
	}
	return nil
}

// flush adds what is counted of a key to its document.
func (s *Service) flush(ctx context.Context, sc scope.Scope, plan, key string) error {
	s.usage.mu.Lock()
	c := s.usage.counted[sc.Account+"/"+sc.Region+"/"+plan+"/"+key]
	s.usage.mu.Unlock()
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pending > 0 {
		if err := s.addUsage(ctx, sc, plan, key, c.day, c.pending, 0); err != nil {
			return err
		}
	}
	c.pending, c.flushed = 0, time.Time{} // what the document says is read again
	return nil
}

func quotaExceeded() *failure {
	return &failure{kind: types.GatewayResponseTypeQuotaExceeded, code: "LimitExceededException", message: "Limit Exceeded"}
}

// GetUsage returns what the keys of a plan used and had left on each day, of up to 366.
func (s *Service) GetUsage(ctx context.Context, in *apigateway.GetUsageInput, _ ...func(*apigateway.Options)) (*apigateway.GetUsageOutput, error) {
	sc := scope.Of(ctx)
	p, err := s.plans.Get(sc.Key(*in.UsagePlanId)...)
	if err != nil {
		return nil, err
	}
	from, err1 := time.Parse(dayForm, *in.StartDate)
	to, err2 := time.Parse(dayForm, *in.EndDate)
	if err1 != nil || err2 != nil || to.Before(from) || to.Sub(from) > 366*24*time.Hour {
		return nil, badRequest("Usage: the start date and the end date are YYYY-MM-DD, up to 366 days")
	}
	keys := p.Keys
	if in.KeyId != nil {
		keys = []string{*in.KeyId}
	}
	list, next, err := pageOf(keys, func(k string) string { return k }, in.Position, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &apigateway.GetUsageOutput{UsagePlanId: in.UsagePlanId, StartDate: in.StartDate, EndDate: in.EndDate, Items: map[string][][]int64{}, Position: next}
	for _, key := range list {
		if _, err := s.keys.Get(sc.Key(key)...); err != nil {
			return nil, err
		}
		if err := s.flush(ctx, sc, p.ID, key); err != nil {
			return nil, err
		}
		items := [][]int64{}
		for day := from; !day.After(to); day = day.AddDate(0, 0, 1) {
			used, _, err := s.used(sc, p.ID, key, day, day)
			if err != nil {
				return nil, err
			}
			left := int64(0)
			if q := p.Quota; q != nil {
				all, extra, err := s.used(sc, p.ID, key, periodStart(q.Period, day), day)
				if err != nil {
					return nil, err
				}
				left = max(int64(q.Limit)+extra-all, 0)
			}
			items = append(items, []int64{used, left})
		}
		out.Items[key] = items
	}
	return out, nil
}

// UpdateUsage sets what a key has left in the current period: /remaining.
func (s *Service) UpdateUsage(ctx context.Context, in *apigateway.UpdateUsageInput, _ ...func(*apigateway.Options)) (*apigateway.UpdateUsageOutput, error) {
	sc := scope.Of(ctx)
	p, err := s.plans.Get(sc.Key(*in.UsagePlanId)...)
	if err != nil {
		return nil, err
	}
	if _, err := s.planKey(ctx, in.UsagePlanId, in.KeyId); err != nil {
		return nil, err
	}
	if p.Quota == nil {
		return nil, badRequest("Usage Plan %s does not have a quota", p.ID)
	}
	var remaining *string
	if err := (patches{"/remaining": setText(&remaining)}).apply(in.PatchOperations); err != nil {
		return nil, err
	}
	n, err := strconv.ParseInt(aws.ToString(remaining), 10, 32)
	if err != nil || n < 0 {
		return nil, badRequest("Invalid remaining requests: %s", aws.ToString(remaining))
	}
	if err := s.flush(ctx, sc, p.ID, *in.KeyId); err != nil {
		return nil, err
	}
	now := s.cfg.Clock.Now().UTC()
	used, extra, err := s.used(sc, p.ID, *in.KeyId, periodStart(p.Quota.Period, now), now)
	if err != nil {
		return nil, err
	}
	day := now.Format(dayForm)
	if err := s.addUsage(ctx, sc, p.ID, *in.KeyId, day, 0, n-(int64(p.Quota.Limit)+extra-used)); err != nil {
		return nil, err
	}
	if err := s.flush(ctx, sc, p.ID, *in.KeyId); err != nil {
		return nil, err
	}
	return &apigateway.UpdateUsageOutput{UsagePlanId: in.UsagePlanId, StartDate: &day, EndDate: &day, Items: map[string][][]int64{*in.KeyId: {{used, n}}}}, nil
}
