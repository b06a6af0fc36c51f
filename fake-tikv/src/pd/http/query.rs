//! What follows the question mark: bytes, since keys are.

use percent_encoding::percent_decode;

/// The parameters of a request, as written.
pub(super) struct Query<'a>(&'a str);

impl<'a> Query<'a> {
    pub(super) fn of(uri: &'a axum::http::Uri) -> Self {
        Self(uri.query().unwrap_or_default())
    }
    /// Every value of a parameter, in order.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = Vec<u8>> {
        let pairs = self.0.split('&').filter(|pair| !pair.is_empty());
        let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        pairs.filter(move |(key, _)| decoded(key) == name.as_bytes()).map(|(_, value)| decoded(value))
    }
    /// The first value of a parameter; empty where there is none.
    pub(super) fn get(&self, name: &str) -> Vec<u8> {
        self.all(name).next().unwrap_or_default()
    }
    pub(super) fn has(&self, name: &str) -> bool {
        self.all(name).next().is_some()
    }
    pub(super) fn text(&self, name: &str) -> String {
        String::from_utf8_lossy(&self.get(name)).into_owned()
    }
}

/// Percent escapes and pluses undone, as in Go's `url.QueryUnescape`.
pub(super) fn decoded(text: &str) -> Vec<u8> {
    percent_decode(text.replace('+', " ").as_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_bytes() {
        let uri = "/x?start_key=t%80%00+%2B&count&state=0&state=1".parse().unwrap();
        let query = Query::of(&uri);
        assert_eq!(query.get("start_key"), b"t\x80\0 +");
        assert!(query.has("count") && !query.has("end_key"));
        assert_eq!(query.all("state").collect::<Vec<_>>(), [b"0", b"1"]);
        assert_eq!(query.text("end_key"), "");
    }
}
