// Package conformance has every load-balancing method of the official Go SDKs, against the balancer
// that the environment names.
package conformance

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloudflare/cloudflare-go/v6"
	lb "github.com/cloudflare/cloudflare-go/v6/load_balancers"
	"github.com/cloudflare/cloudflare-go/v6/option"
	"github.com/cloudflare/cloudflare-go/v6/zones"
)

var (
	url     = os.Getenv("CLOUDFLARE_BASE_URL")
	token   = os.Getenv("CLOUDFLARE_API_TOKEN")
	account = cloudflare.F(os.Getenv("ACCOUNT_ID"))

	// Retries are off: they hide what happened.
	sdk = cloudflare.NewClient(
		option.WithBaseURL(url+"/"),
		option.WithAPIToken(token),
		option.WithMaxRetries(0),
		option.WithRequestTimeout(10*time.Second),
	)
	balancers = sdk.LoadBalancers
)

const nobody = "00000000000000000000000000000000"

// nowhere is an endpoint that is never asked: 192.0.2.0/24 is nobody's, and it is disabled.
var nowhere = lb.OriginParam{
	Name:    cloudflare.F("nowhere"),
	Address: cloudflare.F("192.0.2.1"),
	Enabled: cloudflare.F(false),
}

// must is what a call answered; it ends the test when the call was refused.
func must[T any](answer T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
}

// refused sees that a call was refused with a status of HTTP and a code of the API.
func refused(t *testing.T, err error, status int, code int64) {
	t.Helper()
	var refusal *cloudflare.Error
	if !errors.As(err, &refusal) {
		t.Fatalf("not refused: %v", err)
	}
	if refusal.StatusCode != status || len(refusal.Errors) == 0 || refusal.Errors[0].Code != code {
		t.Errorf("not %d with code %d: %v", status, code, err)
	}
}

func isGone(t *testing.T, err error) { t.Helper(); refused(t, err, http.StatusNotFound, 1001) }

func isInvalid(t *testing.T, err error) { t.Helper(); refused(t, err, http.StatusBadRequest, 1002) }

func isInUse(t *testing.T, err error) {
	t.Helper()
	refused(t, err, http.StatusPreconditionFailed, 1005)
}

// same compares two values of any kind.
func same(t *testing.T, what string, found, wanted any) {
	t.Helper()
	if !reflect.DeepEqual(found, wanted) {
		t.Errorf("%s is %v, not %v", what, found, wanted)
	}
}

// unique is the word with a tail that makes it a new name.
func unique(word string) string {
	tail := make([]byte, 6)
	rand.Read(tail)
	return word + "-" + hex.EncodeToString(tail)
}

func newZone(t *testing.T) *zones.Zone {
	t.Helper()
	return must(sdk.Zones.New(t.Context(), zones.ZoneNewParams{
		Account: cloudflare.F(zones.ZoneNewParamsAccount{ID: account}),
		Name:    cloudflare.F(unique("go") + ".example"),
	}))(t)
}

// monitorParams is a monitor that nothing is wrong with.
func monitorParams() lb.MonitorNewParams {
	return lb.MonitorNewParams{
		AccountID:     account,
		Type:          cloudflare.F(lb.MonitorNewParamsTypeHTTP),
		Path:          cloudflare.F("/_probe"),
		ExpectedCodes: cloudflare.F("200"),
		Interval:      cloudflare.F(int64(60)),
		Timeout:       cloudflare.F(int64(1)),
		Retries:       cloudflare.F(int64(0)),
	}
}

func newMonitor(t *testing.T) *lb.Monitor {
	t.Helper()
	return must(balancers.Monitors.New(t.Context(), monitorParams()))(t)
}

// probe is what a pool is tried with once.
var probe = lb.PoolHealthNewParams{
	AccountID:     account,
	Type:          cloudflare.F(lb.PoolHealthNewParamsTypeHTTP),
	ExpectedCodes: cloudflare.F("200"),
}

func poolParams() lb.PoolNewParams {
	return lb.PoolNewParams{
		AccountID: account,
		Name:      cloudflare.F(unique("pool")),
		Origins:   cloudflare.F([]lb.OriginParam{nowhere}),
	}
}

// newPool makes a pool; `edit` may say more of it.
func newPool(t *testing.T, edit func(*lb.PoolNewParams)) *lb.Pool {
	t.Helper()
	params := poolParams()
	if edit != nil {
		edit(&params)
	}
	return must(balancers.Pools.New(t.Context(), params))(t)
}

// watched is an edit for newPool.
func watched(monitor *lb.Monitor) func(*lb.PoolNewParams) {
	return func(params *lb.PoolNewParams) { params.Monitor = cloudflare.F(monitor.ID) }
}

// groupParam has these monitors as members. The SDK wants an id even of a group that is to be made.
func groupParam(id string, monitors ...*lb.Monitor) lb.MonitorGroupParam {
	members := []lb.MonitorGroupMemberParam{}
	for _, monitor := range monitors {
		members = append(members, lb.MonitorGroupMemberParam{
			MonitorID:      cloudflare.F(monitor.ID),
			Enabled:        cloudflare.F(true),
			MonitoringOnly: cloudflare.F(false),
			MustBeHealthy:  cloudflare.F(true),
		})
	}
	return lb.MonitorGroupParam{
		ID:          cloudflare.F(id),
		Description: cloudflare.F(unique("group")),
		Members:     cloudflare.F(members),
	}
}

func newGroup(t *testing.T, monitors ...*lb.Monitor) *lb.MonitorGroup {
	t.Helper()
	group := groupParam(nobody, monitors...)
	in := lb.MonitorGroupNewParams{AccountID: account, MonitorGroup: group}
	return must(balancers.MonitorGroups.New(t.Context(), in))(t)
}

// balancer is a load balancer and the zone that it is in.
type balancer struct {
	*lb.LoadBalancer
	zone *zones.Zone
}

// newBalancer makes a load balancer over one new pool in a new zone; `edit` may say more of it.
func newBalancer(t *testing.T, edit func(*lb.LoadBalancerNewParams)) balancer {
	t.Helper()
	zone, pool := newZone(t), newPool(t, nil)
	params := lb.LoadBalancerNewParams{
		ZoneID:       cloudflare.F(zone.ID),
		Name:         cloudflare.F("www." + zone.Name),
		DefaultPools: cloudflare.F([]lb.DefaultPoolsParam{pool.ID}),
		FallbackPool: cloudflare.F(pool.ID),
	}
	if edit != nil {
		edit(&params)
	}
	return balancer{must(balancers.New(t.Context(), params))(t), zone}
}

// methods are the dotted names of all methods of a service of the SDK and of the services below it.
// What only walks over the pages of another method is left out.
func methods(service any, path string) []string {
	found := []string{}
	value := reflect.ValueOf(service)
	for i := range value.NumMethod() {
		if name := value.Type().Method(i).Name; !strings.HasSuffix(name, "AutoPaging") {
			found = append(found, path+name)
		}
	}
	for i := range value.Elem().NumField() {
		field := value.Elem().Type().Field(i)
		if strings.HasSuffix(field.Type.String(), "Service") {
			below := value.Elem().Field(i).Interface()
			found = append(found, methods(below, path+field.Name+".")...)
		}
	}
	slices.Sort(found)
	return found
}
