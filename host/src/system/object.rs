//! `Objects` over the fakekernel.

use suite::Objects;

use super::FakeSystem;

impl Objects for FakeSystem<'_> {}
