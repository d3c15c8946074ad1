//! Pool sets and custom rules over the configured settings (behaviour.md 1.8, 1.9).

use std::collections::BTreeSet;

use evenkeel_model::{
    AffinityKind, AffinityOverrides, Country, Expression, FixedResponse, LoadBalancer, Overrides,
    Places, PoolIx, PoolSet, PoolSetOutcome, PoolSetPools, Region, Rule, RuleAction, Steering,
    Weight,
};

use crate::notation::{Seeded, World, check_in};

/// Finds a pool by its name.
type Find<'a> = &'a dyn Fn(&str) -> PoolIx;

fn rule(name: &str, condition: &str, overrides: Overrides) -> Rule {
    let condition = Expression::parse(condition).expect("a condition");
    let action = RuleAction::Override { overrides: Box::new(overrides), terminates: false };
    Rule { name: name.into(), condition, action }
}

fn respond(name: &str, condition: &str, body: &str) -> Rule {
    let condition = Expression::parse(condition).expect("a condition");
    Rule { name: name.into(), condition, action: RuleAction::Respond(response(body)) }
}

fn response(body: &str) -> FixedResponse {
    FixedResponse { status: 403, content_type: None, location: None, body: body.into() }
}

fn set(name: &str, countries: &[&str], pools: Vec<PoolIx>) -> PoolSet {
    let outcome = PoolSetOutcome::Pools(PoolSetPools { pools, ..PoolSetPools::default() });
    PoolSet { name: name.into(), places: of(countries), outcome }
}

fn of(countries: &[&str]) -> Option<Places> {
    let countries: BTreeSet<_> = countries.iter().filter_map(|code| Country::parse(code)).collect();
    let places = Places { countries: Some(countries), ..Places::default() };
    places.countries.as_ref().is_some_and(|list| !list.is_empty()).then_some(places)
}

#[test]
fn rules_lie_on_one_another_member_by_member() {
    let world = World::with("| eu: a | us: b | as: c", |lb, pool| {
        let pools = |names: &[&str]| Some(names.iter().map(|name| pool(name)).collect());
        lb.rules = vec![
            rule("all", "", Overrides { default_pools: pools(&["us"]), ..Overrides::default() }),
            rule(
                "none",
                "http.host eq \"nobody\"",
                Overrides { default_pools: pools(&["eu"]), ..Overrides::default() },
            ),
            rule(
                "cart",
                "http.request.uri.path eq \"/cart\"",
                Overrides {
                    affinity: AffinityOverrides {
                        kind: Some(AffinityKind::Cookie),
                        ..AffinityOverrides::default()
                    },
                    ..Overrides::default()
                },
            ),
            rule(
                "german",
                "ip.src in {10.49.0.0/16} and http.request.uri.query eq \"x=1\"",
                Overrides { default_pools: pools(&["as"]), ..Overrides::default() },
            ),
        ];
    });
    for (request, expected) in [
        ("", "rule=all session=off pool=us endpoint=b → b"),
        ("path=/cart", "rule=all rule=cart session=none pool=us endpoint=b → b, sets b"),
        ("path=/?x=1 from=10.49.7.1", "rule=all rule=german session=off pool=as endpoint=c → c"),
        ("path=/?x=2 from=10.49.7.1", "rule=all session=off pool=us endpoint=b → b"),
    ] {
        check_in(&world, request, expected);
    }
}

#[test]
fn a_rule_that_terminates_is_the_last() {
    let world = World::with("| eu: a | us: b", |lb, pool| {
        let to = |name| Overrides { default_pools: Some(vec![pool(name)]), ..Overrides::default() };
        let last = RuleAction::Override { overrides: Box::new(to("us")), terminates: true };
        lb.rules = vec![
            Rule { name: String::new(), condition: Expression::always(), action: last },
            rule("never", "", to("eu")),
        ];
    });
    check_in(&world, "", "rule=#0 session=off pool=us endpoint=b → b");
}

#[test]
fn retries_see_the_overrides_of_the_first_attempt() {
    let world = World::with("| eu: a | us: b | as: c", |lb, pool| {
        lb.rules = vec![rule(
            "across",
            "http.request.headers[\"x-try\"][0] eq \"hard\"",
            Overrides {
                default_pools: Some(vec![pool("us"), pool("as")]),
                failover_across_pools: Some(true),
                ..Overrides::default()
            },
        )];
    });
    check_in(
        &world,
        "header=X-Try/hard refused:b",
        "rule=across session=off pool=us endpoint=b failed=b:refused retry pool=us:tried pool=as \
         endpoint=c → c",
    );
    check_in(
        &world,
        "refused:a",
        "session=off pool=eu endpoint=a failed=a:refused retry gave_up=refused → 521",
    );
}

