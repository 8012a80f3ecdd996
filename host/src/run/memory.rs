//! [`MemoryReport`]: the kernel memory of associations, and what it may be.

use std::fmt;

use bindings::{port_fdcache_t, port_kevent_t, port_source_t, portfd_t};
use serde::{Deserialize, Serialize};
use serve::Service;

/// Buckets of the smallest table of associations that the C module makes. It doubles a table that
/// has two associations per bucket, so no table has more buckets than associations beyond that.
const BUCKETS: u64 = 256;

/// Kernel memory of the associations of a scenario, in bytes as the module asked for them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MemoryReport {
    /// All of them.
    pub bytes: u64,
    /// One of them.
    pub bytes_per_association: f64,
    /// The structures of one: `portfd_t` and `port_kevent_t`.
    pub structure_bytes: u64,
    /// The most that all may take with the C module: structures and table.
    pub most_bytes: u64,
}

impl MemoryReport {
    /// What a scenario that has associations tells.
    pub fn new(service: &Service) -> Option<Self> {
        let bytes = service.association_bytes?;
        let count = u64::from(service.connections?);
        let structure_bytes = (size_of::<portfd_t>() + size_of::<port_kevent_t>()) as u64;
        let table = size_of::<*mut portfd_t>() as u64 * count.max(BUCKETS);
        let per_port = (size_of::<port_fdcache_t>() + size_of::<port_source_t>()) as u64;
        Some(MemoryReport {
            bytes,
            bytes_per_association: service.bytes_per_association()?,
            structure_bytes,
            most_bytes: count * structure_bytes + table + per_port,
        })
    }

    /// What there is to complain about.
    pub fn complaint(&self) -> Option<String> {
        let (bytes, most) = (self.bytes, self.most_bytes);
        (bytes > most).then(|| {
            format!("the associations take {bytes} bytes of kernel memory, the C module's {most}")
        })
    }
}

impl fmt::Display for MemoryReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (each, structures) = (self.bytes_per_association, self.structure_bytes);
        let rest = each - structures as f64;
        write!(
            f,
            "{each:.1} bytes per association: portfd_t and port_kevent_t {structures}, \
             table {rest:.1}"
        )
    }
}

#[cfg(test)]
mod tests {
    use serve::Service;

    use super::MemoryReport;

    fn memory(connections: u32, bytes: u64) -> MemoryReport {
        let service = Service {
            connections: Some(connections),
            association_bytes: Some(bytes),
            ..Service::default()
        };
        MemoryReport::new(&service).expect("all numbers are there")
    }

    #[test]
    fn the_table_is_in_the_bound() {
        let many = memory(100_000, 100_000 * 220);
        assert_eq!(many.bytes_per_association, 220.0);
        let structures = many.structure_bytes * 100_000;
        assert!(many.most_bytes > structures + 8 * 100_000, "{many:?}");
        assert!(many.most_bytes < structures + 9 * 100_000, "{many:?}");
        let few = memory(2, 0);
        assert!(
            few.most_bytes > 2 * few.structure_bytes + 8 * 256,
            "{few:?}"
        );
    }

    #[test]
    fn more_than_the_bound_is_a_complaint() {
        let most = memory(1_000, 0).most_bytes;
        assert_eq!(memory(1_000, most).complaint(), None);
        let expected = format!(
            "the associations take {} bytes of kernel memory, the C module's {most}",
            most + 1
        );
        assert_eq!(memory(1_000, most + 1).complaint(), Some(expected));
    }

    #[test]
    fn what_is_not_there_is_not_reported() {
        assert_eq!(MemoryReport::new(&Service::default()), None);
    }
}
