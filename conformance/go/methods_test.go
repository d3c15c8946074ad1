package conformance

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/cloudflare/cloudflare-go/v6"
	lb "github.com/cloudflare/cloudflare-go/v6/load_balancers"
	"github.com/cloudflare/cloudflare-go/v6/option"
)

// rows are what is seen of each method of the SDK, by its name. What refuses a call is an error of
// the SDK's own type.
var rows = map[string]func(*testing.T, context.Context){
	"New": func(t *testing.T, ctx context.Context) {
		made := newBalancer(t, nil)
		same(t, "name", made.Name, "www."+made.zone.Name)
		same(t, "zone_name", made.ZoneName, made.zone.Name)
		same(t, "steering_policy", made.SteeringPolicy, lb.SteeringPolicyOff)
		_, err := balancers.New(ctx, lb.LoadBalancerNewParams{
			ZoneID:       cloudflare.F(made.zone.ID),
			Name:         cloudflare.F("bare." + made.zone.Name),
			DefaultPools: cloudflare.F(made.DefaultPools),
			FallbackPool: cloudflare.F(nobody),
		})
		isInvalid(t, err)
	},
	"Get": func(t *testing.T, ctx context.Context) {
		made := newBalancer(t, nil)
		in := lb.LoadBalancerGetParams{ZoneID: cloudflare.F(made.zone.ID)}
		got := must(balancers.Get(ctx, made.ID, in))(t)
		same(t, "what is read", got.JSON.RawJSON(), made.JSON.RawJSON())
		_, err := balancers.Get(ctx, nobody, in)
		isGone(t, err)
	},
	"List": func(t *testing.T, ctx context.Context) {
		made := newBalancer(t, nil)
		in := lb.LoadBalancerListParams{ZoneID: cloudflare.F(made.zone.ID)}
		page := must(balancers.List(ctx, in))(t)
		same(t, "load balancers", len(page.Result), 1)
		same(t, "the one", page.Result[0].JSON.RawJSON(), made.JSON.RawJSON())
		if next := must(page.GetNextPage())(t); next != nil {
			t.Error("there is a second page")
		}
		pages := balancers.ListAutoPaging(ctx, in)
		same(t, "the first of all pages", pages.Next() && pages.Current().ID == made.ID, true)
		same(t, "another", pages.Next(), false)
	},
	"Update": func(t *testing.T, ctx context.Context) {
		made := newBalancer(t, func(params *lb.LoadBalancerNewParams) {
			params.Description = cloudflare.F("old")
			params.SessionAffinity = cloudflare.F(lb.SessionAffinityCookie)
		})
		put := must(balancers.Update(ctx, made.ID, lb.LoadBalancerUpdateParams{
			ZoneID:       cloudflare.F(made.zone.ID),
			Name:         cloudflare.F("new." + made.zone.Name),
			DefaultPools: cloudflare.F(made.DefaultPools),
			FallbackPool: cloudflare.F(made.FallbackPool),
		}))(t)
		same(t, "what it is", []string{put.ID, put.CreatedOn}, []string{made.ID, made.CreatedOn})
		same(t, "name", put.Name, "new."+made.zone.Name)
		same(t, "description", put.Description, "")
		same(t, "session_affinity", put.SessionAffinity, lb.SessionAffinityNone)
	},
	"Edit": func(t *testing.T, ctx context.Context) {
		made := newBalancer(t, func(params *lb.LoadBalancerNewParams) {
			params.SessionAffinity = cloudflare.F(lb.SessionAffinityCookie)
		})
		in := lb.LoadBalancerEditParams{ZoneID: cloudflare.F(made.zone.ID)}
		in.Description = cloudflare.F("new")
		patched := must(balancers.Edit(ctx, made.ID, in))(t)
		same(t, "description", patched.Description, "new")
		in.Description = cloudflare.Null[string]()
		patched = must(balancers.Edit(ctx, made.ID, in))(t)
		same(t, "description", patched.Description, "")
		same(t, "session_affinity", patched.SessionAffinity, lb.SessionAffinityCookie)
	},
	"Delete": func(t *testing.T, ctx context.Context) {
		made := newBalancer(t, nil)
		in := lb.LoadBalancerDeleteParams{ZoneID: cloudflare.F(made.zone.ID)}
		same(t, "id", must(balancers.Delete(ctx, made.ID, in))(t).ID, made.ID)
		_, err := balancers.Delete(ctx, made.ID, in)
		isGone(t, err)
	},

	"Pools.New": func(t *testing.T, ctx context.Context) {
		monitor := newMonitor(t)
		made := newPool(t, func(params *lb.PoolNewParams) {
			params.Monitor = cloudflare.F(monitor.ID)
			params.Latitude, params.Longitude = cloudflare.F(1.5), cloudflare.F(0.0)
			params.MinimumOrigins = cloudflare.F(int64(0))
		})
		same(t, "monitor", made.Monitor, monitor.ID)
		same(t, "place", []float64{made.Latitude, made.Longitude}, []float64{1.5, 0})
		same(t, "minimum_origins", made.MinimumOrigins, int64(0))
		again := poolParams()
		again.Name = cloudflare.F(made.Name)
		_, err := balancers.Pools.New(ctx, again)
		refused(t, err, http.StatusBadRequest, 1003)
	},
	"Pools.Get": func(t *testing.T, ctx context.Context) {
		made := newPool(t, nil)
		in := lb.PoolGetParams{AccountID: account}
		got := must(balancers.Pools.Get(ctx, made.ID, in))(t)
		same(t, "what is read", got.JSON.RawJSON(), made.JSON.RawJSON())
		_, err := balancers.Pools.Get(ctx, nobody, in)
		isGone(t, err)
	},
	"Pools.List": func(t *testing.T, ctx context.Context) {
		monitor := newMonitor(t)
		wanted := []string{newPool(t, watched(monitor)).ID, newPool(t, watched(monitor)).ID}
		other := newPool(t, nil)
		found, names := []string{}, []string{}
		for _, pool := range must(balancers.Pools.List(ctx, lb.PoolListParams{AccountID: account}))(t).Result {
			found, names = append(found, pool.ID), append(names, pool.Name)
		}
		same(t, "by name", slices.IsSorted(names), true)
		for _, id := range append(wanted, other.ID) {
			same(t, "listed", slices.Contains(found, id), true)
		}
		of := lb.PoolListParams{AccountID: account, Monitor: cloudflare.F(monitor.ID)}
		found = nil
		for _, pool := range must(balancers.Pools.List(ctx, of))(t).Result {
			found = append(found, pool.ID)
		}
		slices.Sort(found)
		slices.Sort(wanted)
		same(t, "pools of a monitor", found, wanted)
	},
	"Pools.Update": func(t *testing.T, ctx context.Context) {
		made := newPool(t, func(params *lb.PoolNewParams) {
			params.Description = cloudflare.F("old")
			shedding := lb.LoadSheddingParam{DefaultPercent: cloudflare.F(5.0)}
			params.LoadShedding = cloudflare.F(shedding)
		})
		put := must(balancers.Pools.Update(ctx, made.ID, lb.PoolUpdateParams{
			AccountID: account,
			Name:      cloudflare.F(made.Name),
			Origins:   cloudflare.F([]lb.OriginParam{nowhere}),
		}))(t)
		same(t, "what it is", []string{put.ID, put.CreatedOn}, []string{made.ID, made.CreatedOn})
		same(t, "description", put.Description, "")
		same(t, "load_shedding", put.LoadShedding.DefaultPercent, 0.0)
	},
	"Pools.Edit": func(t *testing.T, ctx context.Context) {
		made := newPool(t, func(params *lb.PoolNewParams) { params.Description = cloudflare.F("kept") })
		in := lb.PoolEditParams{AccountID: account, Enabled: cloudflare.F(false)}
		patched := must(balancers.Pools.Edit(ctx, made.ID, in))(t)
		same(t, "description", patched.Description, "kept")
		same(t, "enabled", patched.Enabled, false)
		same(t, "disabled_at is there", patched.DisabledAt.IsZero(), false)
	},
	"Pools.BulkEdit": func(t *testing.T, ctx context.Context) {
		made := newPool(t, func(params *lb.PoolNewParams) {
			params.NotificationEmail = cloudflare.F("someone@example.com")
		})
		none := lb.PoolBulkEditParamsNotificationEmailEmpty
		in := lb.PoolBulkEditParams{AccountID: account, NotificationEmail: cloudflare.F(none)}
		seen := false
		for _, pool := range must(balancers.Pools.BulkEdit(ctx, in))(t).Result {
			same(t, "notification_email", pool.NotificationEmail, "")
			seen = seen || pool.ID == made.ID
		}
		same(t, "the pool is among them", seen, true)
	},
	"Pools.Delete": func(t *testing.T, ctx context.Context) {
		in := lb.PoolDeleteParams{AccountID: account}
		made := newPool(t, nil)
		same(t, "id", must(balancers.Pools.Delete(ctx, made.ID, in))(t).ID, made.ID)
		_, err := balancers.Pools.Delete(ctx, made.ID, in)
		isGone(t, err)
		_, err = balancers.Pools.Delete(ctx, newBalancer(t, nil).FallbackPool, in)
		isInUse(t, err)
	},
	"Pools.Health.New": func(t *testing.T, ctx context.Context) {
		pool := newPool(t, nil)
		made := must(balancers.Pools.Health.New(ctx, pool.ID, probe))(t)
		same(t, "pools", made.Pools, map[string]string{pool.ID: pool.Name})
		same(t, "there is an id", made.PreviewID != "", true)
	},
	"Pools.Health.Get": func(t *testing.T, ctx context.Context) {
		in := lb.PoolHealthGetParams{AccountID: account}
		pool := newPool(t, nil)
		same(t, "pool_id", must(balancers.Pools.Health.Get(ctx, pool.ID, in))(t).PoolID, pool.ID)
		_, err := balancers.Pools.Health.Get(ctx, nobody, in)
		isGone(t, err)
	},
	"Pools.References.Get": func(t *testing.T, ctx context.Context) {
		monitor := newMonitor(t)
		pool := newPool(t, watched(monitor))
		made := newBalancer(t, func(params *lb.LoadBalancerNewParams) {
			params.CountryPools = cloudflare.F(map[string][]string{"GB": {pool.ID}})
		})
		found := map[string]string{}
		in := lb.PoolReferenceGetParams{AccountID: account}
		for _, one := range must(balancers.Pools.References.Get(ctx, pool.ID, in))(t).Result {
			found[string(one.ReferenceType)] = one.ResourceType + " " + one.ResourceID
		}
		wanted := map[string]string{
			"referral": "monitor " + monitor.ID,
			"referrer": "load_balancer " + made.ID,
		}
		same(t, "references", found, wanted)
	},

	"Monitors.New": func(t *testing.T, ctx context.Context) {
		params := monitorParams()
		header := map[string][]string{"Host": {"a.example"}, "X-A": {"b", "a"}}
		params.Header, params.Port = cloudflare.F(header), cloudflare.F(int64(8443))
		params.Type = cloudflare.F(lb.MonitorNewParamsTypeHTTPS)
		made := must(balancers.Monitors.New(ctx, params))(t)
		same(t, "header", made.Header, header)
		same(t, "port", made.Port, int64(8443))
		same(t, "type", made.Type, lb.MonitorTypeHTTPS)
		params.Interval = cloudflare.F(int64(0))
		_, err := balancers.Monitors.New(ctx, params)
		isInvalid(t, err)
	},
	"Monitors.Get": func(t *testing.T, ctx context.Context) {
		made := newMonitor(t)
		in := lb.MonitorGetParams{AccountID: account}
		got := must(balancers.Monitors.Get(ctx, made.ID, in))(t)
		same(t, "what is read", got.JSON.RawJSON(), made.JSON.RawJSON())
		_, err := balancers.Monitors.Get(ctx, nobody, in)
		isGone(t, err)
	},
	"Monitors.List": func(t *testing.T, ctx context.Context) {
		made := []string{newMonitor(t).ID, newMonitor(t).ID}
		found := []string{}
		for _, one := range must(balancers.Monitors.List(ctx, lb.MonitorListParams{AccountID: account}))(t).Result {
			if slices.Contains(made, one.ID) {
				found = append(found, one.ID)
			}
		}
		same(t, "monitors", found, made)
	},
	"Monitors.Update": func(t *testing.T, ctx context.Context) {
		params := monitorParams()
		params.Description, params.Port = cloudflare.F("old"), cloudflare.F(int64(81))
		made := must(balancers.Monitors.New(ctx, params))(t)
		put := must(balancers.Monitors.Update(ctx, made.ID, lb.MonitorUpdateParams{
			AccountID:     account,
			Type:          cloudflare.F(lb.MonitorUpdateParamsTypeHTTP),
			ExpectedCodes: cloudflare.F("2xx"),
		}))(t)
		same(t, "what it is", []string{put.ID, put.CreatedOn}, []string{made.ID, made.CreatedOn})
		same(t, "description", put.Description, "")
		same(t, "port", put.Port, int64(0))
	},
	"Monitors.Edit": func(t *testing.T, ctx context.Context) {
		params := monitorParams()
		params.Description, params.Port = cloudflare.F("kept"), cloudflare.F(int64(81))
		made := must(balancers.Monitors.New(ctx, params))(t)
		patched := must(balancers.Monitors.Edit(ctx, made.ID, lb.MonitorEditParams{
			AccountID: account,
			Path:      cloudflare.F("/new"),
			Port:      cloudflare.Null[int64](),
		}))(t)
		same(t, "path", patched.Path, "/new")
		same(t, "description", patched.Description, "kept")
		same(t, "port", patched.Port, int64(0))
	},
	"Monitors.Delete": func(t *testing.T, ctx context.Context) {
		in := lb.MonitorDeleteParams{AccountID: account}
		made := newMonitor(t)
		same(t, "id", must(balancers.Monitors.Delete(ctx, made.ID, in))(t).ID, made.ID)
		_, err := balancers.Monitors.Delete(ctx, made.ID, in)
		isGone(t, err)
		used := newMonitor(t)
		newPool(t, watched(used))
		_, err = balancers.Monitors.Delete(ctx, used.ID, in)
		isInUse(t, err)
	},
	"Monitors.Previews.New": func(t *testing.T, ctx context.Context) {
		monitor := newMonitor(t)
		pool := newPool(t, watched(monitor))
		made := must(balancers.Monitors.Previews.New(ctx, monitor.ID, lb.MonitorPreviewNewParams{
			AccountID:     account,
			Type:          cloudflare.F(lb.MonitorPreviewNewParamsTypeHTTP),
			ExpectedCodes: cloudflare.F("200"),
		}))(t)
		same(t, "pools", made.Pools, map[string]string{pool.ID: pool.Name})
		same(t, "there is an id", made.PreviewID != "", true)
	},
	"Monitors.References.Get": func(t *testing.T, ctx context.Context) {
		monitor := newMonitor(t)
		pool := newPool(t, watched(monitor))
		in := lb.MonitorReferenceGetParams{AccountID: account}
		found := must(balancers.Monitors.References.Get(ctx, monitor.ID, in))(t).Result
		same(t, "references", len(found), 1)
		same(t, "the one", []string{string(found[0].ReferenceType), found[0].ResourceType, found[0].ResourceID},
			[]string{"referrer", "pool", pool.ID})
	},

	"MonitorGroups.New": func(t *testing.T, ctx context.Context) {
		first, second := newMonitor(t), newMonitor(t)
		made := newGroup(t, first, second)
		same(t, "its id is its own", made.ID != nobody, true)
		same(t, "members", memberIDs(made), []string{first.ID, second.ID})
		same(t, "must_be_healthy", made.Members[0].MustBeHealthy, true)
	},
	"MonitorGroups.Get": func(t *testing.T, ctx context.Context) {
		made := newGroup(t, newMonitor(t))
		in := lb.MonitorGroupGetParams{AccountID: account}
		got := must(balancers.MonitorGroups.Get(ctx, made.ID, in))(t)
		same(t, "what is read", got.JSON.RawJSON(), made.JSON.RawJSON())
		_, err := balancers.MonitorGroups.Get(ctx, nobody, in)
		isGone(t, err)
	},
	"MonitorGroups.List": func(t *testing.T, ctx context.Context) {
		made := newGroup(t, newMonitor(t))
		found := []string{}
		for _, one := range must(balancers.MonitorGroups.List(ctx, lb.MonitorGroupListParams{AccountID: account}))(t).Result {
			found = append(found, one.ID)
		}
		same(t, "listed", slices.Contains(found, made.ID), true)
	},
	"MonitorGroups.Update": func(t *testing.T, ctx context.Context) {
		first, second := newMonitor(t), newMonitor(t)
		made := newGroup(t, first)
		group := groupParam(made.ID, second)
		in := lb.MonitorGroupUpdateParams{AccountID: account, MonitorGroup: group}
		put := must(balancers.MonitorGroups.Update(ctx, made.ID, in))(t)
		same(t, "id", put.ID, made.ID)
		same(t, "description", put.Description, group.Description.Value)
		same(t, "members", memberIDs(put), []string{second.ID})
	},
	"MonitorGroups.Edit": func(t *testing.T, ctx context.Context) {
		monitor := newMonitor(t)
		made := newGroup(t, monitor)
		group := groupParam(made.ID, monitor)
		group.Members.Value[0].Enabled = cloudflare.F(false)
		in := lb.MonitorGroupEditParams{AccountID: account, MonitorGroup: group}
		patched := must(balancers.MonitorGroups.Edit(ctx, made.ID, in))(t)
		same(t, "enabled", patched.Members[0].Enabled, false)
		same(t, "description", patched.Description, group.Description.Value)
	},
	"MonitorGroups.Delete": func(t *testing.T, ctx context.Context) {
		in := lb.MonitorGroupDeleteParams{AccountID: account}
		made := newGroup(t, newMonitor(t))
		same(t, "id", must(balancers.MonitorGroups.Delete(ctx, made.ID, in))(t).ID, made.ID)
		_, err := balancers.MonitorGroups.Delete(ctx, made.ID, in)
		isGone(t, err)
		used := newGroup(t, newMonitor(t))
		newPool(t, func(params *lb.PoolNewParams) { params.MonitorGroup = cloudflare.F(used.ID) })
		_, err = balancers.MonitorGroups.Delete(ctx, used.ID, in)
		isInUse(t, err)
	},

	"Previews.Get": func(t *testing.T, ctx context.Context) {
		pool := newPool(t, nil)
		made := must(balancers.Pools.Health.New(ctx, pool.ID, probe))(t)
		in := lb.PreviewGetParams{AccountID: account}
		for id := range *must(balancers.Previews.Get(ctx, made.PreviewID, in))(t) {
			same(t, "pool", id, pool.ID)
		}
		_, err := balancers.Previews.Get(ctx, "p-nobody-made-this", in)
		isGone(t, err)
	},
	"Regions.List": func(t *testing.T, ctx context.Context) {
		every := must(balancers.Regions.List(ctx, lb.RegionListParams{AccountID: account}))(t)
		same(t, "regions", len(regions(*every)), 13)
		in := lb.RegionListParams{AccountID: account, CountryCodeA2: cloudflare.F("JP")}
		japan := must(balancers.Regions.List(ctx, in))(t)
		same(t, "Japan's", regions(*japan), []any{"NEAS"})
	},
	"Regions.Get": func(t *testing.T, ctx context.Context) {
		in := lb.RegionGetParams{AccountID: account}
		found := must(balancers.Regions.Get(ctx, lb.RegionGetParamsRegionIDWeu, in))(t)
		same(t, "regions", regions(*found), []any{"WEU"})
	},
	// The pager of the SDK looks for `items`, which the service does not send (api.md 2.8).
	"Searches.List": func(t *testing.T, ctx context.Context) {
		made := newBalancer(t, nil)
		var answer struct {
			Result struct {
				Resources []lb.SearchListResponseResource
			}
		}
		in := lb.SearchListParams{
			AccountID:  account,
			Query:      cloudflare.F(strings.ToUpper(made.Name)),
			References: cloudflare.F(lb.SearchListParamsReferencesStar),
		}
		must(balancers.Searches.List(ctx, in, option.WithResponseBodyInto(&answer)))(t)
		same(t, "resources", len(answer.Result.Resources), 1)
		same(t, "the one", answer.Result.Resources[0].ResourceID, made.ID)
		named := answer.Result.Resources[0].References[0].(map[string]any)
		same(t, "what it names", named["resource_id"], any(made.FallbackPool))
	},
}

func TestEveryMethod(t *testing.T) {
	known := methods(balancers, "")
	same(t, "the rows", slices.Sorted(maps.Keys(rows)), known)
	for _, method := range known {
		if row, covered := rows[method]; covered {
			t.Run(method, func(t *testing.T) { row(t, t.Context()) })
		}
	}
}

func TestAWrongTokenIsAnErrorOfTheSDK(t *testing.T) {
	stranger := option.WithAPIToken("someone-elses-token-0123456789abcdef")
	_, err := balancers.Pools.List(t.Context(), lb.PoolListParams{AccountID: account}, stranger)
	refused(t, err, http.StatusUnauthorized, 10000)
}

func memberIDs(group *lb.MonitorGroup) []string {
	ids := []string{}
	for _, member := range group.Members {
		ids = append(ids, member.MonitorID)
	}
	return ids
}

// regions are the codes of an answer for which the SDK has no type.
func regions(answer any) []any {
	codes := []any{}
	for _, region := range answer.(map[string]any)["regions"].([]any) {
		codes = append(codes, region.(map[string]any)["region_code"])
	}
	return codes
}
