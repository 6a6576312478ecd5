//! Every kind of request and its answer, whatever is behind it: methods, versions, negotiation, what is malformed.

mod cors;
mod heads;
mod malformed;
mod methods;
mod negotiation;
mod topics;
mod versions;
