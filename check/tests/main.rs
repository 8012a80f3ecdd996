//! Tests of the checks, on files made by the tests themselves.

mod fixture;
mod input;
mod negative;
mod report;
mod rules;
mod shared;
