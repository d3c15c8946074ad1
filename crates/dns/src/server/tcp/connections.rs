//! The connections there are, by when they last asked something, and whose place a new one takes.
//!
//! When there are too many, of one client or of all, the one that was silent longest is closed. A
//! thousand connections that say nothing thus keep nobody out: who asks is younger than they are.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::{IpAddr, Ipv6Addr};
use std::rc::Rc;
use std::sync::Arc;

use evenkeel_telemetry::DnsMetrics;
use tokio::sync::Notify;
use tokio::task::AbortHandle;

/// Connections at a time. Each may make us keep some tens of kilobytes, mostly none.
const CONNECTIONS_MAX: usize = 4096;
/// Connections of one client at a time: a busy resolver has a few, and a few more behind the same
/// address.
const OF_CLIENT_MAX: usize = 256;
/// Bits that an IPv6 address has in common with all others of its party, at least.
const PREFIX_V6: u32 = 64;

/// All connections of the thread. Clones are the same.
#[derive(Debug, Clone)]
pub(super) struct Connections(Rc<Table>);

#[derive(Debug)]
struct Table {
    metrics: Arc<DnsMetrics>,
    open: RefCell<Open>,
    last_gone: Notify,
    of_client_max: usize,
    connections_max: usize,
}

#[derive(Debug, Default)]
struct Open {
    /// Each by the turn of its last query. Turns count up, so that the first is the oldest.
    by_turn: BTreeMap<u64, Connection>,
    of_client: HashMap<IpAddr, BTreeSet<u64>>,
    turns: u64,
}

#[derive(Debug)]
struct Connection {
    client: IpAddr,
    turn: Rc<Cell<u64>>,
    task: Option<AbortHandle>,
}

/// A connection's place. It is free again once this is dropped, even by a panic.
#[derive(Debug)]
pub(super) struct Entry {
    connections: Connections,
    turn: Rc<Cell<u64>>,
}

impl Connections {
    pub(super) fn new(metrics: Arc<DnsMetrics>) -> Self {
        Self::with_bounds(metrics, CONNECTIONS_MAX, OF_CLIENT_MAX)
    }

    fn with_bounds(metrics: Arc<DnsMetrics>, connections_max: usize, of_client_max: usize) -> Self {
        let (open, last_gone) = (RefCell::default(), Notify::new());
        Self(Rc::new(Table { metrics, open, last_gone, of_client_max, connections_max }))
    }

    /// Enters a connection, whose task `begin` starts, in place of the one silent longest if there
    /// are too many.
    pub(super) fn enter(&self, client: IpAddr, begin: impl FnOnce(Entry) -> AbortHandle) {
        let client = party(client);
        self.make_room(client);
        let turn = {
            let open = &mut *self.0.open.borrow_mut();
            let turn = Rc::new(Cell::new(open.next_turn()));
            let connection = Connection { client, turn: Rc::clone(&turn), task: None };
            open.by_turn.insert(turn.get(), connection);
            open.of_client.entry(client).or_default().insert(turn.get());
            turn
        };
        self.0.metrics.tcp_open.increment();
        let key = turn.get();
        let task = begin(Entry { connections: self.clone(), turn });
        if let Some(connection) = self.0.open.borrow_mut().by_turn.get_mut(&key) {
            connection.task = Some(task);
        }
    }

    fn make_room(&self, client: IpAddr) {
        let oldest = {
            let open = self.0.open.borrow();
            let of_client = open.of_client.get(&client);
            let of_client = of_client.filter(|turns| turns.len() >= self.0.of_client_max);
            match of_client.and_then(BTreeSet::first) {
                Some(turn) => Some(*turn),
                None if open.by_turn.len() >= self.0.connections_max => {
                    open.by_turn.first_key_value().map(|(turn, _)| *turn)
                }
                None => None,
            }
        };
        let Some(turn) = oldest else { return };
        // Its task is dropped a moment later; its place is free now.
        let gone = self.0.remove(turn);
        self.0.metrics.tcp_shed.increment();
        if let Some(task) = gone.and_then(|gone| gone.task) {
            task.abort();
        }
    }

    /// Waits until there are none. To drop the future changes nothing.
    pub(super) async fn all_gone(&self) {
        while !self.0.open.borrow().by_turn.is_empty() {
            self.0.last_gone.notified().await;
        }
    }
}

