//! Every socket that a node listens on: taken over from the process before, opened by the service
//! manager, or bound now. They are kept here as long as the node may have to pass them on; planes get
//! copies.

use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd, BorrowedFd};

use evenkeel_dns::server::{Sockets as DnsSockets, bind as bind_dns};
use evenkeel_net::inherit::{Chosen, Purpose, Stock};
use evenkeel_net::listen::{listen, listen_shared, share_out};
use evenkeel_net::tls::server::Terminator;
use evenkeel_proxy::Listener;

use crate::exit::Failure;
use crate::settings::Settings;

/// All of them, by what they are for.
#[derive(Debug)]
pub(crate) struct Sockets {
    api: TcpListener,
    http: Vec<Address>,
    https: Vec<Address>,
    pub(crate) dns: Vec<DnsSockets>,
    /// What the service manager chose the addresses of.
    by_manager: Vec<Purpose>,
}

/// The sockets of one address, and copies of them for the workers that are to start.
#[derive(Debug)]
struct Address {
    bound: SocketAddr,
    all: Vec<TcpListener>,
    of_worker: Vec<Vec<TcpListener>>,
}

/// Puts addresses that the service manager chose in place of those of the settings.
pub(crate) fn heed_manager(settings: &mut Settings, stock: &Stock) {
    let chosen = |purpose, addresses: &mut Vec<SocketAddr>| {
        let by_manager = stock.addresses_by_manager(purpose);
        if !by_manager.is_empty() {
            *addresses = by_manager;
        }
    };
    chosen(Purpose::Http, &mut settings.http);
    chosen(Purpose::Https, &mut settings.of_tls.https);
    chosen(Purpose::Dns, &mut settings.of_dns.addresses);
    if let Some(address) = stock.addresses_by_manager(Purpose::Api).first() {
        settings.api = *address;
    }
}

impl Sockets {
    /// Takes what the settings ask for out of the stock, and binds what is not there. What is left
    /// of the stock is closed.
    ///
    /// # Errors
    /// When an address is taken by another program or not on this machine.
    pub(crate) fn gather(settings: &Settings, mut stock: Stock) -> Result<Self, Failure> {
        let purposes = [Purpose::Api, Purpose::Http, Purpose::Https, Purpose::Dns];
        let is_by_manager = |purpose: &Purpose| !stock.addresses_by_manager(*purpose).is_empty();
        let by_manager = purposes.into_iter().filter(is_by_manager).collect();
        let stock = &mut stock;
        let mut dns = Vec::new();
        for address in &settings.of_dns.addresses {
            let doing = || Failure::doing(format!("binding the name server to {address}"));
            let tcp = stock.listeners(Purpose::Dns, *address);
            let udp = stock.datagrams(Purpose::Dns, *address);
            let sockets = match udp.is_empty() && tcp.is_empty() {
                true => bind_dns(*address, settings.workers).map_err(doing())?,
                false => DnsSockets::adopt(udp, tcp, settings.workers).map_err(doing())?,
            };
            dns.push(sockets);
        }
        Ok(Self {
            api: api(stock, settings.api)?,
            http: addresses(stock, Purpose::Http, &settings.http, settings.workers)?,
            https: addresses(stock, Purpose::Https, &settings.of_tls.https, settings.workers)?,
            dns,
            by_manager,
        })
    }

    /// A copy of the API's.
    ///
    /// # Errors
    /// When the process has no descriptors left.
    pub(crate) fn api(&self) -> Result<TcpListener, Failure> {
        self.api.try_clone().map_err(Failure::doing("starting the API"))
    }

    /// Where the API is served.
    ///
    /// # Errors
    /// None on Linux.
    pub(crate) fn api_address(&self) -> Result<SocketAddr, Failure> {
        self.api.local_addr().map_err(Failure::doing("binding the API"))
    }

    pub(crate) fn http_addresses(&self) -> Vec<SocketAddr> {
        self.http.iter().map(|address| address.bound).collect()
    }

    pub(crate) fn https_addresses(&self) -> Vec<SocketAddr> {
        self.https.iter().map(|address| address.bound).collect()
    }

    pub(crate) fn dns_addresses(&self) -> Vec<SocketAddr> {
        self.dns.iter().map(|sockets| sockets.address).collect()
    }

    /// Each worker's copies, the first time.
    pub(crate) fn hand_out(&mut self, workers: usize, tls: &Terminator) -> Vec<Vec<Listener>> {
        let mut of_worker: Vec<_> = (0..workers).map(|_| Vec::new()).collect();
        for (addresses, tls) in [(&mut self.http, None), (&mut self.https, Some(tls))] {
            for address in addresses {
                let copies = std::mem::take(&mut address.of_worker);
                for (listeners, sockets) in of_worker.iter_mut().zip(copies) {
                    listeners.extend(
                        sockets.into_iter().map(|socket| Listener { socket, tls: tls.cloned() }),
                    );
                }
            }
        }
        of_worker
    }

    /// All descriptors by what they are for, to be passed on.
    pub(crate) fn descriptors(&self) -> Vec<(Purpose, Chosen, Vec<BorrowedFd<'_>>)> {
        let dns = self.dns.iter().flat_map(DnsSockets::descriptors).collect();
        let all = [
            (Purpose::Api, vec![self.api.as_fd()]),
            (Purpose::Http, descriptors(&self.http)),
            (Purpose::Https, descriptors(&self.https)),
            (Purpose::Dns, dns),
        ];
        let with_chooser = |(purpose, descriptors)| {
            let is_by_manager = self.by_manager.contains(&purpose);
            let chosen = if is_by_manager { Chosen::ByManager } else { Chosen::BySettings };
            (purpose, chosen, descriptors)
        };
        all.into_iter().map(with_chooser).collect()
    }
}

fn descriptors(addresses: &[Address]) -> Vec<BorrowedFd<'_>> {
    addresses.iter().flat_map(|address| &address.all).map(AsFd::as_fd).collect()
}

fn api(stock: &mut Stock, wanted: SocketAddr) -> Result<TcpListener, Failure> {
    match stock.listeners(Purpose::Api, wanted).into_iter().next() {
        Some(listener) => Ok(listener),
        None => listen(wanted).map_err(Failure::doing(format!("binding the API to {wanted}"))),
    }
}

fn addresses(
    stock: &mut Stock,
    purpose: Purpose,
    wanted: &[SocketAddr],
    workers: usize,
) -> Result<Vec<Address>, Failure> {
    let kind = if purpose == Purpose::Https { "HTTPS" } else { "HTTP" };
    let mut addresses = Vec::new();
    for address in wanted {
        let doing = || Failure::doing(format!("binding the {kind} listener to {address}"));
        let mut sockets = stock.listeners(purpose, *address);
        if sockets.is_empty() {
            sockets = listen_shared(*address, workers).map_err(doing())?;
        }
        let bound = sockets[0].local_addr().map_err(doing())?;
        let (all, of_worker) = share_out(sockets, workers).map_err(doing())?;
        addresses.push(Address { bound, all, of_worker });
    }
    Ok(addresses)
}
