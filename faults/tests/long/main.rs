//! The faults whose tests take minutes, thousands of clients, or root. `cargo xtask faults all`.

mod f02_zero_window;
mod f03_half_open;
mod f12_storm;
mod f13_drain;
mod f14_clock;
mod f25_ten_thousand;
mod f26_soak;
