//! "Did you mean …?"

/// `did you mean `x`?` where a choice is close, else the choices.
pub(crate) fn did_you_mean(written: &str, choices: &[&str]) -> String {
    match nearest(written, choices) {
        Some(choice) => format!("did you mean `{choice}`?"),
        None if choices.is_empty() => "there is nothing to choose from".into(),
        None => format!("choose from {}", list(choices)),
    }
}

/// The choice that was probably meant: at most a third of its letters differ, case aside.
pub(crate) fn nearest<'a>(written: &str, choices: &[&'a str]) -> Option<&'a str> {
    let plain = |s: &str| s.to_lowercase().replace(['_', '-', ' '], "");
    // A long word is close to nothing, and the distance costs the product of the lengths.
    if written.len() > 64 {
        return None;
    }
    choices
        .iter()
        .map(|c| (strsim::osa_distance(&plain(written), &plain(c)), *c))
        .filter(|(distance, c)| *distance <= (c.len() / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, c)| c)
}

/// `` `a`, `b`, `c` ``
pub(crate) fn list(choices: &[&str]) -> String {
    choices
        .iter()
        .map(|c| if c.contains(' ') { (*c).to_owned() } else { format!("`{c}`") })
        .collect::<Vec<_>>()
        .join(", ")
}