#[test]
fn a_session_counts_only_within_the_overridden_pools_and_is_left_alone() {
    let world = World::with("cookie | eu: a | us: b", |lb, pool| {
        lb.rules = vec![rule(
            "us",
            "http.request.uri.path eq \"/us\"",
            Overrides {
                default_pools: Some(vec![pool("us")]),
                fallback_pool: Some(pool("us")),
                ..Overrides::default()
            },
        )];
    });
    check_in(&world, "cookie=a path=/us", "rule=us session=overridden pool=us endpoint=b → b");
    check_in(&world, "cookie=a", "session=a → a");
    check_in(&world, "path=/us", "rule=us session=none pool=us endpoint=b → b, sets b");
}

#[test]
fn a_rule_may_switch_sessions_off_for_a_request() {
    let world = World::with("cookie | eu: a b", |lb, _| {
        let affinity =
            AffinityOverrides { kind: Some(AffinityKind::None), ..AffinityOverrides::default() };
        lb.rules = vec![rule(
            "static",
            "starts_with(http.request.uri.path, \"/static/\")",
            Overrides { affinity, ..Overrides::default() },
        )];
    });
    check_in(&world, "cookie=b path=/static/x", "rule=static session=off pool=eu endpoint=a → a");
}

#[test]
fn a_fixed_response_of_a_rule_ends_it() {
    let world = World::with("cookie | eu: a", |lb, _| {
        lb.rules = vec![
            respond("admin", "http.request.uri.path eq \"/admin\"", "no"),
            respond("never", "http.request.uri.path eq \"/admin\"", "never"),
        ];
    });
    check_in(&world, "path=/admin", "rule=admin responded=403 → 403 no");
    check_in(&world, "", "session=none pool=eu endpoint=a → a, sets a");
    check_in(&world, "stream path=/admin", "session=off pool=eu endpoint=a → a");
}

fn with_policy(steering: Steering) -> impl Fn(&mut LoadBalancer, Find<'_>) {
    move |lb, _| {
        let overrides = Overrides { steering: Some(steering), ..Overrides::default() };
        lb.rules = vec![rule("policy", "", overrides)];
    }
}

#[test]
fn trap_t39_a_rule_on_the_policy_alone_keeps_the_geo_list() {
    let world = World::with(
        "geo country:DE=A,B | D: d | A spare: a | B spare: b",
        with_policy(Steering::Random),
    );
    let request = world.request("from=10.49.0.1");
    let mut counts = [0u32; 2];
    let mut rng = Seeded(39);
    for _ in 0..10_000 {
        let result = world.send(&request, &mut rng).result;
        let names = ["a", "b"].map(|name| Ok(world.endpoint(name)));
        counts[names.iter().position(|ix| *ix == result).expect("in the list")] += 1;
    }
    // 5.5 standard deviations of 10 000 fair draws: a chance below 1e-7.
    assert!(counts[0].abs_diff(5_000) <= 275, "{counts:?}");

    // Without its entry taken away, another country's is the default list.
    check_in(&world, "from=10.33.0.1", "rule=policy geo=default session=off pool=D endpoint=d → d");
}

#[test]
fn geo_is_left_by_emptying_its_maps() {
    let world = World::with("geo country:DE=A | D: d | A spare: a", |lb, _| {
        lb.rules = vec![rule(
            "leave",
            "",
            Overrides { countries: Some(<_>::default()), ..Overrides::default() },
        )];
    });
    check_in(&world, "from=10.49.0.1", "rule=leave geo=default session=off pool=D endpoint=d → d");
}

#[test]
fn a_rule_can_turn_geo_on() {
    let world = World::with("country:DE=A | D: d | A spare: a", with_policy(Steering::Geo));
    check_in(
        &world,
        "from=10.49.0.1",
        "rule=policy geo=country:DE session=off pool=A endpoint=a → a",
    );
}

#[test]
fn trap_t40_a_missing_header_compares_with_nothing() {
    let body = |condition: &str| {
        let world = World::with("| eu: a", |lb, _| lb.rules = vec![respond("r", condition, "hit")]);
        world.fixed(&world.request("")).is_some()
    };
    assert!(!body("http.request.headers[\"x\"][0] ne \"a\""));
    assert!(!body("http.request.headers[\"x\"][0] eq \"a\""));
    assert!(body("not (http.request.headers[\"x\"][0] eq \"a\")"));
    assert!(!body("len(http.request.headers[\"x\"]) > 0"));
    // What only queries have is missing here.
    assert!(!body("dns.qry.type eq 1"));
    assert!(!body("dns.qry.type ne 1"));
}

