//! PD's configuration, as far as clients read and write it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// Schedulers that a new cluster runs.
const SCHEDULERS: [&str; 4] = [
    "balance-hot-region-scheduler",
    "balance-leader-scheduler",
    "balance-region-scheduler",
    "evict-slow-store-scheduler",
];

/// What tools have set. Nothing here schedules anything.
#[derive(Debug)]
pub(crate) struct Settings {
    /// Schedulers, and until when (seconds since 1970) each is paused.
    pub(crate) schedulers: BTreeMap<String, u64>,
    pub(crate) schedule: Map<String, Value>,
    pub(crate) replication: Map<String, Value>,
    /// Rules that label regions, by id.
    pub(crate) label_rules: BTreeMap<String, Value>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            schedulers: SCHEDULERS.map(|name| (name.into(), 0)).into(),
            schedule: object(json!({
                "max-snapshot-count": 64,
                "max-pending-peer-count": 64,
                "max-merge-region-size": 20,
                "max-merge-region-keys": 200_000,
                "split-merge-interval": "1h0m0s",
                "enable-one-way-merge": "false",
                "enable-cross-table-merge": "true",
                "patrol-region-interval": "10ms",
                "max-store-down-time": "30m0s",
                "leader-schedule-limit": 4,
                "leader-schedule-policy": "count",
                "region-schedule-limit": 2048,
                "replica-schedule-limit": 64,
                "merge-schedule-limit": 8,
                "hot-region-schedule-limit": 4,
                "enable-location-replacement": "true",
            })),
            replication: object(json!({
                "max-replicas": 3,
                "location-labels": "",
                "strictly-match-label": "false",
                "enable-placement-rules": "true",
                "enable-placement-rules-cache": "false",
                "isolation-level": "",
            })),
            label_rules: BTreeMap::new(),
        }
    }
}

impl Settings {
    /// Sets items by name, wherever each belongs; a name with its section (`schedule.x`) too. The name that there is not,
    /// where there is one: nothing is set then.
    pub(crate) fn set(&mut self, items: &Map<String, Value>) -> Result<(), String> {
        for (name, _) in items {
            if self.item(name).is_none() {
                return Err(name.clone());
            }
        }
        for (name, value) in items {
            if let Some(item) = self.item(name) {
                *item = value.clone();
            }
        }
        Ok(())
    }

    fn item(&mut self, name: &str) -> Option<&mut Value> {
        match name.split_once('.') {
            Some(("schedule", name)) => self.schedule.get_mut(name),
            Some(("replication", name)) => self.replication.get_mut(name),
            Some(_) => None,
            None => self.schedule.get_mut(name).or_else(|| self.replication.get_mut(name)),
        }
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_set_together_or_not_at_all() {
        let mut settings = Settings::default();
        let known = object(json!({"merge-schedule-limit": 0, "replication.max-replicas": 5}));
        assert_eq!(settings.set(&known), Ok(()));
        assert_eq!(
            (&settings.schedule["merge-schedule-limit"], &settings.replication["max-replicas"]),
            (&json!(0), &json!(5))
        );
        let unknown = object(json!({"max-replicas": 1, "no-such": 1}));
        assert_eq!(settings.set(&unknown), Err("no-such".into()));
        assert_eq!(settings.replication["max-replicas"], 5);
    }
}
