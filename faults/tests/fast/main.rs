//! The faults whose tests take seconds. `cargo xtask faults fast`.

mod f01_policies;
mod f01_slow_reader;
mod f02_stalled;
mod f04_abrupt_ends;
mod f05_talkative_client;
mod f06_slow_requests;
mod f07_addresses;
mod f07_descriptors;
mod f08_memory;
mod f09_publisher_flood;
mod f10_giant_events;
mod f11_many_topics;
mod f12_reconnects;
mod f13_drain;
mod f14_suspended;
mod f17_repeated_publish;
mod f19_killed;
mod f20_cut_anywhere;
mod f22_races;
mod f24_hostile_input;
mod f25_heartbeats;
