//! A PD client: members, leader, stores, regions.