impl Table {
    fn remove(&self, turn: u64) -> Option<Connection> {
        let open = &mut *self.open.borrow_mut();
        let gone = open.by_turn.remove(&turn)?;
        if let Some(turns) = open.of_client.get_mut(&gone.client) {
            turns.remove(&turn);
            if turns.is_empty() {
                open.of_client.remove(&gone.client);
            }
        }
        self.metrics.tcp_open.decrement();
        if open.by_turn.is_empty() {
            self.last_gone.notify_one();
        }
        Some(gone)
    }
}

impl Open {
    fn next_turn(&mut self) -> u64 {
        self.turns += 1;
        self.turns
    }
}

impl Entry {
    /// Notes that it has asked something: it is the youngest now.
    pub(super) fn touch(&self) {
        let open = &mut *self.connections.0.open.borrow_mut();
        let earlier = self.turn.get();
        let Some(connection) = open.by_turn.remove(&earlier) else { return };
        let turn = open.next_turn();
        connection.turn.set(turn);
        if let Some(turns) = open.of_client.get_mut(&connection.client) {
            turns.remove(&earlier);
            turns.insert(turn);
        }
        open.by_turn.insert(turn, connection);
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.connections.0.remove(self.turn.get());
    }
}

/// What stands for a client: its address, or the first of its network.
fn party(client: IpAddr) -> IpAddr {
    match client {
        IpAddr::V4(_) => client,
        IpAddr::V6(ip) => Ipv6Addr::from(ip.to_bits() >> PREFIX_V6 << PREFIX_V6).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Enters connections of these clients; the entry of each, by number.
    struct Case {
        connections: Connections,
        entries: Rc<RefCell<Vec<Option<Entry>>>>,
    }

    impl Case {
        fn new(connections_max: usize, of_client_max: usize) -> Self {
            let connections =
                Connections::with_bounds(Arc::default(), connections_max, of_client_max);
            Self { connections, entries: Rc::default() }
        }

        fn enter(&self, client: &str) {
            let entries = Rc::clone(&self.entries);
            self.connections.enter(client.parse().unwrap(), |entry| {
                entries.borrow_mut().push(Some(entry));
                tokio::task::spawn_local(std::future::pending::<()>()).abort_handle()
            });
        }

        /// Which are still entered.
        fn open(&self) -> Vec<usize> {
            let open = self.connections.0.open.borrow();
            let entries = self.entries.borrow();
            let is_open = |entry: &Option<Entry>| {
                entry.as_ref().is_some_and(|entry| open.by_turn.contains_key(&entry.turn.get()))
            };
            (0..entries.len()).filter(|n| is_open(&entries[*n])).collect()
        }
    }

    fn run(test: impl FnOnce()) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build_local(tokio::runtime::LocalOptions::default())
            .unwrap();
        runtime.block_on(async { test() });
    }

    #[test]
    fn the_longest_silent_makes_room() {
        run(|| {
            let case = Case::new(3, 9);
            for client in ["192.0.2.1", "192.0.2.2", "192.0.2.3"] {
                case.enter(client);
            }
            assert_eq!(case.open(), [0, 1, 2]);
            case.entries.borrow()[0].as_ref().unwrap().touch();
            case.enter("192.0.2.4");
            assert_eq!(case.open(), [0, 2, 3]);
            case.enter("192.0.2.5");
            assert_eq!(case.open(), [0, 3, 4]);
            assert_eq!(case.connections.0.metrics.tcp_shed.get(), 2);
            assert_eq!(case.connections.0.metrics.tcp_open.get(), 3);
        });
    }

    #[test]
    fn a_client_makes_room_for_itself_first() {
        run(|| {
            let case = Case::new(9, 2);
            let clients =
                ["192.0.2.1", "2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8:0:1::1"];
            for client in clients {
                case.enter(client);
            }
            assert_eq!(case.open(), [0, 2, 3, 4]);
        });
    }

    #[test]
    fn places_are_free_once_their_connections_are_gone() {
        run(|| {
            let case = Case::new(2, 2);
            case.enter("192.0.2.1");
            case.enter("192.0.2.1");
            let gone = case.entries.borrow_mut()[1].take();
            drop(gone);
            case.enter("192.0.2.1");
            assert_eq!(case.open(), [0, 2]);
            case.entries.borrow_mut().clear();
            assert_eq!(case.connections.0.metrics.tcp_open.get(), 0);
            assert!(case.connections.0.open.borrow().of_client.is_empty());
        });
    }
}
