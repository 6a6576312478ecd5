//! `GET /events…`: what a reader is given, from the first byte to the last.

mod ending;
mod full;
mod heartbeat;
mod opening;
mod position;
mod prime;
mod problems;
mod slow;
mod topics;