#[test]
fn conditions_see_the_request() {
    let holds = |condition: &str, request: &str| {
        let world = World::with("| eu: a", |lb, _| lb.rules = vec![respond("r", condition, "hit")]);
        world.fixed(&world.request(request)).is_some()
    };
    for condition in [
        "cf.load_balancer.name eq \"shop.example.com\"",
        "cf.load_balancer.region eq \"WEU\"",
        "http.host eq \"shop.example.com\"",
        "http.request.method eq \"GET\"",
        "http.request.uri eq \"/a/b?c=d&e\"",
        "http.request.uri.path eq \"/a/b\"",
        "http.request.uri.query eq \"c=d&e\"",
        "http.request.uri.args[\"c\"][0] eq \"d\"",
        "any(http.request.uri.args.names[*] eq \"e\")",
        "http.request.version eq \"HTTP/1.1\"",
        "http.referer contains \"example\"",
        "any(http.request.headers[\"accept\"][*] eq \"two\")",
        "http.request.timestamp.sec ge 1795422480",
        "ip.src.asnum eq 7",
        "ip.src eq 10.49.7.1",
    ] {
        let request = "from=10.49.7.1 at=FRA/WEU path=/a/b?c=d&e header=Referer/example.org \
                       header=Accept/one header=Accept/two";
        assert!(holds(condition, request), "{condition}");
    }
    assert!(!holds("ip.src.asnum eq 7", "from=192.0.2.1"));
    assert!(!holds("cf.load_balancer.region ne \"WEU\"", ""), "nobody knows the region");
}

#[test]
fn the_first_pool_set_of_the_clients_place_replaces_everything() {
    let world = World::with(
        "geo country:DE=D | D: d | A spare: a | B spare: b | C spare: c",
        |lb, pool| {
            lb.pool_sets = vec![
                set("german", &["DE"], vec![pool("A"), pool("B")]),
                set("europe", &["DE", "FR"], vec![pool("C")]),
            ];
        },
    );
    for (request, expected) in [
        ("from=10.49.0.1", "set=german session=off pool=A endpoint=a → a"),
        ("from=10.33.0.1", "set=europe session=off pool=C endpoint=c → c"),
        ("from=10.1.0.1", "geo=default session=off pool=D endpoint=d → d"),
    ] {
        check_in(&world, request, expected);
    }
    // The retry goes by the set, too.
    let mut request = world.request("from=10.49.0.1 unresolved:a");
    request.node = crate::notation::parse_node("FRA/WEU");
    assert_eq!(world.send(&request, &mut Seeded(1)).result, Ok(world.endpoint("b")));
}

#[test]
fn lists_of_places_all_count_and_the_node_stands_in() {
    let world = World::with("| D: d | A spare: a", |lb, pool| {
        let mut only = set("weu", &["DE", "FR"], vec![pool("A")]);
        only.places.as_mut().expect("places").regions = Some([Region::Weu].into());
        lb.pool_sets = vec![only];
    });
    check_in(&world, "from=10.49.0.1", "set=weu session=off pool=A endpoint=a → a");
    check_in(&world, "from=10.1.0.1", "session=off pool=D endpoint=d → d");
    let mut request = world.request("from=192.0.2.1 at=FRA/WEU");
    request.node.country = Country::parse("DE");
    assert_eq!(world.send(&request, &mut Seeded(1)).result, Ok(world.endpoint("a")));
}

#[test]
fn a_rule_lies_on_the_pool_set_and_replaces_only_what_it_names() {
    let with = |overrides: fn(Find<'_>) -> Overrides| {
        World::with("| D: d | A spare: a | B spare: b", move |lb, pool| {
            let mut chosen = set("all", &[], vec![pool("A"), pool("B")]);
            if let PoolSetOutcome::Pools(pools) = &mut chosen.outcome {
                pools.fallback_pool = Some(pool("D"));
                pools.pool_weights = Some(vec![(pool("A"), Weight::ZERO)]);
            }
            lb.pool_sets = vec![chosen];
            lb.rules = vec![rule("r", "", overrides(pool))];
        })
    };
    let policy = with(|_| Overrides { steering: Some(Steering::Random), ..Overrides::default() });
    check_in(&policy, "", "set=all rule=r session=off pool=B endpoint=b → b");
    let pools =
        with(|pool| Overrides { default_pools: Some(vec![pool("D")]), ..Overrides::default() });
    check_in(&pools, "", "set=all rule=r session=off pool=D endpoint=d → d");
    let nothing = with(|_| Overrides::default());
    check_in(&nothing, "", "set=all rule=r session=off pool=A endpoint=a → a");
}

#[test]
fn trap_t41_a_pool_sets_response_comes_before_any_rule() {
    let world = World::with("| eu: a", |lb, _| {
        let outcome = PoolSetOutcome::Respond(response("set"));
        lb.pool_sets = vec![PoolSet { name: "all".into(), places: None, outcome }];
        lb.rules = vec![respond("always", "", "rule")];
    });
    check_in(&world, "", "set=all responded=403 → 403 set");
    // Streams ignore both.
    check_in(&world, "stream", "session=off pool=eu endpoint=a → a");
}
