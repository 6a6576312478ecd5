//! Bytes off the socket, events into the account.

use sse_core::{Decoder, Item};

use super::client::{Body, Client, Phase};
use super::decoders::Decoders;
use super::head;
use crate::account::reconnect::Ending;
use crate::account::{Moment, Recorder};
use crate::chunked::Piece;

/// Takes in what was read. True if the stream was opened by it.
///
/// # Errors
///
/// The attempt or the stream is over; what was complete before has been entered.
pub(super) fn received(
    client: &mut Client,
    input: &[u8],
    at: Moment,
    recorder: &mut Recorder,
    decoders: &mut Decoders,
) -> Result<bool, Ending> {
    recorder.read(input.len());
    if client.phase != Phase::Head {
        return body(client, input, at, recorder, decoders).map(|()| false);
    }
    // Almost always the head comes in one piece.
    let held = std::mem::take(&mut client.rest);
    let joined;
    let input = if held.is_empty() {
        input
    } else {
        joined = [&held, input].concat();
        &joined
    };
    let Some((length, framing)) = head::read(input)? else {
        client.rest = input.to_vec();
        return Ok(false);
    };
    client.body = framing;
    client.phase = Phase::Open { fresh: true };
    recorder.opened(&mut client.account, client.resumed, at.read);
    body(client, &input[length..], at, recorder, decoders)?;
    Ok(true)
}

fn body(
    client: &mut Client,
    input: &[u8],
    at: Moment,
    recorder: &mut Recorder,
    decoders: &mut Decoders,
) -> Result<(), Ending> {
    if input.is_empty() && !matches!(client.body, Body::Length(0)) {
        return Ok(());
    }
    let mut decoder = client.decoder.take().unwrap_or_else(|| decoders.take(&client.last_event_id));
    if client.phase == (Phase::Open { fresh: true }) {
        decoder.reset();
        client.phase = Phase::Open { fresh: false };
    }
    let outcome = pieces(client, &mut decoder, input, at, recorder);
    if client.last_event_id != decoder.last_event_id() {
        client.last_event_id.clear();
        client.last_event_id.push_str(decoder.last_event_id());
    }
    if decoder.is_at_rest() {
        decoders.give(decoder);
    } else {
        client.decoder = Some(decoder);
    }
    outcome
}

fn pieces(
    client: &mut Client,
    decoder: &mut Decoder,
    mut input: &[u8],
    at: Moment,
    recorder: &mut Recorder,
) -> Result<(), Ending> {
    match client.body {
        Body::UntilClose => events(client, decoder, input, at, recorder),
        Body::Length(left) => {
            let length = input.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            client.body = Body::Length(left - length as u64);
            events(client, decoder, &input[..length], at, recorder)?;
            if left == length as u64 { Err(Ending::Ended) } else { Ok(()) }
        }
        Body::Chunked(mut chunked) => loop {
            let piece = chunked.next(&mut input).map_err(|_| Ending::Malformed("broken chunked coding"))?;
            match piece {
                Piece::Data(data) => events(client, decoder, data, at, recorder)?,
                Piece::End => return Err(Ending::Ended),
                Piece::More => {
                    client.body = Body::Chunked(chunked);
                    return Ok(());
                }
            }
        },
    }
}

fn events(
    client: &mut Client,
    decoder: &mut Decoder,
    mut input: &[u8],
    at: Moment,
    recorder: &mut Recorder,
) -> Result<(), Ending> {
    let account = &mut client.account;
    loop {
        match decoder.next(&mut input).map_err(|_| Ending::TooLong)? {
            Some(Item::Event(message)) => {
                recorder.event(account, &message.name, &message.data, message.id, at);
            }
            Some(Item::Comment(_)) => recorder.comment(account, at),
            Some(Item::Retry(delay)) => {
                client.retry = Some(u32::try_from(delay.as_millis()).unwrap_or(u32::MAX));
            }
            Some(Item::Id(_)) => {}
            None => return Ok(()),
        }
    }
}
