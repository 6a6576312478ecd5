//! Tests of the plan: known loads, and what holds for every load.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::host::OpenFiles;

fn limits(files: u64, cores: u32) -> Limits {
    let open_files = OpenFiles { soft: Some(1024), hard: Some(files) };
    Limits { open_files, cores, ports: Some(DEFAULT_PORTS), ..Limits::default() }
}

fn target(address: &str) -> Vec<SocketAddr> {
    vec![address.parse().unwrap()]
}

fn loopback() -> [Vec<SocketAddr>; 1] {
    [target("127.0.0.1:8080")]
}

fn sources(plan: &Plan) -> Vec<String> {
    plan.routes.iter().map(|route| route.source.map_or_else(|| "-".to_owned(), |ip| ip.to_string())).collect()
}

#[test]
fn fifteen_thousand_fit_into_one_worker() {
    let plan = plan(15_000, &loopback(), Some(1), &[], &limits(20_000, 2)).unwrap();
    assert_eq!(plan.workers, 1);
    assert_eq!(sources(&plan), ["-"]);
}

#[test]
fn sixty_thousand_need_four_workers_and_sources() {
    let plan = plan(60_000, &loopback(), None, &[], &limits(20_000, 2)).unwrap();
    assert_eq!(plan.workers, 4);
    assert_eq!(sources(&plan), ["-", "127.0.1.1", "127.0.1.2", "127.0.1.3"]);
    assert_eq!(plan.pairs(), 4);
}

#[test]
fn a_wider_range_needs_fewer_pairs() {
    let ports = Some(Ports { first: 1024, last: 65_535, reserved: 0 });
    let limits = Limits { ports, ..limits(1 << 20, 2) };
    assert_eq!(ports_per_pair(&limits), 45_158);
    assert_eq!(plan(60_000, &loopback(), None, &[], &limits).unwrap().pairs(), 2);
}

#[test]
fn workers_are_as_many_as_are_worth_it() {
    let workers =
        |clients, asked, limits| plan(clients, &loopback(), asked, &[], &limits).map(|plan| plan.workers);
    assert_eq!(workers(10, None, limits(20_000, 8)), Ok(1));
    assert_eq!(workers(2_500, None, limits(20_000, 8)), Ok(3));
    assert_eq!(workers(15_000, None, limits(20_000, 8)), Ok(8));
    assert_eq!(workers(3, Some(8), limits(20_000, 8)), Ok(3));
    let unlimited = Limits { open_files: OpenFiles::default(), ..limits(0, 2) };
    assert_eq!(workers(200_000, Some(1), unlimited), Ok(1));
    let too_few = PlanError::Workers { clients: 60_000, asked: 3, needed: 4, per_worker: 19_936 };
    assert_eq!(workers(60_000, Some(3), limits(20_000, 2)), Err(too_few));
    assert_eq!(workers(1, None, limits(64, 2)), Err(PlanError::Descriptors(64)));
}

#[test]
fn a_remote_target_has_only_the_sources_it_is_given() {
    let (remote, limits) = ([target("192.0.2.1:443")], limits(20_000, 2));
    let error = plan(60_000, &remote, None, &[], &limits).unwrap_err();
    assert_eq!(error, PlanError::Ports { clients: 60_000, possible: 19_762 });
    assert!(error.to_string().contains("--source IP"), "{error}");

    let two = ["198.51.100.1".parse().unwrap(), "198.51.100.2".parse().unwrap()];
    let error = plan(60_000, &remote, None, &two, &limits).unwrap_err();
    assert_eq!(error, PlanError::Ports { clients: 60_000, possible: 2 * 19_762 });
    let plan = plan(39_000, &remote, None, &two, &limits).unwrap();
    assert_eq!(sources(&plan), ["198.51.100.1", "198.51.100.2"]);
}

#[test]
fn targets_multiply_pairs_unless_they_share_an_address() {
    let limits = limits(20_000, 2);
    let two = [target("192.0.2.1:80"), target("192.0.2.2:80")];
    assert_eq!(plan(39_000, &two, None, &[], &limits).unwrap().pairs(), 2);

    let same = [target("192.0.2.1:80"), target("192.0.2.1:80")];
    let error = plan(39_000, &same, None, &[], &limits).unwrap_err();
    assert_eq!(error, PlanError::Ports { clients: 39_000, possible: 19_762 });

    let topics = [target("127.0.0.1:80"), target("127.0.0.1:80")];
    let plan = plan(39_000, &topics, None, &[], &limits).unwrap();
    assert_eq!(sources(&plan), ["-", "127.0.1.1"]);
    assert_eq!(plan.routes.iter().map(|route| route.target).collect::<Vec<_>>(), [0, 1]);
}

