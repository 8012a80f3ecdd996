//! `Aio` over the fakekernel.

use suite::Aio;

use super::FakeSystem;

impl Aio for FakeSystem<'_> {}
