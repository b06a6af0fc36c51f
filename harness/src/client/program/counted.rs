//! Numbers in foreign text: a line, a Prometheus page, a JSON document.

use regex::Regex;
use serde_json::Value;

use crate::probe::meter::Reported;
use crate::scenario::shorten;

/// A regular expression with a group `done`, and perhaps `total`.
#[derive(Clone, Debug)]
pub(super) struct Counted(Regex);

impl Counted {
    /// The scenario has refused what is no expression.
    pub(super) fn new(regex: &str) -> Self {
        Self(Regex::new(regex).expect("a scenario's expressions are checked"))
    }
    /// The numbers of a line that matches.
    pub(super) fn find(&self, line: &str) -> Option<Reported> {
        let found = self.0.captures(line)?;
        let group = |name| found.name(name).and_then(|group| number(group.as_str()));
        Some(Reported { done: group("done")?, total: group("total") })
    }
}

/// The number at a JSON pointer.
pub(super) fn json(document: &[u8], pointer: &str) -> Result<u64, String> {
    json_if_any(document, pointer)?.ok_or_else(|| format!("nothing at `{pointer}`"))
}

/// The number at a JSON pointer, if there is anything.
pub(crate) fn json_if_any(document: &[u8], pointer: &str) -> Result<Option<u64>, String> {
    let document: Value = serde_json::from_slice(document).map_err(|error| format!("not JSON: {error}"))?;
    let Some(found) = document.pointer(pointer).filter(|found| !found.is_null()) else { return Ok(None) };
    let value = match found {
        Value::Number(found) => found.as_u64().or_else(|| found.as_f64().and_then(whole)),
        Value::String(found) => number(found),
        _ => None,
    };
    let refused = || format!("`{}` at `{pointer}` is no count", shorten(&found.to_string()));
    value.map(Some).ok_or_else(refused)
}

/// The sum of the series of a Prometheus page that have this name and at least these labels.
pub(super) fn metric(page: &str, metric: &str) -> Result<u64, String> {
    let (name, labels) = series(metric).ok_or_else(|| format!("`{metric}` is no metric"))?;
    let mut sum = None;
    for line in page.lines().filter(|line| !line.starts_with('#')) {
        let Some((of, having, value)) = sample(line) else { continue };
        if of == name && labels.iter().all(|label| having.contains(label)) {
            sum = Some(sum.unwrap_or(0.0) + value);
        }
    }
    let sum = sum.ok_or_else(|| format!("no series `{metric}`"))?;
    whole(sum).ok_or_else(|| format!("`{metric}` is {sum}, which is no count"))
}

type Labels = Vec<(String, String)>;

fn sample(line: &str) -> Option<(&str, Labels, f64)> {
    // a label's value may hold anything but its end: the last brace closes the labels
    let at = line.rfind('}').map_or_else(|| line.find(char::is_whitespace), |brace| Some(brace + 1))?;
    let (name, labels) = series(&line[..at])?;
    Some((name, labels, line[at..].split_whitespace().next()?.parse().ok()?))
}

/// `name` or `name{a="b",c="d"}`
fn series(text: &str) -> Option<(&str, Labels)> {
    let text = text.trim();
    let Some((name, rest)) = text.split_once('{') else { return Some((text, vec![])) };
    let mut rest = rest.strip_suffix('}')?.trim();
    let mut labels = vec![];
    while !rest.is_empty() {
        let (key, after) = rest.split_once("=\"")?;
        let (mut value, mut end, mut escaped) = (String::new(), None, false);
        for (at, c) in after.char_indices() {
            match c {
                _ if escaped => {
                    value.push(if c == 'n' { '\n' } else { c });
                    escaped = false;
                }
                '\\' => escaped = true,
                '"' => {
                    end = Some(at);
                    break;
                }
                c => value.push(c),
            }
        }
        labels.push((key.trim().to_owned(), value));
        rest = after[end? + 1..].trim().trim_start_matches(',').trim_start();
    }
    Some((name.trim(), labels))
}

fn number(text: &str) -> Option<u64> {
    let plain = text.trim().replace(['_', ','], "");
    plain.parse().ok().or_else(|| plain.parse().ok().and_then(whole))
}

/// A count, if it is one: neither negative nor infinite nor larger than any.
fn whole(value: f64) -> Option<u64> {
    (0.0..9.2e18).contains(&value).then_some(value as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_how_far_it_is_and_how_far_it_has_to_go() {
        let counted = Counted::new(r"rows (?P<done>[\d,.e]+)(?:/(?P<total>\S+))?");
        let reported = |done, total| Some(Reported { done, total });
        for (line, wanted) in [
            ("rows 12/40", reported(12, Some(40))),
            ("rows 1,200", reported(1_200, None)),
            ("rows 1.5e3/x", reported(1_500, None)),
            ("rows 99999999999999999999999", None),
            ("cols 3", None),
        ] {
            assert_eq!(counted.find(line), wanted, "{line}");
        }
    }

    #[test]
    fn series_with_the_name_and_the_labels_are_summed() {
        let page = "# HELP rows_total Rows.\n# TYPE rows_total counter\nrows_total{kind=\"a\",x=\"}\\\"\"} 3\n\
                    rows_total{kind=\"b\"} 4.0 1700000000\nrows_total_more 9\nplain 5\nbroken{\nnan NaN\nless -1\n";
        for (name, wanted) in [
            ("rows_total", Ok(7)),
            ("rows_total{kind=\"a\"}", Ok(3)),
            ("rows_total{kind=\"a\",x=\"}\\\"\"}", Ok(3)),
            ("plain", Ok(5)),
        ] {
            assert_eq!(metric(page, name), wanted, "{name}");
        }
        for name in ["rows", "rows_total{kind=\"c\"}", "nan", "less", "rows{", "broken"] {
            assert!(metric(page, name).is_err(), "{name}");
        }
    }

    #[test]
    fn a_json_pointer_leads_to_a_number() {
        let document = br#"{"done": 3, "of": {"rows": [1.0, "12", -4, null, 1e300]}}"#;
        assert_eq!(json(document, "/done"), Ok(3));
        assert_eq!(json(document, "/of/rows/0"), Ok(1));
        assert_eq!(json(document, "/of/rows/1"), Ok(12));
        for pointer in ["/of/rows/2", "/of/rows/3", "/of/rows/4", "/of", "/nowhere", ""] {
            assert!(json(document, pointer).is_err(), "{pointer}");
        }
        assert!(json(b"<html>", "/done").is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_page_is_read(page in "[a-c{}\"=\\\\,.0-9 \n#é-]{0,80}", name in "[a-c{}\"=,]{0,20}") {
            let _number = metric(&page, &name);
            let _number = json(page.as_bytes(), &name);
        }
    }
}