#[test]
fn many_targets_at_one_address_share_few_pairs() {
    let topics = vec![target("127.0.0.1:80"); 1000];
    let plan = plan(79_000, &topics, None, &[], &limits(20_000, 2)).unwrap();
    assert_eq!((plan.routes.len(), plan.pairs()), (1000, 4));
}

#[test]
fn targets_with_unlike_addresses_share_what_there_is() {
    let (a, b) = ("192.0.2.1:80".parse().unwrap(), "192.0.2.2:80".parse().unwrap());
    let targets = [vec![a], vec![a, b], vec![b]];
    let plan = plan(39_000, &targets, None, &[], &limits(20_000, 2)).unwrap();
    assert_eq!(plan.pairs(), 2);
}

#[test]
fn only_needed_addresses_of_a_target_are_used() {
    let both = vec!["127.0.0.1:80".parse().unwrap(), "[::1]:80".parse().unwrap()];
    let used =
        |clients| plan(clients, std::slice::from_ref(&both), None, &[], &limits(1 << 20, 2)).unwrap().routes;
    assert_eq!(used(100).len(), 1);
    assert_eq!(used(39_000).iter().map(|route| route.address).collect::<Vec<_>>(), both);
    assert_eq!(used(59_000)[2].source, Some("127.0.1.1".parse().unwrap()));
}

#[test]
fn what_cannot_be_planned_is_said() {
    let limits = limits(20_000, 2);
    assert_eq!(plan(0, &loopback(), None, &[], &limits), Err(PlanError::NoClients));
    assert_eq!(plan(u32::MAX, &loopback(), None, &[], &limits), Err(PlanError::TooManyClients(u32::MAX)));
    assert_eq!(plan(MAX_CLIENTS, &loopback(), None, &[], &limits).unwrap().pairs(), 507);
    assert_eq!(plan(1, &[], None, &[], &limits), Err(PlanError::NoTargets));
    assert_eq!(plan(1, &[vec![]], None, &[], &limits), Err(PlanError::NoAddress(0)));
    let v6 = ["2001:db8::1".parse().unwrap()];
    let error = PlanError::NoSource("127.0.0.1:8080".parse().unwrap());
    assert_eq!(plan(1, &loopback(), None, &v6, &limits), Err(error));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Every client has a worker with room and a route to its target, and no pair gets more than its share.
    #[test]
    fn nothing_gets_more_than_its_share(
        clients in 1_u32..5_000,
        targets in prop::collection::vec(prop::collection::vec((0_u8..3, 80_u16..83), 1..3), 1..5),
        files in 65_u64..3000,
        last in 32_780_u16..33_500,
        cores in 1_u32..9,
    ) {
        let addresses = |addresses: &Vec<(u8, u16)>| -> Vec<SocketAddr> {
            addresses.iter().map(|&(host, port)| SocketAddr::from(([127, 0, 0, host], port))).collect()
        };
        let targets: Vec<_> = targets.iter().map(addresses).collect();
        let ports = Some(Ports { first: 32_768, last, reserved: 0 });
        let limits = Limits { ports, ..limits(files, cores) };

        let plan = plan(clients, &targets, None, &[], &limits).unwrap();

        let (mut pairs, mut workers, mut served) = (HashMap::new(), HashMap::new(), HashMap::new());
        for client in 0..clients as usize {
            let route = plan.routes[client % plan.routes.len()];
            prop_assert!(targets[route.target].contains(&route.address));
            *pairs.entry((route.source, route.address)).or_insert(0) += 1;
            *workers.entry(client % plan.workers as usize).or_insert(0) += 1;
            *served.entry(route.target).or_insert(0) += 1;
        }
        prop_assert!(pairs.values().all(|&clients| clients <= ports_per_pair(&limits)));
        prop_assert!(workers.values().all(|&clients| clients + RESERVED_FILES <= files));
        prop_assert_eq!(workers.len(), plan.workers as usize, "a worker has nothing to do");
        let (least, most) = (served.values().min().unwrap(), served.values().max().unwrap());
        prop_assert!(most - least <= 1, "targets are not served alike: {served:?}");
    }
}
