//! `Timers` over the fakekernel.

use suite::Timers;

use super::FakeSystem;

impl Timers for FakeSystem<'_> {}
