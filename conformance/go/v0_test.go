package conformance

import (
	"errors"
	"slices"
	"testing"

	old "github.com/cloudflare/cloudflare-go"
)

// The generation of the SDK before: every method of load balancing, on objects that it made itself.
func TestEveryMethodOfTheSDKBefore(t *testing.T) {
	ctx := t.Context()
	api := must(old.NewWithAPIToken(
		token, old.BaseURL(url), old.UsingRetryPolicy(0, 0, 0), old.UsingRateLimit(1000)))(t)
	zone := newZone(t)
	here, there := old.AccountIdentifier(account.Value), old.ZoneIdentifier(zone.ID)

	monitor := must(api.CreateLoadBalancerMonitor(ctx, here, old.CreateLoadBalancerMonitorParams{
		LoadBalancerMonitor: old.LoadBalancerMonitor{
			Type: "http", Method: "GET", Path: "/", ExpectedCodes: "2xx", Interval: 60, Timeout: 5, Retries: 2,
			Header: map[string][]string{"Host": {"a.example"}},
		},
	}))(t)
	monitor.Description = "changed"
	changed := must(api.UpdateLoadBalancerMonitor(
		ctx, here, old.UpdateLoadBalancerMonitorParams{LoadBalancerMonitor: monitor}))(t)
	same(t, "description", changed.Description, "changed")
	same(t, "monitor", must(api.GetLoadBalancerMonitor(ctx, here, monitor.ID))(t), changed)
	monitors := must(api.ListLoadBalancerMonitors(ctx, here, old.ListLoadBalancerMonitorParams{}))(t)
	has(t, monitors, func(one old.LoadBalancerMonitor) bool { return one.ID == monitor.ID })

	pool := must(api.CreateLoadBalancerPool(ctx, here, old.CreateLoadBalancerPoolParams{
		LoadBalancerPool: old.LoadBalancerPool{
			Name: unique("pool"), Enabled: true, Monitor: monitor.ID,
			Origins: []old.LoadBalancerOrigin{{Name: "nowhere", Address: "192.0.2.1", Weight: 1}},
		},
	}))(t)
	pool.Description = "changed"
	pooled := must(api.UpdateLoadBalancerPool(
		ctx, here, old.UpdateLoadBalancerPoolParams{LoadBalancer: pool}))(t)
	same(t, "description", pooled.Description, "changed")
	same(t, "pool", must(api.GetLoadBalancerPool(ctx, here, pool.ID))(t), pooled)
	pools := must(api.ListLoadBalancerPools(ctx, here, old.ListLoadBalancerPoolParams{}))(t)
	has(t, pools, func(one old.LoadBalancerPool) bool { return one.ID == pool.ID })
	// Of a pool with a monitor there is nothing to say until the first probe.
	unwatched := newPool(t, nil).ID
	same(t, "pool_id", must(api.GetLoadBalancerPoolHealth(ctx, here, unwatched))(t).ID, unwatched)

	made := must(api.CreateLoadBalancer(ctx, there, old.CreateLoadBalancerParams{
		LoadBalancer: old.LoadBalancer{
			Name: "www." + zone.Name, FallbackPool: pool.ID, DefaultPools: []string{pool.ID}, Proxied: true,
			RegionPools: map[string][]string{"WEU": {pool.ID}}, SteeringPolicy: "geo", Persistence: "cookie",
			Rules: []*old.LoadBalancerRule{{
				Name: "api", Condition: `starts_with(http.request.uri.path, "/api/")`,
				Overrides: old.LoadBalancerRuleOverrides{DefaultPools: []string{pool.ID}},
			}},
		},
	}))(t)
	made.Description = "changed"
	balanced := must(api.UpdateLoadBalancer(
		ctx, there, old.UpdateLoadBalancerParams{LoadBalancer: made}))(t)
	same(t, "description", balanced.Description, "changed")
	same(t, "rules", balanced.Rules, made.Rules)
	same(t, "load balancer", must(api.GetLoadBalancer(ctx, there, made.ID))(t), balanced)
	listed := must(api.ListLoadBalancers(ctx, there, old.ListLoadBalancerParams{}))(t)
	same(t, "load balancers", listed, []old.LoadBalancer{balanced})

	inUse := api.DeleteLoadBalancerPool(ctx, here, pool.ID)
	var refusal *old.RequestError
	if !errors.As(inUse, &refusal) || !slices.Contains(refusal.ErrorCodes(), 1005) {
		t.Errorf("a pool in use: %v", inUse)
	}
	for _, err := range []error{
		api.DeleteLoadBalancer(ctx, there, made.ID),
		api.DeleteLoadBalancerPool(ctx, here, pool.ID),
		api.DeleteLoadBalancerMonitor(ctx, here, monitor.ID),
	} {
		if err != nil {
			t.Error(err)
		}
	}
}

func has[T any](t *testing.T, items []T, wanted func(T) bool) {
	t.Helper()
	if !slices.ContainsFunc(items, wanted) {
		t.Errorf("not among %v", items)
	}
}
