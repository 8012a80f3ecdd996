//! Which cases to run.

use regex::Regex;
use suite::Entry;

use super::args::Args;
use super::selftest;

/// The selected cases, in the order of the list.
///
/// # Errors
///
/// One line for the user: the filter is no regular expression, or there is no such case.
pub fn entries(args: &Args) -> Result<Vec<Entry>, String> {
    let all: Vec<Entry> = if args.self_test {
        selftest::CASES.iter().flat_map(Entry::of).collect()
    } else {
        suite::cases::entries().collect()
    };
    if let Some(name) = &args.case {
        let found: Vec<Entry> = all
            .into_iter()
            .filter(|entry| entry.name() == *name)
            .collect();
        if found.is_empty() {
            return Err(format!("no case is named {name}; --list prints the names"));
        }
        return Ok(found);
    }
    let Some(filter) = &args.filter else {
        return Ok(all);
    };
    let regex = Regex::new(filter).map_err(|error| {
        // The last line says what is wrong; those before draw the place.
        let text = error.to_string();
        let reason = text
            .lines()
            .last()
            .unwrap_or_default()
            .trim_start_matches("error: ");
        format!("--filter {filter}: not a regular expression: {reason}")
    })?;
    let found: Vec<Entry> = all
        .into_iter()
        .filter(|e| regex.is_match(&e.name()))
        .collect();
    if found.is_empty() && !args.list {
        return Err(format!(
            "no case matches --filter {filter}; --list prints the names"
        ));
    }
    Ok(found)
}
