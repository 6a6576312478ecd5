//! `POST /events/{topic}`: what becomes an event, what is refused, and that a refusal leaves nothing behind.

mod accepted;
mod ended;
mod idempotency;
mod memory;
mod refused;
mod sizes;
mod times;
